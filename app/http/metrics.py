"""Metrics of the service, for Prometheus. Each application has its own registry."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BITS = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ["route", "status"]
        self.requests = Counter("soupstate_requests", "Requests answered.", names, registry=self.registry)
        self.seconds = Histogram(
            "soupstate_request_seconds",
            "Seconds from request to answer.",
            ["route"],
            registry=self.registry,
            buckets=SECONDS,
        )
        self.characters = Counter("soupstate_characters_read", "Characters of pages read.", registry=self.registry)
        self.dropped = Counter("soupstate_dropped", "Pages whose client went away.", registry=self.registry)
        text = "Memory that pages take, in bytes, while they wait or while they are read."
        self.memory = Gauge("soupstate_memory_bytes", text, ["state"], registry=self.registry)
        self.bits = Histogram(
            "soupstate_page_bits_per_character",
            "Bits per character of each page.",
            registry=self.registry,
            buckets=BITS,
        )

    def page(self, characters: int, bits_per_character: float) -> None:
        """Counts a page that was read."""
        self.characters.inc(characters)
        self.bits.observe(bits_per_character)

    def text(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
