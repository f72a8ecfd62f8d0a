"""Logs to stderr, one JSON object per line."""

import json
import logging
import sys
import time
from datetime import UTC, datetime

import orjson

LOG = logging.getLogger("soupstate")
REPEATED = ("soupstate.connections", "uvicorn.error", "asyncio")  # loggers of messages that clients can cause at will
REPEAT_SECONDS = 10.0
MOST_MESSAGES = 1000  # kept to know which are repeated


class JsonLines(logging.Formatter):
    """Formats a record as JSON. The fields passed as `extra={"fields": {...}}` stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a lone surrogate
            return json.dumps(line, default=str)


class Rarely(logging.Filter):
    """Lets a message through once in REPEAT_SECONDS. The next one says in `more` how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the record is logged. Messages are the same if their first lines are."""
        line, now = str(record.msg).partition("\n")[0], time.monotonic()
        last, more = self._seen.get(line, (-REPEAT_SECONDS, 0))
        if now - last < REPEAT_SECONDS:
            self._seen[line] = last, more + 1
            return False
        if len(self._seen) > MOST_MESSAGES:
            self._seen.clear()
        self._seen[line] = now, 0
        if more:
            record.fields = {**getattr(record, "fields", {}), "more": more}
        return True


def log_to_stderr(level: str) -> None:
    """Sends the logs of the service, uvicorn and asyncio to stderr, as JSON. What a client can repeat comes rarely."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("soupstate", "uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
    for name in REPEATED:
        logging.getLogger(name).filters = [Rarely()]
    if level == "info":  # uvicorn's lines at this level add nothing to ours
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
