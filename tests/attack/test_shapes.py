"""Pages of one shape: time and memory grow no faster than the page, and the work can be given up at any time."""

import gc
import itertools
import time
from collections.abc import Iterator

import pytest

from soupstate.app.answers import EXTRACT_PARTS, Asked, main_text, rendered
from soupstate.app.shape_bench import FIXED_MEMORY, SHAPES, URL, WHAT, costs, measure
from soupstate.model.net.checkpoint import DEFAULT
from soupstate.model.net.reader import Marking
from soupstate.model.page import spans
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Stop, Stopped, never
from soupstate.model.train.data.teacher import teach

MEMORY_PER_BYTE = 200
LONGEST_WORK = 0.05  # seconds of processor time between two looks at `stop`
# A browser's tree of these takes time and memory that grow with the square of the page, and so do the teacher's marks.
NO_TEACHER = {"nested tables", "nested lists", "open comments", "<a"}
QUICK = {"breaks", "hashes", "blocks in a cell", "uneven rows", "digits"}  # they took time with the square of the page
PLAIN = [
    pytest.param(shape, marks=() if shape in QUICK else pytest.mark.slow) for shape in SHAPES if shape not in NO_TEACHER
]


def marked(shape: str, size: int) -> Marking:
    """A page with the marks that a perfect reader would give it."""
    page = SHAPES[shape](size)
    return Marking(page, 0.0, spans_of_marks(page, teach(page)))


def render(marking: Marking, stop: Stop = never) -> float:
    """Renders all answers to a page. Returns the seconds of processor time that it took."""
    page = marking.page
    skimmed = Skimmed(page, page, [(0, len(page))], [0])
    start = time.process_time()
    for scope in ("all", "main"):
        rendered(marking, skimmed, Asked(page, URL, frozenset(EXTRACT_PARTS), scope), stop)
    main_text(marking, stop)
    return time.process_time() - start


@pytest.fixture
def no_pauses() -> Iterator[None]:
    """Collecting the garbage of a process that has imported torch takes longer than LONGEST_WORK."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.timed
@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.slow
def test_rendering_is_linear_and_can_be_given_up(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "KEPT", -(2**40))  # both make the objects of spans anew, as pages of many spans do
    small, large = marked(shape, 8_000), marked(shape, 64_000)
    few = min(render(small) for _ in range(3))
    looks = [time.process_time()]

    def look() -> bool:
        looks.append(time.process_time())
        return False

    many = min(render(large, look) for _ in range(2))
    assert many < 16 * few + 0.05, f"{few:.4f} s, and {many:.4f} s for a page that is eight times as long"
    assert max([0.0, *(later - earlier for earlier, later in itertools.pairwise(looks[1:]))]) < LONGEST_WORK
    if many > LONGEST_WORK:
        with pytest.raises(Stopped):
            render(large, lambda: True)


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        ("<", "extract"),
        pytest.param("paragraphs", "extract", marks=pytest.mark.slow),
        pytest.param("paragraphs", "main", marks=pytest.mark.slow),
        ("line feeds", "check"),
        ("strong", "measure"),
    ],
)
def test_memory_is_bounded(shape: str, what: str) -> None:
    (cost,) = costs([shape], [100_000], what, DEFAULT)
    assert cost.size == 100_000 and cost.memory <= FIXED_MEMORY + MEMORY_PER_BYTE * cost.size


@pytest.mark.slow
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("shape", SHAPES)
def test_time_and_memory_are_linear(shape: str, what: str) -> None:
    small, large = costs([shape], [50_000, 400_000], what, DEFAULT)
    for cost in (small, large):
        assert cost.memory <= FIXED_MEMORY + MEMORY_PER_BYTE * cost.size
    assert large.reading < 16 * small.reading + 0.2
    assert large.rest < 16 * small.rest + 0.2


@pytest.mark.slow
@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_on_a_page_looks_at_the_clock(shape: str, what: str) -> None:
    looks = [time.process_time()]

    def look() -> bool:
        looks.append(time.process_time())
        return False

    measure(shape, 100_000, what, DEFAULT, look)
    looks = looks[5:]  # the weights are loaded before
    gaps = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert max(gaps, default=0.0) < (
        0.5 if what in ("check", "measure") else 0.1
    )  # reading a piece with depth takes longest
