"""Settings of the service, in one table. They come from options, then from SOUPSTATE_<NAME>, then from the defaults."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from soupstate.app.http.memory import smallest_budget
from soupstate.model.net.checkpoint import DEFAULT

PREFIX = "SOUPSTATE_"
LOG_LEVELS = ("debug", "info", "warning", "error")

KEY = re.compile(r"[\x21-\x7e]*")

T = TypeVar("T")


class BadSetting(ValueError):
    """A setting cannot be used. The message names its option or variable."""


def _setting(default: T, text: str, *, shown: bool = True) -> T:
    made: T = field(default=default, metadata={"help": text}, repr=shown)
    return made


@dataclass(frozen=True)
class Settings:
    """The table: name, type, default and help. Sizes are in bytes or characters, times in seconds."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0: any free one.")
    api_key: str = _setting(
        "", "Key that requests must send, but for /healthz and /readyz; better as the variable.", shown=False
    )
    weights: Path = _setting(DEFAULT, "Checkpoint to read with (.safetensors).")
    head: tuple[Path, ...] = _setting(
        (), f"Head that finds a field; may be repeated. The variable has several files with {os.pathsep} between them."
    )
    corrections: str = _setting("", "File that keeps what is sent to /corrections; empty: nothing is taken or kept.")
    backend: str = _setting("", "Backend: compiled, avx512vnni, avx512, avx2, scalar, reference; empty: fastest.")
    workers: int = _setting(0, "Threads, each of which reads one page at a time; 0: one per processor.")
    max_body_bytes: int = _setting(10_000_000, "Largest body of a request, in bytes (413).")
    max_memory_bytes: int = _setting(
        4_000_000_000, "Most memory that pages may take together, in bytes (503 when full)."
    )
    page_seconds: float = _setting(60.0, "Longest time to read a page (504); longer beyond a million characters.")
    body_seconds: float = _setting(30.0, "Longest time for the body of a request to arrive (408).")
    header_seconds: float = _setting(
        10.0, "Longest time from a connection or an answer to the headers of the next request."
    )
    max_connections: int = _setting(0, "Most open connections; 0: 4096, or fewer where open files are limited.")
    warc_streams: int = _setting(2, "Most archives and batches of lines that are read at once (503 when more).")
    stream_seconds: float = _setting(
        60.0, "Longest time that a client may take nothing of an answer, or send nothing of an archive."
    )
    drain_seconds: float = _setting(0.0, "Time to go on accepting after a signal to stop, while /readyz answers 503.")
    stop_seconds: float = _setting(30.0, "Time for running requests to end when the service stops.")
    log_level: str = _setting("info", "Lowest level that is logged: " + ", ".join(LOG_LEVELS) + ".")

    @property
    def threads(self) -> int:
        """The number of worker threads."""
        return self.workers or os.cpu_count() or 1


SMALLEST_VALUES = {
    "port": 0,
    "workers": 0,
    "max_connections": 0,
    "max_body_bytes": 1,
    "max_memory_bytes": smallest_budget(1),
    "drain_seconds": 0,
    "stop_seconds": 0,
}
LONGEST_SECONDS = 1_000_000  # 11 days; timers of the system fail at far longer times


def load_settings(environ: Mapping[str, str], given: Mapping[str, Any] | None = None) -> Settings:
    """Loads settings from the environment, and from `given`, which overrides it; None there means not given.

    Raises BadSetting.
    """
    given = given or {}
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        source, value = f"--{setting.name.replace('_', '-')}", given.get(setting.name)
        if value is None or value == ():
            source = PREFIX + setting.name.upper()
            value = environ.get(source)
        if value is not None:
            values[setting.name] = _value(source, setting.name, value, setting.default)
    settings = Settings(**values)
    least = smallest_budget(settings.threads)
    if settings.max_memory_bytes < least:
        raise BadSetting(
            f"max_memory_bytes = {settings.max_memory_bytes}: {settings.threads} threads need at least {least}"
        )
    return settings


def _value(source: str, name: str, value: Any, default: Any) -> Any:
    if name == "api_key":
        if not value:
            raise BadSetting(f"{source}: is empty; leave it out to serve without a key")
        if not KEY.fullmatch(value):
            raise BadSetting(f"{source}: must have visible ASCII characters only, and no spaces")
        return value
    if isinstance(default, tuple):
        return tuple(map(Path, value.split(os.pathsep) if isinstance(value, str) else value))
    kind = Path if isinstance(default, Path) else type(default)
    try:
        made: Any = kind(value)
    except ValueError:
        raise BadSetting(f"{source} = {value!r}: not {'a whole number' if kind is int else 'a number'}") from None
    if isinstance(made, (int, float)):
        least = SMALLEST_VALUES.get(name, 0.001)
        most = 65535 if name == "port" else sys.maxsize if isinstance(made, int) else LONGEST_SECONDS
        if not least <= made <= most:
            raise BadSetting(f"{source} = {value!r}: must be at least {least} and at most {most}")
    if name == "log_level" and made not in LOG_LEVELS:
        raise BadSetting(f"{source} = {value!r}: must be one of {', '.join(LOG_LEVELS)}")
    return made
