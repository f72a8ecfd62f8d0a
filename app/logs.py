"""Logs to stderr, one JSON object per line."""

import logging
import sys
from datetime import UTC, datetime

import orjson

LOG = logging.getLogger("soupstate")


class JsonLines(logging.Formatter):
    """Formats a record as JSON. The fields passed as `extra={"fields": {...}}` stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to_stderr(level: str) -> None:
    """Sends the service's and uvicorn's logs to stderr, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("soupstate", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
    if level == "info":  # uvicorn's lines at this level add nothing to ours
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
