"""Answers of one line each (NDJSON) that are sent while the request still comes in."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Send

from soupstate.app.http.bodies import LINES_TYPE
from soupstate.app.http.memory import NoRoom, Ticket
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.queue import Entry, WorkQueue, awaitable
from soupstate.app.http.settings import Settings
from soupstate.app.logs import LOG
from soupstate.model.page.stop import Stopped

WAIT_SECONDS = 0.05  # between two looks at a full queue

T = TypeVar("T")
Take = Callable[[], Coroutine[Any, Any, T | BaseException | None]]
Pending = deque[asyncio.Task[bytes]]
Gone = asyncio.Task[None]


class StreamError(Exception):
    """The stream cannot go on. The message goes into the last line."""


async def cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancels tasks, and waits until all have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def disconnected(receive: Receive, came: asyncio.Event | None = None) -> None:
    """Returns when the client has disconnected.

    came: is set when the whole body has come; before that, what reads the body notices a client that leaves.
    """
    if came:
        await came.wait()
    while (await receive())["type"] != "http.disconnect":
        pass


class LineStream(Response):
    """Base of the answers by lines. The response starts with its first line. lines: that were sent."""

    def __init__(self, queue: WorkQueue, settings: Settings, metrics: Metrics) -> None:
        super().__init__(media_type=LINES_TYPE)
        self.queue, self.settings, self.metrics = queue, settings, metrics
        self.lines, self.started = 0, False

    async def answer_lines(
        self, take: Take[T], answer: Callable[[T], Coroutine[Any, Any, bytes]], pending: Pending, send: Send, gone: Gone
    ) -> str:
        """Sends the answers in the order of what `take` returns, until that is None. It raises what `take` returns.

        gone: is done when the client has disconnected. Returns the reason for ending early, or "".
        """
        following: asyncio.Task[T | BaseException | None] | None = None
        try:
            following = asyncio.create_task(take())
            while following or pending:
                waiting: set[asyncio.Task[Any]] = {gone}
                if following and len(pending) < self.settings.threads:
                    waiting.add(following)
                if pending:
                    waiting.add(pending[0])
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    raise ClientDisconnect
                if pending and pending[0].done():
                    await self.send_line(send, pending[0].result())
                    pending.popleft()
                elif following and following.done():
                    item = following.result()
                    following = None
                    if isinstance(item, BaseException):
                        raise item
                    if item is not None:
                        pending.append(asyncio.create_task(answer(item)))
                        following = asyncio.create_task(take())
        except StreamError as error:
            return str(error)
        except Stopped:
            return "the service is stopping"
        except asyncio.CancelledError:  # by the server, after it has waited for requests to end
            return "the service is stopping"
        except ClientDisconnect:
            raise
        except Exception:
            LOG.exception("a stream failed")
            return "the service failed; its log says why"
        finally:
            if following:
                following.cancel()
        return ""

    async def _begin(self, send: Send) -> None:
        if not self.started:
            self.started = True
            headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
            await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def send_line(self, send: Send, line: bytes) -> None:
        """Sends a line. Raises ClientDisconnect when the client does not take it in time."""
        await self._begin(send)
        sending = send({"type": "http.response.body", "body": line + b"\n", "more_body": True})
        try:
            await asyncio.wait_for(sending, self.settings.stream_seconds)
        except TimeoutError:
            raise ClientDisconnect from None
        self.lines += 1

    async def end(self, send: Send) -> None:
        """Ends the response."""
        await self._begin(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def wait_for_room(self, ticket: Ticket, size: int) -> None:
        """Waits until there is memory for a page of `size` bytes. Raises TooLarge when there never will be."""
        while True:
            try:
                ticket.reserve(size)
                return
            except NoRoom:
                await asyncio.sleep(WAIT_SECONDS)

    async def answer_of(self, entry: Entry[bytes]) -> bytes:
        """Returns the entry's answer. When this is cancelled, it drops the entry and waits for its end."""
        work = awaitable(entry)
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            self.queue.drop(entry)
            await asyncio.wait({work})
            raise
        return work.result()
