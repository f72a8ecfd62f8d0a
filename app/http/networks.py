"""The networks of the service: those that read HTML, and the one that reads JSON."""

from collections.abc import Callable
from functools import cache
from threading import Lock

from soupstate.app.answers import Asked
from soupstate.app.http.problems import Problem
from soupstate.app.http.settings import Settings
from soupstate.app.reading import load_json_reader, load_reader
from soupstate.model.net.checkpoint import extractor, json_network
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader


class Networks:
    """The network that extracts, and two more, each of which is loaded when a page first asks for it.

    measuring: loads the network that measures and finds faults. json: loads the one that reads JSON; None where none
    lies beside the weights. Several threads may ask at once.
    """

    def __init__(
        self, extracting: Reader, measuring: Callable[[], Reader], json: Callable[[], JsonReader] | None = None
    ) -> None:
        self.extracting = extracting
        self._measuring = cache(measuring)
        self._json = cache(json) if json else None
        self._loading = Lock()

    def reader(self, asked: Asked, *, extracts: bool) -> Reader | JsonReader:
        """Returns the network that reads what was asked for. Raises Problem for JSON that none reads."""
        if asked.page == "html" and extracts:
            return self.extracting
        load: Callable[[], Reader | JsonReader] | None = self._measuring if asked.page == "html" else self._json
        if load is None:
            raise Problem(422, "this service has no network that reads JSON beside its weights", "page")
        with self._loading:
            return load()


Load = Callable[[Settings], Networks]


def load_networks(settings: Settings) -> Networks:
    """Loads the networks of the settings. Raises FileNotFoundError or ValueError with the reason.

    Those that are loaded later are loaded once now, so that what is wrong with their files is told at the start.
    """
    beside, weights, backend = extractor(settings.weights), settings.weights, settings.backend
    extracting = load_reader(beside, backend, extracts=True, heads=settings.head)

    def measuring() -> Reader:
        return extracting if beside == weights else load_reader(weights, backend)

    def json() -> JsonReader:
        return load_json_reader(weights, backend)

    has_json = json_network(weights) != weights
    measuring()
    if has_json:
        json()
    return Networks(extracting, measuring, json if has_json else None)
