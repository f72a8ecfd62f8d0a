"""What the routes share: the networks, the queue, and the way from a request to its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from soupstate.app.answers import Answerer, Asked, extract, reply
from soupstate.app.http.access import STOPPING
from soupstate.app.http.bodies import Form, Received, Written, busy
from soupstate.app.http.line_stream import disconnected
from soupstate.app.http.memory import SHORT_BYTES, Ticket, TooLarge
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.networks import Networks
from soupstate.app.http.page_stream import PageStream
from soupstate.app.http.problems import Problem
from soupstate.app.http.queue import LONGEST_RETRY, Entry, Full, Late, WorkQueue, awaitable
from soupstate.app.http.settings import Settings
from soupstate.model.page.stop import Stop, Stopped

if TYPE_CHECKING:  # it takes 1 MB
    from soupstate.model.corrections.store import Store

T = TypeVar("T")
Receiver = Callable[[Request, WorkQueue, Ticket, Settings], Awaitable[Received]]

PIECE_BYTES = 65_536  # of an answer that are sent at once


@dataclass
class Service:
    """What the routes share from start to stop. store: of corrections. stopping: /readyz answers 503."""

    settings: Settings
    networks: Networks
    queue: WorkQueue
    metrics: Metrics
    store: "Store | None" = None
    stopping: bool = False
    streams: int = 0

    async def answer(self, request: Request, receiver: Receiver, answerer: Answerer) -> Response:
        """Reads the request's page in the queue and answers. It gives up when the client disconnects."""
        ticket = self.queue.ticket()
        try:
            received = await receiver(request, self.queue, ticket, self.settings)
            written = await self._written(request, received, answerer)
            return Sent(written, ticket, received.form.media_type)
        except BaseException:
            ticket.release()
            raise

    async def _written(self, request: Request, received: Received, answerer: Answerer) -> Written:
        """Returns the answer to a request whose body has arrived. Raises Problem."""
        with refusing(received.field):
            asked, size = await self._parsed(request, received)
            request.state.fields["characters"] = len(asked.html)
            # A long page has already waited once, to be parsed.
            form, long = received.form, size > SHORT_BYTES
            entry = self.queue.submit(lambda stop: self._work(answerer, asked, form, stop), size, first=long)
            return await self.wait(request, entry)

    async def _parsed(self, request: Request, received: Received) -> tuple[Asked, int]:
        """Parses a body; a long one as an entry of the queue, because that takes time and memory too."""
        if len(received.body) <= SHORT_BYTES:
            return await asyncio.to_thread(received.parse)
        return await self.wait(request, self.queue.submit(lambda stop: received.parse(), len(received.body)))

    def stream(self, asked: Asked) -> Response:
        """Returns the response to an archive. Raises Problem when too many streams are being read."""
        from soupstate.app.http.warc_stream import WarcAnswer  # noqa: PLC0415  it takes 3 MB, and few send archives

        self._begin_stream()
        return WarcAnswer(self.queue, self.networks.extracting, self.settings, self.metrics, asked, self._stream_ended)

    def batch(self) -> Response:
        """Returns the response to pages in lines. Raises Problem when too many streams are being read."""
        self._begin_stream()
        return PageStream(self.queue, self.networks.extracting, self.settings, self.metrics, self._stream_ended)

    def _begin_stream(self) -> None:
        if self.streams >= self.settings.warc_streams:
            detail = f"{self.streams} archives or batches are being read, which is the limit"
            raise Problem(503, detail, headers={"Retry-After": str(LONGEST_RETRY)})
        self.streams += 1

    def _stream_ended(self) -> None:
        self.streams -= 1

    def _work(self, answerer: Answerer, asked: Asked, form: Form, stop: Stop) -> Written:
        reader = self.networks.reader(asked, extracts=answerer is extract)
        answer = reply(reader, asked, answerer, stop)
        self.metrics.page(answer["characters"], answer["bits_per_character"])
        return form.write(asked, answer)

    async def wait(self, request: Request, entry: Entry[T]) -> T:
        """Returns the entry's answer.

        When the client disconnects first, it drops the entry, waits for its end and raises ClientDisconnect.
        """
        work = awaitable(entry)
        gone = asyncio.ensure_future(disconnected(request.receive))
        waited: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.queue.drop(entry)
                self.metrics.dropped.inc()
                await asyncio.wait({work})
                raise ClientDisconnect
            return await work
        except Stopped:  # the service is stopping
            raise STOPPING from None
        finally:
            gone.cancel()
            self.queue.drop(entry)


@contextmanager
def refusing(field: str) -> Iterator[None]:
    """Raises the Problem of a page that the queue refuses. field: the part of the request that holds it."""
    try:
        yield
    except Full as full:
        raise busy(full) from None
    except Late as late:
        raise Problem(504, str(late), field) from None
    except TooLarge as large:
        raise Problem(413, str(large), field) from None


class Sent(Response):
    """An answer. Its ticket holds the memory of the answer until that is sent."""

    def __init__(self, written: Written, ticket: Ticket, media_type: str) -> None:
        content, headers = written
        super().__init__(content, headers=headers, media_type=media_type)
        self.ticket = ticket
        ticket.hold(len(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer in pieces, so that no more of it is kept than the client has not taken."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for start in range(0, max(1, len(self.body)), PIECE_BYTES):
                body = bytes(self.body[start : start + PIECE_BYTES])
                more = start + PIECE_BYTES < len(self.body)
                await send({"type": "http.response.body", "body": body, "more_body": more})
        finally:
            self.ticket.release()
