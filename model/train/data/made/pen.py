"""The pen that writes made pages: it has the words and the author's habits, and writes one element at a time.

A page has one author. `draw_habits` draws how that author quotes, indents, names classes and closes tags.
`Pen` then writes text and elements that way. It counts what it wrote, so that a page can stop at its size.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html.entities import codepoint2name
from random import Random
from typing import TypeVar

T = TypeVar("T")
Attribute = tuple[str, str | None]  # the value is not escaped yet; None is an attribute without a value

SHORTEST_RUN = 40  # words
LONGEST_WORD = 60  # characters; longer ones are addresses and hashes
CHUNK_SIZES = (2, 4, 3, 2, 6, 3, 5)  # characters per "word" in scripts without spaces
CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
UNSPACED_OR_NOT = re.compile(f"(?:(?!{UNSPACED.pattern})[^\\W_])+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Texts:
    """Runs of words to draw from."""

    runs: tuple[tuple[str, ...], ...]  # each at least SHORTEST_RUN words
    unspaced: frozenset[int] = frozenset()  # indices in `runs` of those whose words are joined without spaces

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Texts":
        """Makes runs of the texts that are long enough. Raises ValueError when none is.

        Words are split at white space. Chinese, Japanese, Thai and their like become chunks of 2 to 6 characters.
        """
        runs: list[tuple[str, ...]] = []
        unspaced: set[int] = set()
        for text in texts:
            text = CONTROLS.sub("", text)
            without_spaces = 3 * len(UNSPACED.findall(text)) > len(text)
            words = _chunks(text) if without_spaces else text.split()
            run = tuple(word for word in words if len(word) <= LONGEST_WORD)
            if len(run) >= SHORTEST_RUN:
                if without_spaces:
                    unspaced.add(len(runs))
                runs.append(run)
        if not runs:
            raise ValueError(f"no text has {SHORTEST_RUN} words")
        return cls(tuple(runs), frozenset(unspaced))


def _chunks(text: str) -> list[str]:
    """Returns the text in chunks of 2 to 6 characters. Latin words stay whole; vowel signs stay with their letter."""
    chunks: list[str] = []
    for piece in text.split():
        chunk, size = "", 0
        for unit in UNSPACED_OR_NOT.findall(piece):
            full = size >= CHUNK_SIZES[len(chunks) % len(CHUNK_SIZES)]
            if full and not unicodedata.category(unit[0]).startswith("M"):
                chunks.append(chunk)
                chunk, size = "", 0
            chunk += unit
            size += 1
        chunks.append(chunk)
    return chunks


@dataclass(frozen=True, slots=True)
class Marks:
    """How the author writes tags."""

    quotes: tuple[str, ...]  # one is drawn for each attribute; "" leaves the quotes out where that is legal
    upper: bool
    void_end: str  # what follows `<br`
    omitted: frozenset[str]  # elements whose end tag is left out where HTML allows it


@dataclass(frozen=True, slots=True)
class Layout:
    """How the author breaks lines."""

    breaks: tuple[str, ...]  # one is drawn between two blocks
    indent: str
    wrap: int  # words per line of running text; 0 keeps a paragraph on one line


@dataclass(frozen=True, slots=True)
class Habits:
    """Everything that stays the same over one page."""

    marks: Marks
    layout: Layout
    names: tuple[str, ...]  # classes and ids
    decorated: float  # the share of elements with a class
    references: str  # "": only & < > are written as references; "quot": also quotes; "ascii": also all but ASCII
    old: bool  # a page of 1999: font, center, layout tables


OMISSIONS = tuple(
    frozenset(names.split())
    for names in (
        "p",
        "li",
        "p li",
        "p li dt dd option",
        "tr td th thead tbody",
        "p li dt dd tr td th thead tbody option head body html",
    )
)
STOCK_NAMES = """container container-fluid row col-md-6 col-sm-12 col-lg-4 clearfix wrapper inner content main-content
entry-content entry-title post post-meta post-title wp-block-group wp-block-columns wp-block-image is-layout-flow
alignleft aligncenter has-text-align-center elementor-widget-wrap elementor-section elementor-element card card-body
card-title btn btn-primary btn-lg nav nav-item nav-link navbar-nav menu-item menu-item-type-post_type dropdown-menu
list-unstyled list-inline sidebar widget widget_recent_entries footer-widget site-header site-footer breadcrumb
breadcrumb-item text-center text-muted mb-3 mt-4 d-flex img-fluid table table-striped table-bordered sr-only
visually-hidden active first last odd even field field-items views-row block region article-body""".split()
UTILITY_NAMES = """flex flex-col items-center justify-between mx-auto max-w-7xl px-4 sm:px-6 lg:px-8 py-2 mt-4 mb-8
space-y-4 grid grid-cols-1 md:grid-cols-2 lg:w-1/3 gap-6 text-sm text-gray-600 font-semibold leading-6 rounded-lg
shadow-md bg-white hover:underline dark:text-gray-100 border-b hidden md:block w-full h-auto relative absolute
inset-0 z-10 truncate tracking-tight prose max-w-none focus:outline-none p-[3px] -mt-px""".split()
SYLLABLES = "ba co da el fi go ha in ju ka lo me na or pa qui ro se ti un va we xi yo zu str pl ch ing ard ent".split()


def _made_name(random: Random) -> str:
    return "".join(random.choices(SYLLABLES, k=random.randint(1, 3)))


def _draw_names(random: Random) -> tuple[str, ...]:
    """Draws 24 class names of one kind."""
    kind = random.random()
    if kind < 0.35:
        return tuple(random.sample(STOCK_NAMES, 24))
    if kind < 0.5:
        return tuple(random.sample(UTILITY_NAMES, 24))
    made = [_made_name(random) for _ in range(24)]
    if kind < 0.62:
        return tuple(f"{name}__{random.choice(made)}--{random.choice(made)}"[: random.randint(8, 30)] for name in made)
    if kind < 0.72:
        return tuple(f"{random.choice(('css', 'sc', name))}-{random.getrandbits(30):x}" for name in made)
    if kind < 0.86:
        return tuple(f"{name}{random.choice('-_')}{random.choice(made)}" for name in made)
    return tuple(made)


def _draw_layout(random: Random) -> Layout:
    wrap = random.choice((0, 0, 0, 8, 11, 14))
    kind = random.random()
    if kind < 0.5:
        return Layout(("\n",), random.choice(("  ", "  ", "    ", "\t")), wrap)
    if kind < 0.62:
        return Layout(("\n",), "", wrap)
    if kind < 0.86:
        return Layout(("",), "", 0)
    return Layout(random.choice((("\n", "\n\n", " ", ""), ("\n", "\n\n\n"), ("\n", " \n", "\r\n"))), "", wrap)


def draw_habits(random: Random) -> Habits:
    """Draws one author's habits."""
    quotes = random.choices((('"',), ("'",), ("",), ('"', "'"), ('"', "")), (66, 10, 12, 7, 5))[0]
    void_end = random.choices((">", "/>", " />"), (60, 16, 24))[0]
    omits = void_end == ">" and random.random() < 0.3  # on some of these pages no element may omit its end tag
    omitted = random.choice(OMISSIONS) if omits else frozenset[str]()
    return Habits(
        Marks(quotes, void_end == ">" and random.random() < 0.1, void_end, omitted),
        _draw_layout(random),
        _draw_names(random),
        random.choice((0.0, 0.05, 0.2, 0.4, 0.6, 0.9)),
        random.choices(("", "quot", "ascii"), (80, 12, 8))[0],
        random.random() < 0.13,
    )


