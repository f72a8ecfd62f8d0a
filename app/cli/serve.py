"""`soupstate serve`."""

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import Any

import click
import uvicorn
from fastapi import FastAPI

from soupstate.app.http.connections import BACKLOG, Config, allow_open_files
from soupstate.app.http.networks import load_networks
from soupstate.app.http.service import create_app
from soupstate.app.http.settings import PREFIX, BadSetting, Settings, load_settings
from soupstate.app.logs import LOG, log_to_stderr

Function = Callable[..., None]
M_ARENA_MAX = -8  # malloc.h
SHOWN = {
    "weights": "the shipped ones",
    "api_key": "none",
    "head": "none",
    "corrections": "none",
}  # defaults, as --help shows them


class Server(uvicorn.Server):
    """uvicorn's server. On a signal it turns /readyz to 503, but accepts requests for `drain_seconds` more."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(Config(app, settings))
        self.app, self.settings = app, settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, with a longer queue than asyncio takes from at once."""
        await super().startup(sockets)
        for bound in sockets or ():
            bound.listen(BACKLOG)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to stop on the first signal, and stops at once on the second."""
        service = getattr(self.app.state, "service", None)
        if service is None or service.stopping or not self.settings.drain_seconds:
            super().handle_exit(sig, frame)
        else:
            timer = threading.Timer(self.settings.drain_seconds, super().handle_exit, (sig, frame))
            timer.daemon = True
            timer.start()
        if service is not None:
            service.stopping = True


def listen(settings: Settings) -> socket.socket:
    """Returns a socket bound to the host and port of the settings. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def options_of_settings(function: Function) -> Function:
    """Adds an option for each setting to a command. An option that is not given is None."""
    for setting in reversed(fields(Settings)):
        several = isinstance(setting.default, tuple)
        is_file = several or isinstance(setting.default, Path)
        kind: Any = click.Path(path_type=Path) if is_file else type(setting.default)
        shown = SHOWN.get(setting.name, repr(setting.default))
        text = f"{setting.metadata['help']} [{PREFIX}{setting.name.upper()}; default: {shown}]"
        option = click.option(
            f"--{setting.name.replace('_', '-')}", type=kind, default=None, multiple=several, help=text
        )
        function = option(function)
    return function


def use_one_arena() -> None:
    """Lets all threads allocate from one arena of glibc's malloc, which keeps less of what they freed.

    M_ARENA_MAX of mallopt(3). After the 80 pages of `valid` the service takes 7 MB less, and no more time.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


@click.command("serve")
@options_of_settings
def serve_command(**given: Any) -> None:
    """Answer HTTP requests until SIGINT or SIGTERM.

    Options override the environment variables named in brackets, and those override the defaults. Logs go to
    stderr, one JSON object per line.
    """
    try:
        settings = load_settings(os.environ, given)
    except BadSetting as error:
        raise click.UsageError(str(error)) from None
    log_to_stderr(settings.log_level)
    allow_open_files()
    use_one_arena()
    try:
        networks = load_networks(settings)
        if settings.corrections:
            from soupstate.model.corrections.store import Store  # noqa: PLC0415  it takes 2 MB

            Store(Path(settings.corrections), create=True).close()  # it is opened again when the service starts
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    try:
        bound = listen(settings)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
    host, port = bound.getsockname()[:2]
    LOG.info("listening", extra={"fields": {"url": f"http://{f'[{host}]' if ':' in host else host}:{port}"}})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # uvicorn catches them, and raises them again after it has stopped
    with bound:
        server = Server(create_app(settings, lambda _: networks), settings)
        server.run([bound])
    sys.exit(0 if server.started else 1)
