"""The networks of the service: those that read HTML, and the one that reads JSON."""

from collections.abc import Callable
from typing import NamedTuple

from soupstate.app.answers import Asked
from soupstate.app.http.problems import Problem
from soupstate.app.http.settings import Settings
from soupstate.app.reading import load_json_reader, load_reader
from soupstate.model.net.checkpoint import extractor, json_network
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader


class Networks(NamedTuple):
    """The network that measures and finds faults, and the one that extracts, which may be the same.

    json: the one that reads JSON; None where none lies beside the weights.
    """

    measuring: Reader
    extracting: Reader
    json: JsonReader | None = None

    def reader(self, asked: Asked, *, extracts: bool) -> Reader | JsonReader:
        """Returns the network that reads what was asked for. Raises Problem for JSON that none reads."""
        if asked.page == "html":
            return self.extracting if extracts else self.measuring
        if self.json is None:
            raise Problem(422, "this service has no network that reads JSON beside its weights", "page")
        return self.json


Load = Callable[[Settings], Networks]


def load_networks(settings: Settings) -> Networks:
    """Loads the networks of the settings. Raises FileNotFoundError or ValueError with the reason."""
    beside, weights, backend = extractor(settings.weights), settings.weights, settings.backend
    extracting = load_reader(beside, backend, extracts=True, heads=settings.head)
    measuring = extracting if beside == weights else load_reader(weights, backend)
    has_json = json_network(weights) != weights
    return Networks(measuring, extracting, load_json_reader(weights, backend) if has_json else None)
