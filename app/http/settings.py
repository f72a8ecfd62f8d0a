"""Settings of the service: one table, read from the command line, then SOUPSTATE_<NAME>, then the defaults."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from soupstate.model.net.checkpoint import DEFAULT

PREFIX = "SOUPSTATE_"
LOG_LEVELS = ("debug", "info", "warning", "error")

T = TypeVar("T")


class BadSetting(ValueError):
    """A setting that cannot be used; the message names where it was given."""


def _setting(default: T, text: str) -> T:
    made: T = field(default=default, metadata={"help": text})
    return made


@dataclass(frozen=True)
class Settings:
    """The table: name, type, default, and a line of help. Sizes in bytes or characters, times in seconds."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0: any free one.")
    weights: Path = _setting(DEFAULT, "Checkpoint to read with (.safetensors).")
    backend: str = _setting("", "Recurrence: compiled, avx512vnni, avx512, avx2, scalar, reference; empty: fastest.")
    workers: int = _setting(0, "Pages read at once, each by a thread; 0: one a processor.")
    max_body_bytes: int = _setting(10_000_000, "Largest body of a request, in bytes (413).")
    max_queue_characters: int = _setting(40_000_000, "Characters waiting or being read at once (503 when full).")
    page_seconds: float = _setting(60.0, "Longest time a page is read (504); more for more than a million characters.")
    body_seconds: float = _setting(30.0, "Longest time for the body of a request to arrive (408).")
    warc_streams: int = _setting(2, "WARC files that are read at once for POST /warc (503 when more).")
    stream_seconds: float = _setting(60.0, "Longest time that a client of POST /warc neither sends nor takes anything.")
    drain_seconds: float = _setting(0.0, "Time from the signal to stop (/readyz turns 503) to the end of accepting.")
    stop_seconds: float = _setting(30.0, "Time that requests under way are given to end when stopping.")
    log_level: str = _setting("info", "Least level that is logged: " + ", ".join(LOG_LEVELS) + ".")

    @property
    def threads(self) -> int:
        """Number of worker threads."""
        return self.workers or os.cpu_count() or 1


LEAST = {"port": 0, "workers": 0, "max_body_bytes": 1, "max_queue_characters": 1, "drain_seconds": 0, "stop_seconds": 0}


def load_settings(environ: Mapping[str, str], given: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment, but for those `given` by name (None: not given). Raises BadSetting."""
    given = given or {}
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        source, value = f"--{setting.name.replace('_', '-')}", given.get(setting.name)
        if value is None:
            source = PREFIX + setting.name.upper()
            value = environ.get(source)
        if value is not None:
            values[setting.name] = _value(source, setting.name, value, setting.default)
    return Settings(**values)


def _value(source: str, name: str, value: Any, default: Any) -> Any:
    kind = Path if isinstance(default, Path) else type(default)
    try:
        made: Any = kind(value)
    except ValueError:
        raise BadSetting(f"{source} = {value!r}: not {'a whole number' if kind is int else 'a number'}") from None
    if isinstance(made, (int, float)):
        least, most = LEAST.get(name, 0.001), 65535 if name == "port" else sys.float_info.max
        if not least <= made <= most:
            raise BadSetting(f"{source} = {value!r}: must be {least} at least, {most} at most")
    if name == "log_level" and made not in LOG_LEVELS:
        raise BadSetting(f"{source} = {value!r}: known: {', '.join(LOG_LEVELS)}")
    return made