STYLES = ("color:#{:06x}", "background: #{:06X};", "margin:0 0 {}px", "width: {}px; float: left;", "z-index:{}")
# Style, id and the like: a name, and a value with a field for a number or a class name.
RARE_ATTRIBUTES = (
    ("id", "{name}"),
    ("id", "{name}-{number}"),
    ("data-{name}", "{number}"),
    ("data-{name}", '{{"{name}": {number}}}'),
    ("data-id", "{number}"),
    ("aria-label", "{name}"),
    ("aria-hidden", "true"),
    ("role", "presentation"),
    ("itemprop", "name"),
    ("title", "{name}'s {number}"),
    ("dir", "ltr"),
    ("onclick", "return {name}({number} > 1)"),
    ("tabindex", "-1"),
)
UNDECORATED = set(
    "br wbr html head title meta link script style source track param template".split()
)  # rarely have a class
UNSAFE_UNQUOTED = re.compile("[\\s\"'=<>`]")
NOT_ASCII = re.compile("[^\x00-\x7f]")


class Pen:
    """Writes text and elements by one author's habits."""

    def __init__(self, random: Random, texts: Texts, habits: Habits) -> None:
        self.random = random
        self.habits = habits
        self.texts = texts
        self.spent = 0  # bytes written, counted with all end tags
        self.room = 0  # bytes at which the page should end
        self.in_link = False  # links must not contain links, buttons or fields
        self._turn_to(random.randrange(len(texts.runs)))
        self._bare_ampersands = random.random() < 0.15  # in addresses, and between two spaces
        self._escapes = {38: "&amp;", 60: "&lt;", 0xA0: "&nbsp;"}
        if random.random() < 0.7:
            self._escapes[62] = "&gt;"
        if habits.references:
            self._escapes[34] = "&quot;"

    def _turn_to(self, run: int) -> None:
        self._run = self.texts.runs[run]
        self.space = "" if run in self.texts.unspaced else " "
        self._next = self.random.randrange(len(self._run))

    def chance(self, share: float) -> bool:
        """Returns True in this share of calls."""
        return self.random.random() < share

    def pick(self, choices: Sequence[T]) -> T:
        """Returns one of the choices."""
        return choices[int(self.random.random() * len(choices))]

    def number(self, low: int, high: int) -> int:
        """Returns a number from low to high, both included. Low numbers are likelier."""
        return low + int((high - low + 1) * self.random.random() ** 1.6)

    @property
    def full(self) -> bool:
        """Whether the page has reached its size."""
        return self.spent >= self.room

    @property
    def name(self) -> str:
        """One of the page's class names."""
        return self.pick(self.habits.names)

    def plain_words(self, low: int, high: int) -> list[str]:
        """Returns the next words of the text, not escaped."""
        if self.random.random() < 0.002:
            self._turn_to(self.random.randrange(len(self.texts.runs)))
        start = self._next
        if start >= len(self._run):
            start = 0
        self._next = start + self.number(low, high)
        return list(self._run[start : self._next])

    def words(self, low: int, high: int) -> str:
        """Returns the next words of the text, escaped: from low to high of them, fewer at the end of the text."""
        words = self.plain_words(low, high)
        wrap = self.habits.layout.wrap
        if wrap and self.space:
            for place in range(wrap - 1, len(words) - 1, wrap):
                words[place : place + 2] = [words[place] + "\n" + words[place + 1], ""]
            words = [word for word in words if word]
        return self.literal(self.space.join(words))

    def literal(self, text: str) -> str:
        """Returns the text, escaped."""
        text = text.translate(self._escapes)
        if self.habits.references == "ascii" and not text.isascii():
            text = NOT_ASCII.sub(_reference, text)
        if self._bare_ampersands:
            text = text.replace(" &amp; ", " & ")
        self.spent += len(text.encode())
        return text

    def line(self, depth: int) -> str:
        """Returns the line break before a block at this depth."""
        layout = self.habits.layout
        broken = self.pick(layout.breaks) + layout.indent * min(depth, 16)
        self.spent += len(broken)
        return broken

    def element(self, name: str, body: str, *attributes: Attribute) -> str:
        """Returns an element with its end tag. Classes and the like are drawn in addition to the attributes given."""
        start = self._start(name, attributes) + ">"
        shown = name.upper() if self.habits.marks.upper else name
        self.spent += len(name) + 3
        return f"{start}{body}</{shown}>"

    def nest(self, name: str, parts: Sequence[str], depth: int, *attributes: Attribute) -> str:
        """Returns an element at this depth, with each part on a line of its own."""
        body = "".join([self.line(depth + 1) + part for part in parts])
        return self.element(name, body + self.line(depth), *attributes)

    def void(self, name: str, *attributes: Attribute) -> str:
        """Returns an element that has no end tag, such as `<br>`."""
        start, end = self._start(name, attributes), self.habits.marks.void_end
        if end == "/>" and "=" in start and start[-1] not in "\"'":
            end = " />"  # the slash would belong to the value
        return start + end

    def _start(self, name: str, attributes: Sequence[Attribute]) -> str:
        drawn = list(attributes)
        random = self.random.random
        given = [key for key, _ in attributes]
        share = 0.0 if name in UNDECORATED else self.habits.decorated
        if random() < share and "class" not in given:
            drawn.append(("class", self._classes()))
        if random() < 0.1 * share + 0.008:
            drawn += [rare for rare in self._rare_attributes() if rare[0] not in given]
        if len(drawn) > 1 and random() < 0.4:
            self.random.shuffle(drawn)
        upper = self.habits.marks.upper
        text = "<" + (name.upper() if upper else name)
        for key, value in drawn:
            text += self._attribute(key.upper() if upper else key, value)
        self.spent += len(text.encode()) + 1
        return text

    def _classes(self) -> str:
        count = self.number(4, 12) if self.chance(0.06) else self.number(1, 3)
        return " ".join(dict.fromkeys(self.random.choices(self.habits.names, k=count)))

    def _rare_attributes(self) -> list[Attribute]:
        if self.chance(0.2):
            return [("style", self.pick(STYLES).format(self.random.randrange(1, 999)))]
        rare = self.random.sample(RARE_ATTRIBUTES, self.number(1, 3))
        filled: dict[str, str | None] = {}
        for key, value in rare:
            name = re.sub("[^a-z-]", "", self.name.lower()).strip("-") or "x"
            number = self.random.randrange(1, 5000)
            filled[key.format(name=name)] = value.format(name=name, number=number)
        return list(filled.items())

    def _attribute(self, key: str, value: str | None) -> str:
        quote = self.pick(self.habits.marks.quotes)
        if value is None:
            if self.habits.marks.void_end == " />":
                return f' {key}="{key.lower()}"'
            return f" {key}" if self.chance(0.9) else f' {key}=""'
        if not (self._bare_ampersands and key.lower() in ("href", "src", "action")):
            value = value.replace("&", "&amp;")
        value = value.replace("<", "&lt;")
        if not quote and value and not UNSAFE_UNQUOTED.search(value):
            return f" {key}={value}"
        quote = quote or '"'
        if quote in value:
            quote, value = ("'", value) if "'" not in value else ('"', value.replace('"', "&quot;"))
        if len(self.habits.layout.breaks) > 1 and self.chance(0.05):
            return self.pick((f"\n    {key}={quote}{value}{quote}", f" {key} = {quote}{value}{quote}"))
        return f" {key}={quote}{value}{quote}"


def _reference(match: re.Match[str]) -> str:
    """Returns the character as a reference: by its name if it has one, else by its number."""
    code = ord(match[0])
    return f"&{codepoint2name[code]};" if code in codepoint2name else f"&#{code};"
