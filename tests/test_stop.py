"""Work on a page counts itself, and is given up when nobody waits for it."""

import doctest

import pytest

from soupstate.model.page import stop
from soupstate.model.page.render import addresses
from soupstate.model.page.stop import COUNTED, SPAN, WORK, Stopped, Watch, watched


@pytest.mark.parametrize("module", [stop, addresses])
def test_examples(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted and not found.failed


def test_spans_are_counted_before_they_are_handled() -> None:
    looks: list[int] = []
    handled: list[int] = []
    watch = Watch(lambda: looks.append(len(handled)) or len(looks) == 3)  # type: ignore[func-returns-value]
    with pytest.raises(Stopped):
        for span in watched(range(10_000), watch):
            handled.append(span)
    assert looks[0] == 0 and len(looks) == 3
    assert all(0 < later - earlier <= WORK // SPAN + COUNTED for earlier, later in zip(looks, looks[1:], strict=False))
    assert handled == list(range(looks[-1]))
