"""Elements left open: end tags are missing, and depth is that of the tree which is left."""

import re

import numpy as np
from test_crawl_samples import SAMPLES

from model.page.marks import COLUMN, HEADS, IGNORED
from model.train.lessons import lesson
from model.train.shards import MARKS
from model.train.teacher import teach
from model.train.unclosed import END, FEWEST, MOST, leave_open, unclosed_lesson

PAGES = [s.html for s in SAMPLES if s.malformed is None]
ITEMS = "<body><ul>" + "<li>one <b>two</b></li>" * 20 + "</ul><p>end</p>" + "<div>x</div>" * 9
SEEDS = range(30)


def end_tags(page: str) -> dict[str, int]:
    """How many of each name."""
    names, counts = np.unique([m[1].lower() for m in END.finditer(page)], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def test_only_end_tags_of_a_few_frequent_names_are_missing() -> None:
    changed = 0
    for seed, page in enumerate(PAGES):
        left = leave_open(page, np.random.default_rng(seed))
        before, after = end_tags(page), end_tags(left)
        fewer = {name for name in before if after.get(name, 0) < before[name]}
        assert len(fewer) <= MOST and all(before[name] >= FEWEST for name in fewer)
        assert END.sub("", left) == END.sub("", page)
        changed += left != page
    assert changed > len(PAGES) / 2


def test_some_pages_lose_all_end_tags_of_a_name_and_some_a_few() -> None:
    shares = [end_tags(leave_open(ITEMS, np.random.default_rng(seed))).get("li", 0) / 20 for seed in SEEDS]
    assert 0.0 in shares and 1.0 in shares and any(0 < share < 1 for share in shares)


def test_pages_with_few_end_tags_stay_as_they_are() -> None:
    page = "<p>a</p><div>b</div><script>x</script>"
    assert leave_open(page, np.random.default_rng(1)) == page


def test_depth_is_that_of_the_tree() -> None:
    """Open <b> and <div> stay open, an open <li> ends with the next."""
    depths = set()
    for seed in SEEDS:
        page, marks = unclosed_lesson(ITEMS, np.random.default_rng(seed))
        taught = teach(page)
        assert np.array_equal(marks[:, COLUMN["depth"]], taught[:, COLUMN["depth"]])
        for column, head in enumerate(HEADS):
            if head.name not in ("syntax", "event", "depth"):
                assert (marks[:, column] == IGNORED).all()
        ended = re.sub(r"</b>", "", page) == re.sub(r"</b>", "", ITEMS)
        depths.add((page == ITEMS or ended, int(marks[:, COLUMN["depth"]].max())))
    assert max(depth for _, depth in depths) > 10  # of elements that stay open
    only_items = re.sub("</li>", "", ITEMS)
    assert teach(only_items)[:, COLUMN["depth"]].max() == teach(ITEMS)[:, COLUMN["depth"]].max()


def test_lessons_leave_a_share_open() -> None:
    """All heads but three are then told nothing."""
    random = np.random.default_rng(0)
    lessons = [lesson(ITEMS, random, 0.0, unclosed=0.5) for _ in range(40)]
    told = [bool((rows[:, MARKS + COLUMN["list"]] != IGNORED).any()) for rows in lessons if rows is not None]
    assert len(told) == 40 and 8 < sum(told) < 32
