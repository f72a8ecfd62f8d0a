"""POST /warc: reads a WARC file as it comes in, and answers one extraction per line. Memory is bounded.

The archive parser blocks while it reads, so it runs in a thread of its own. Its reads and its records go through the
event loop, one at a time. The service receives only what the parser asks for, and the parser goes on only when there is
room for another page: when a client does not take lines, the service does not read from it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from soupstate.app.answers import Asked, as_json, extract, model_of
from soupstate.app.http.line_stream import LineStream, Pending, StreamError, cancelled, disconnected
from soupstate.app.http.memory import TooLarge
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.problems import Problem, problem_response
from soupstate.app.http.queue import Full, Late, WorkQueue
from soupstate.app.http.settings import Settings
from soupstate.app.logs import LOG
from soupstate.app.rows import described
from soupstate.model.archive.records import Tally, WarcRecord, read_records
from soupstate.model.archive.status import LOSSES, Status, failed
from soupstate.model.net.reader import Reader
from soupstate.model.page.stop import Stop, Stopped

T = TypeVar("T")
Records = asyncio.Queue[WarcRecord | BaseException | None]


class _Bridge:
    """Lets a thread wait for coroutines of the event loop, until it is closed."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waiting: Future[Any] | None = None
        self._closed = False

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Returns the coroutine's result. Raises CancelledError when closed. For one thread only, not the loop's."""
        if self._closed:
            coroutine.close()
            raise CancelledError
        future = self._waiting = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        if self._closed:
            future.cancel()
        result: T = future.result()
        return result

    def close(self) -> None:
        """Ends the thread's wait."""
        self._closed = True
        if self._waiting:
            self._waiting.cancel()


class _Body:
    """The body of a request as a file that the parser's thread reads."""

    def __init__(self, receive: Receive, bridge: _Bridge, seconds: float) -> None:
        self._receive, self._bridge, self._seconds = receive, bridge, seconds
        self._chunk, self._more = b"", True
        self.came = asyncio.Event()

    def read(self, size: int, /) -> bytes:
        while not self._chunk and self._more:
            found = self._bridge.call(self._next())
            if isinstance(found, Exception):
                raise found
            self._chunk, self._more = found
        data, self._chunk = self._chunk[:size], self._chunk[size:]
        return data

    async def _next(self) -> tuple[bytes, bool] | Exception:
        """Returns the next part of the body, or what ends it. Asyncio would log an error that nobody waits for."""
        try:
            message = await asyncio.wait_for(self._receive(), self._seconds)
        except TimeoutError:
            return StreamError(f"nothing came for {self._seconds:g} s")
        if message["type"] == "http.disconnect":
            return ClientDisconnect()
        more = message.get("more_body", False)
        if not more:
            self.came.set()
        return message.get("body", b""), more


class WarcAnswer(LineStream):
    """The response: a line for every record that may be a page, and a last line with `error` when some was lost.

    A body without a single record of an archive is a problem instead. So the response starts with the first line.
    """

    def __init__(
        self,
        queue: WorkQueue,
        reader: Reader,
        settings: Settings,
        metrics: Metrics,
        asked: Asked,
        ended: Callable[[], None],
    ) -> None:
        super().__init__(queue, settings, metrics)
        self.reader, self.asked, self.ended = reader, asked, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response. It ends quietly when the client disconnects."""
        bridge, tally = _Bridge(), Tally()
        records: Records = asyncio.Queue(1)
        body = _Body(receive, bridge, self.settings.stream_seconds)
        parser = threading.Thread(target=self._parse, args=(body, tally, bridge, records), daemon=True)
        pending: Pending = deque()
        gone = asyncio.create_task(disconnected(receive, body.came))
        try:
            parser.start()
            error = await self.answer_lines(records.get, self._line, pending, send, gone)
            if not error and tally.problem:
                await problem_response(Problem(422, tally.problem, "body"))(scope, receive, send)
                return
            lost = {str(reason): tally.skipped[reason] for reason in LOSSES if tally.skipped[reason]}
            if error or lost:
                reason = error or ", ".join(f"{number} {reason}" for reason, number in lost.items())
                await self.send_line(send, orjson.dumps({"error": reason, "skipped": lost}))
            await self.end(send)
        except ClientDisconnect:
            self.metrics.dropped.inc()
        finally:
            self.ended()
            scope["state"]["fields"]["lines"] = self.lines
            bridge.close()
            await cancelled([gone, *pending])

    def _parse(self, body: _Body, tally: Tally, bridge: _Bridge, records: Records) -> None:
        """Runs in a thread: puts the records into the queue, then None or the error that ended them."""
        end: BaseException | None = None
        try:
            for record in read_records(body, tally=tally, max_body=self.settings.max_body_bytes):
                bridge.call(records.put(record))
        except CancelledError:
            return
        except BaseException as error:
            end = error
        try:
            bridge.call(records.put(end))
        except (CancelledError, RuntimeError):  # nobody waits any more
            return

    async def _line(self, record: WarcRecord) -> bytes:
        """Returns the line of a record, after its page was read in the queue."""
        line = described(record) | {"model": model_of(self.reader)}
        if record.page is None:
            return orjson.dumps(line)
        page = record.page.text
        asked = replace(self.asked, html=page, url=record.url or None)
        ticket, size = self.queue.ticket(), len(page.encode())
        try:
            await self.wait_for_room(ticket, size)
            return await self.answer_of(self.queue.submit(lambda stop: self._work(asked, line, stop), size))
        except TooLarge:
            line["status"] = Status.TOO_LARGE
        except Late:
            line["status"] = Status.TIMED_OUT
        except Stopped:
            raise
        except Full:  # the queue is closed
            raise Stopped from None
        except Exception as error:  # one page in millions that cannot be read must not end the stream
            LOG.exception("a page failed", extra={"fields": {"url": record.url}})
            line["status"] = failed(error)
        finally:
            ticket.release()
        return orjson.dumps(line)

    def _work(self, asked: Asked, line: dict[str, Any], stop: Stop) -> bytes:
        answer = extract(self.reader, asked, stop)
        self.metrics.page(answer.characters, answer.bits_per_character)
        return orjson.dumps(as_json(answer) | line)
