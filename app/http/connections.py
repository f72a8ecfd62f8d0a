"""Bounds the connections of the service: how many are open, and how long one may say or take nothing."""

import asyncio
import math
import resource
from collections import OrderedDict
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from soupstate.app.http.access import NO_SNIFFING
from soupstate.app.http.problems import Problem, problem_response
from soupstate.app.http.settings import Settings
from soupstate.app.logs import LOG

# Without a setting: so many connections at most. Each may hold LONGEST_HEADERS bytes of unfinished headers.
MOST_CONNECTIONS = 4096
LONGEST_HEADERS = 32_768
# asyncio accepts so many connections before it handles any. A few such rounds may be under way, so KEPT_DESCRIPTORS
# are left for them, for weights, logs and the event loop itself.
ACCEPTED_AT_ONCE = 8
KEPT_DESCRIPTORS = 96
BACKLOG = 2048  # connections that the kernel keeps until they are accepted
LOG_CONNECTIONS = LOG.getChild("connections")


def most_connections(settings: Settings) -> int:
    """Returns how many connections may be open: the setting, or what the limit of open files leaves."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, soft - KEPT_DESCRIPTORS)
    return min(settings.max_connections or MOST_CONNECTIONS, free)


def allow_open_files() -> None:
    """Raises the soft limit of open files to what most connections need, where the hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + KEPT_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


class Connections:
    """The connections whose request has not come in yet, the one that has been silent longest first."""

    def __init__(self, settings: Settings) -> None:
        self.most = most_connections(settings)
        self.header_seconds, self.stream_seconds = settings.header_seconds, settings.stream_seconds
        self.silent: OrderedDict[Bounded, None] = OrderedDict()

    def make_room(self, new: "Bounded") -> None:
        """Closes a connection when there are too many: the silent one, or the new one when none is silent."""
        if len(new.connections) <= self.most:
            return
        silent = (one for one in self.silent if one is not new and not one.flow.read_paused)
        LOG_CONNECTIONS.warning("too many connections", extra={"fields": {"most": self.most}})
        next(silent, new).cut()


class Config(uvicorn.Config):
    """uvicorn's settings, with the bounds of connections. HTTP is read by h11 on asyncio's loop, as tested here."""

    def __init__(self, app: Any, settings: Settings) -> None:
        super().__init__(
            app,
            loop="asyncio",
            http=Bounded,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            h11_max_incomplete_event_size=LONGEST_HEADERS,
            timeout_graceful_shutdown=max(1, round(settings.stop_seconds)),
        )
        self.bounds = Connections(settings)


class Bounded(H11Protocol):
    """uvicorn's protocol of one connection, closed when it says or takes nothing for too long."""

    def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self.bounds = config.bounds
        self._silence: asyncio.TimerHandle | None = None  # runs while no request is under way
        self._stall: asyncio.TimerHandle | None = None  # runs while the client takes nothing of an answer
        self._unsent = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for a request."""
        super().connection_made(transport)
        self._watch()
        self.bounds.make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        super().connection_lost(exc)
        self._forget()

    def handle_events(self) -> None:
        """Handles what has come in."""
        super().handle_events()
        self._watch()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Gives the client its time to take more of the answer."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.bounds.stream_seconds, self.cut)

    def resume_writing(self) -> None:
        """Goes on with the answer."""
        super().resume_writing()
        if self._stall:
            self._stall.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, where no answer is under way, and closes the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.cut()
            return
        answer = problem_response(Problem(400, msg, headers={"Connection": "close"}))
        head = h11.Response(status_code=400, headers=[*answer.raw_headers, NO_SNIFFING], reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def cut(self) -> None:
        """Closes the connection at once."""
        self.connections.discard(self)
        self._forget()
        self.transport.abort()

    def _watch(self) -> None:
        """Limits the time until the headers of the next request are complete, and notes whether one is."""
        silent = self.bounds.silent
        if self.cycle is None or self.cycle.response_complete:
            if self._silence is None and self in self.connections:
                self._silence = self.loop.call_later(self.bounds.header_seconds, self._silent)
                silent[self] = None
            return
        if self._silence:
            self._silence.cancel()
            self._silence = None
        if self.conn.their_state is h11.SEND_BODY:  # something of the body came
            silent[self] = None
            silent.move_to_end(self)
        else:
            silent.pop(self, None)

    def _silent(self) -> None:
        """Closes the connection, unless the client is still taking the last answer."""
        unsent = self.transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:
            self._unsent = unsent
            self._silence = self.loop.call_later(self.bounds.header_seconds, self._silent)
        else:
            self.cut()

    def _forget(self) -> None:
        self.bounds.silent.pop(self, None)
        for timer in (self._silence, self._stall):
            if timer:
                timer.cancel()
