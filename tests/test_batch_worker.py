"""What a worker does when its parent ends while it waits."""

from multiprocessing import Pipe

from soupstate.app.batch.worker import _received


def test_a_parent_that_has_ended_sends_nothing() -> None:
    here, there = Pipe()
    there.send("x")
    assert _received(here) == "x"
    there.close()
    assert _received(here) is None
