"""POST /extract with application/x-ndjson: reads a request per line as they come in, and answers each with a line."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from soupstate.app.answers import extract, reply
from soupstate.app.http.bodies import GRACE_SECONDS, JSON_TYPE, SLOWEST_BODY, Received
from soupstate.app.http.line_stream import LineStream, Pending, StreamError, cancelled, disconnected
from soupstate.app.http.memory import SHORT_BYTES, WAITING_BYTES, Ticket, TooLarge
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.problems import Problem, problem_fields
from soupstate.app.http.queue import Full, Late, WorkQueue
from soupstate.app.http.schemas import ExtractRequest
from soupstate.app.http.settings import Settings
from soupstate.app.logs import LOG
from soupstate.model.net.reader import Reader
from soupstate.model.page.stop import Stop, Stopped


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the body, counted from 1. data: its bytes; None where it has more than a body may have."""

    number: int
    data: bytes | None
    ticket: Ticket


class PageStream(LineStream):
    """The response: the answer of /extract for each line, or an object with `error`, both with the number `line`.

    A line first takes the share of a short page, and when it grows longer, at once that of the longest. So none that
    waits for a share holds one of the same kind.
    """

    def __init__(
        self, queue: WorkQueue, reader: Reader, settings: Settings, metrics: Metrics, ended: Callable[[], None]
    ) -> None:
        super().__init__(queue, settings, metrics)
        self.reader, self.ended = reader, ended
        self._receive: Receive
        self._chunk, self._at, self._more, self._number = b"", 0, True, 0
        self._all_came = asyncio.Event()
        self._tickets: set[Ticket] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response. It ends quietly when the client disconnects."""
        self._receive = receive
        pending: Pending = deque()
        gone = asyncio.create_task(disconnected(receive, self._all_came))
        try:
            if error := await self.answer_lines(self._next, self._answered, pending, send, gone):
                await self.send_line(send, orjson.dumps({"error": {"detail": error}}))
            await self.end(send)
        except ClientDisconnect:
            self.metrics.dropped.inc()
        finally:
            self.ended()
            scope["state"]["fields"]["lines"] = self.lines
            await cancelled([gone, *pending])
            for ticket in self._tickets:
                ticket.release()

    async def _next(self) -> Line | BaseException | None:
        """Returns the next line that is not empty, what ends the stream, or None at its end."""
        try:
            while self._more or self._at < len(self._chunk):
                self._number += 1
                if line := await self._line(self.queue.ticket()):
                    return line
        except (StreamError, ClientDisconnect) as error:
            return error
        return None

    async def _line(self, ticket: Ticket) -> Line | None:
        """Reads a line; None for an empty one. Raises StreamError or ClientDisconnect."""
        data, size, ended, seconds = bytearray(), 0, False, 0.0
        most = min(self.settings.max_body_bytes, self.queue.memory.largest)
        self._tickets.add(ticket)
        while not ended:
            if self._at == len(self._chunk):
                if not self._more:
                    break
                seconds = await self._more_came(seconds if size else None, size)
            found = self._chunk.find(b"\n", self._at)
            ended = found >= 0
            part = self._chunk[self._at : found if ended else len(self._chunk)]
            self._at = found + 1 if ended else len(self._chunk)
            size += len(part)
            if 0 < size <= most:
                await self.wait_for_room(ticket, min(most, SHORT_BYTES) if size <= SHORT_BYTES else most)
                data += part
        if size > most or not data.strip():
            self._release(ticket)
            return Line(self._number, None, ticket) if size > most else None
        ticket.hold(WAITING_BYTES * size)
        return Line(self._number, bytes(data), ticket)

    async def _more_came(self, seconds: float | None, size: int) -> float:
        """Receives the next part of the body.

        seconds: that were waited for the line so far; None before its first byte. Returns them with these ones.
        """
        allowed = self.settings.stream_seconds
        if seconds is not None:
            allowed = min(allowed, max(0.0, GRACE_SECONDS + size / SLOWEST_BODY - seconds))
        start = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), allowed)
        except TimeoutError:
            raise StreamError(f"line {self._number} did not come in time") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._chunk, self._at, self._more = message.get("body", b""), 0, message.get("more_body", False)
        if not self._more:
            self._all_came.set()
        return 0.0 if seconds is None else seconds + time.monotonic() - start

    async def _answered(self, line: Line) -> bytes:
        """Returns the answer to a line, after its page was read in the queue."""
        try:
            data = line.data
            if data is None:
                raise Problem(413, "the line is larger than a body may be", "body")
            work = self.queue.submit(lambda stop: self._work(line.number, data, stop), len(data))
            return await self.answer_of(work)
        except Problem as error:
            problem = error
        except TooLarge as large:
            problem = Problem(413, str(large), "html")
        except Late as late:
            problem = Problem(504, str(late), "html")
        except Stopped:
            raise
        except Full:  # the queue is closed
            raise Stopped from None
        except Exception:  # one page in millions that cannot be read must not end the stream
            LOG.exception("a page failed", extra={"fields": {"line": line.number}})
            problem = Problem(500, "the service failed; its log says why")
        finally:
            self._release(line.ticket)
        return orjson.dumps({"line": line.number, "error": problem_fields(problem)})

    def _work(self, number: int, data: bytes, stop: Stop) -> bytes:
        asked, _ = Received(ExtractRequest, JSON_TYPE, None, {}, data).parse()
        answer: dict[str, Any] = reply(self.reader, asked, extract, stop)
        self.metrics.page(answer["characters"], answer["bits_per_character"])
        return orjson.dumps({"line": number} | answer, option=orjson.OPT_SERIALIZE_NUMPY)

    def _release(self, ticket: Ticket) -> None:
        ticket.release()
        self._tickets.discard(ticket)
