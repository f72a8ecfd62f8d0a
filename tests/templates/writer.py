"""Writes the random content of made pages: sentences, names, dates and the like, from words written for this project.

What is main content stands between BEGIN and END, which `page_of` takes out again.
"""

import random
import re
from dataclasses import dataclass

BEGIN, END = "\ue000", "\ue001"  # of the private use area, so that no page has them
MARKS = re.compile(f"[{BEGIN}{END}]")
TAG = re.compile("<[^>]*>")

NOUNS = """harbour bridge council engine garden market ferry library school river winter museum orchard signal tunnel
kitchen lantern workshop station meadow archive battery bakery compass factory glacier hospital island kettle ladder
mountain notebook office painting quarry railway saddle theatre valley window village concert budget survey recipe
telescope vineyard anchor barrel canal cottage desk elevator festival gallery hall inn journey lake mill pier""".split()
VERBS = """opened closed repaired measured described painted carried sold bought counted followed found moved planned
tested printed rebuilt cleaned drew filled guarded joined lifted mapped named offered packed reached showed turned
visited warned watched weighed welcomed""".split()
ADJECTIVES = """old narrow quiet bright heavy wooden northern careful empty early late steep green local public private
broken modern famous small wide patient simple rare warm frozen dusty hollow gentle plain""".split()
PLACES = """Aldermoor Brackwater Calder Dunmere Eastholm Fenwick Glenross Harrowby Inverlea Kestrel Langford Marlow
Norwick Oakham Penrose Quarley Ravensea Stanmore Thornbury Upwell Westmark Yarrow""".split()
FIRST = "Ada Bruno Clara Dmitri Edith Farid Greta Hugo Ines Jonas Karin Luis Mara Nils Olga Pavel Rosa Samir".split()
LAST = "Abbott Berg Costa Dahl Ellis Fischer Grant Hale Ivers Jansen Kovac Lund Marsh Novak Olsen Price Reyes".split()
MONTHS = "January February March April May June July August September October November December".split()
LINKS = ["about", "contact", "help", "news", "archive", "privacy", "login", "search", "shop", "team", "jobs", "map"]


class Writer:
    """Writes random content. One seed gives one content."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *choices: str) -> str:
        """Returns one of the choices."""
        return self.random.choice(choices)

    def some(self, least: int, most: int) -> range:
        """Returns a range of a random length."""
        return range(self.random.randint(least, most))

    def noun(self) -> str:
        """Returns a noun."""
        return self.random.choice(NOUNS)

    def thing(self) -> str:
        """Returns an adjective and a noun."""
        return f"{self.random.choice(ADJECTIVES)} {self.noun()}"

    def place(self) -> str:
        """Returns the name of a place."""
        return self.random.choice(PLACES)

    def person(self) -> str:
        """Returns a person's name."""
        return f"{self.random.choice(FIRST)} {self.random.choice(LAST)}"

    def number(self, least: int = 2, most: int = 900) -> int:
        """Returns a number."""
        return self.random.randint(least, most)

    def date(self) -> str:
        """Returns a date."""
        return f"{self.number(1, 28)} {self.random.choice(MONTHS)} {self.number(2009, 2026)}"

    def price(self) -> str:
        """Returns a price."""
        return f"${self.number(3, 400)}.{self.one('00', '50', '95', '99')}"

    def title(self) -> str:
        """Returns a headline."""
        return self.one(
            f"{self.thing().capitalize()} in {self.place()} {self.random.choice(VERBS)} again",
            f"Why the {self.thing()} of {self.place()} matters",
            f"{self.place()}: {self.number()} visitors at the {self.thing()}",
            f"{self.person()} and the {self.thing()}",
        )

    def sentence(self) -> str:
        """Returns a sentence."""
        verb, other = self.random.choice(VERBS), self.random.choice(VERBS)
        return self.one(
            f"The {self.thing()} near {self.place()} was {verb} by {self.person()} in {self.number(1890, 2026)}.",
            f"{self.person()} {verb} the {self.thing()} before the {self.noun()} was {other}.",
            f"In {self.place()}, a {self.thing()} and {self.number()} others {verb} the {self.noun()} without delay.",
            f"Nobody {verb} the {self.thing()}, although the {self.noun()} had been {other} twice.",
            f"After {self.number(2, 40)} days the {self.noun()} {verb}, and the {self.thing()} was {other} as well.",
            f"We {verb} every {self.noun()} that {self.person()} had {other} for the {self.thing()}.",
        )

    def text(self, least: int = 2, most: int = 5) -> str:
        """Returns some sentences."""
        return " ".join(self.sentence() for _ in self.some(least, most))

    def paragraphs(self, least: int, most: int, tag: str = "p") -> str:
        """Returns paragraphs, each in a tag such as `p` or `div class=text`."""
        return "\n".join(f"<{tag}>{self.text()}</{tag.split()[0]}>" for _ in self.some(least, most))

    def links(self, count: int, between: str = " ") -> str:
        """Returns links to other pages of the site."""
        names = self.random.sample(LINKS, min(count, len(LINKS)))
        return between.join(f'<a href="/{name}">{name.capitalize()}</a>' for name in names)

    def teasers(self, least: int, most: int, item: str = "div", text: str = "p") -> str:
        """Returns links to other articles, each with some sentences."""
        return "\n".join(
            f'<{item}><a href="/{self.number()}">{self.title()}</a><{text}>{self.text(1, 3)}</{text.split()[0]}>'
            f"</{item.split()[0]}>"
            for _ in self.some(least, most)
        )

    def items(self, least: int, most: int) -> str:
        """Returns short items of a list."""
        return "".join(f"<li>{self.thing().capitalize()}</li>" for _ in self.some(least, most))


def main(html: str) -> str:
    """Returns HTML marked as main content."""
    return f"{BEGIN}{html}{END}"


@dataclass(frozen=True)
class Made:
    """A made page. spans: offsets of its main content."""

    html: str
    spans: list[tuple[int, int]]

    @property
    def text(self) -> str:
        """The main content as text."""
        return " ".join(" ".join(TAG.sub(" ", self.html[start:end]) for start, end in self.spans).split())


def page_of(title: str, body: str) -> Made:
    """Returns a page with a body in which main content is marked."""
    marked = f"<!doctype html>\n<html><head><title>{title}</title></head>\n<body>\n{body}\n</body></html>\n"
    spans: list[tuple[int, int]] = []
    at, begin, parts = 0, 0, list[str]()
    for part in re.split(f"([{BEGIN}{END}])", marked):
        if part == BEGIN:
            begin = at
        elif part == END:
            spans.append((begin, at))
        else:
            parts.append(part)
            at += len(part)
    return Made("".join(parts), spans)
