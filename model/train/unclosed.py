"""Elements left open: pages whose end tags of a few elements are missing, here and there or everywhere.

Damage (`model.train.damage`) keeps the marks of the page before it, whose text is wanted all the same. Depth is another
matter: it is that of the tree which the standard makes of the tags as they are. Some elements end by themselves (<p>,
<li>, <td>), others stay open and all that follows stands inside them. Both are learned from pages like these.
"""

import re

import numpy as np

from model.page.marks import HEADS, IGNORED
from model.train.teacher import Marks, teach

# Of elements that may hold much or stand in great numbers. <table> moves what it holds if it stays open, <a> ends the
# one before it, both of which few authors leave to chance.
NAMES = "p li td tr th dd dt option div span font b i u em strong center small big ul ol section article"
END = re.compile(rf"</({NAMES.replace(' ', '|')})\s*>", re.I)
MOST = 3  # kinds of elements of one page
FEWEST = 4  # end tags of a kind, for it to be chosen
SHARES = (0.03, 0.3, 1.0)  # of a kind's end tags that are missing
TAUGHT = frozenset({"syntax", "event", "depth"})  # of the others the author means what the tree does not say


def leave_open(page: str, random: np.random.Generator) -> str:
    """The page without some end tags of up to MOST kinds of elements."""
    names = [m[1].lower() for m in END.finditer(page)]
    known, counts = np.unique(names, return_counts=True)
    known, counts = known[counts >= FEWEST], counts[counts >= FEWEST]
    if not len(known):
        return page
    shares = np.sqrt(counts)
    wanted = min(len(known), 1 + int(random.integers(MOST)))
    chosen = random.choice(known, wanted, replace=False, p=shares / shares.sum())
    missing = {str(name): float(random.choice(SHARES)) for name in chosen}
    return END.sub(lambda m: "" if random.random() < missing.get(m[1].lower(), 0.0) else m[0], page)


def unclosed_lesson(page: str, random: np.random.Generator) -> tuple[str, Marks]:
    """A page with elements left open, and the marks of its own tree for the heads in TAUGHT."""
    page = leave_open(page, random)
    marks = teach(page)
    for column, head in enumerate(HEADS):
        if head.name not in TAUGHT:
            marks[:, column] = IGNORED
    return page, marks
