"""Writes the running text of made pages: links, emphasis, code, pictures and everything else in paragraphs."""

from collections.abc import Callable

from soupstate.model.train.data.made.pen import Attribute, Pen

DEEPEST = 3  # nesting of inline elements
CODES = """x y n i a q f() --help foo.bar n+1 git O(n) null true 0x1F <br> &amp; a&&b "s" ls $HOME i++ T<U> C:\\ p=0.05
get_item() README.md Ctrl C npm 42 / * | { } ; ~ x[0] --no-verify .htaccess std::vector<int> %s""".split()
KEYS = "Ctrl Alt Shift Enter Esc Tab F5 C V X A".split()
FORMULAS = (("H", "2", "O"), ("CO", "2", ""), ("x", "i", ""), ("a", "n", " + 1"), ("C", "6", "H"), ("log", "10", "x"))
POWERS = (("m", "2", ""), ("10", "-6", " m"), ("x", "n", ""), ("20", "th", ""), ("E = mc", "2", ""), ("1", "er", ""))
REFERENCES = """&amp; &mdash; &ndash; &nbsp; &hellip; &rsquo; &ldquo; &rdquo; &laquo; &raquo; &copy; &reg; &eacute;
&times; &euro; &lt;tag&gt; &quot; &#8217; &#8211; &#39; &#160; &#233; &#x2014; &#xA0; &#x27; &#x1F600; &larr; &rarr;
&bull; &middot; &hearts; &Auml; &szlig; &deg;C &frac12; &zwnj; &shy; &le; &ne; &alpha;""".split()
LEGACY_REFERENCES = ("&copy 2024", "&nbsp ", "&amp ", "&lt ", "&eacute ", "&raquo ")
QUERIES = (
    "?p={}",
    "?id={}&page=2",
    "?q=a+b&lang=en&sort=asc",
    "?utm_source=x&utm_medium=y&id={}",
    "index.php?s={}#top",
)
SVG_PATH = "M{a} {b}h{a}v-{b}L12 {a}.5z"
SMALL = "small mark del ins s u cite dfn span span bdi".split()
OLD = "font font font big tt strike u nobr nobr".split()


def url(pen: Pen) -> str:
    """Writes an address, not escaped."""
    kind = pen.random.random()
    path = "/".join(
        pen.random.choices([name.replace(":", "").lower() for name in pen.habits.names[:9]], k=pen.number(1, 3))
    )
    if kind < 0.25:
        return "/" + path + pen.pick(("", "", "/", ".html", ".php"))
    if kind < 0.4:
        return pen.pick(("", "../", "./", "../../")) + path + pen.pick(("", ".html", ".htm"))
    if kind < 0.62:
        host = pen.pick(("www.example.com", "example.org", "blog.example.net:8080", "xn--bcher-kva.example"))
        return pen.pick(("https://", "https://", "http://", "//")) + host + "/" + path + pen.pick(("", "/"))
    if kind < 0.76:
        return pen.pick(("/", "", f"/{path}/")) + pen.pick(QUERIES).format(pen.number(1, 9999))
    if kind < 0.9:
        return pen.pick(("#", "#top", "#" + path.replace("/", "-"), f"#fn{pen.number(1, 9)}", "/" + path + "#c2"))
    return pen.pick(
        ("/", "mailto:a@example.com", "tel:+49123456", "javascript:void(0)", "a%20b.pdf", "", "/?a=1&b=2#c")
    )


def picture_url(pen: Pen) -> str:
    """Writes the address of a picture, not escaped."""
    size = pen.pick(("", "", "-300x200", "@2x", "_thumb"))
    name = pen.name.replace(":", "").replace("/", "")
    return (
        pen.pick(("/img/", "images/", "https://cdn.example.com/", "../"))
        + name
        + size
        + pen.pick((".jpg", ".png", ".webp"))
    )


def alternative(pen: Pen) -> str:
    """Writes words for an `alt` or a `title`, not escaped."""
    return pen.space.join(pen.plain_words(1, 6)) if pen.chance(0.8) else ""


def link(pen: Pen, level: int = 0, target: str | None = None) -> str:
    """Writes a link around text or a picture. Inside another link: plain words."""
    if pen.in_link:
        return pen.words(1, 4)
    attributes: list[Attribute] = [("href", url(pen) if target is None else target)]
    if pen.chance(0.25):
        attributes.append(pen.pick((("target", "_blank"), ("rel", "nofollow noopener"), ("title", alternative(pen)))))
    if pen.chance(0.1):
        attributes.insert(0, ("class", pen.name))
    pen.in_link = True
    body = image(pen) if pen.chance(0.06) else inline(pen, 1, 5, level + 1) if pen.chance(0.25) else pen.words(1, 5)
    pen.in_link = False
    return pen.element("a", body, *attributes)


def image(pen: Pen, level: int = 0) -> str:
    """Writes an `img`. Its address may be in `data-src`, for a script."""
    attributes: list[Attribute] = [("src", picture_url(pen))]
    if pen.chance(0.85):
        attributes.append(("alt", alternative(pen)))
    if pen.chance(0.3):
        attributes += [("width", str(pen.number(1, 1200))), ("height", str(pen.number(1, 800)))]
    if pen.chance(0.12):
        blank = pen.pick(
            ("data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==", "/img/blank.gif")
        )
        attributes = [("data-src", picture_url(pen)), ("src", blank), *attributes[1:]]
    if pen.chance(0.1):
        attributes.append(("srcset", f"{picture_url(pen)} 1x, {picture_url(pen)} 2x"))
    if pen.chance(0.15):
        attributes.append(("loading", "lazy"))
    return pen.void("img", *attributes)


def icon(pen: Pen, level: int = 0) -> str:
    """Writes a small svg."""
    path = SVG_PATH.format(a=pen.number(1, 20), b=pen.number(1, 20))
    parts = f'<path d="{path}"' + pen.pick(("/>", " fill='none'/>", "></path>"))
    if pen.chance(0.3):
        parts += pen.pick(('<circle cx="8" cy="8" r="3"/>', "<g><rect width='4' height='4'/></g>"))
    if pen.chance(0.4):
        parts = "<title>" + pen.words(1, 2) + "</title>" + parts
    pen.spent += len(parts)
    return pen.element("svg", parts, ("viewBox", "0 0 24 24"), ("width", pen.pick(("16", "24", "1em"))))


def code(pen: Pen, level: int = 0) -> str:
    """Writes a bit of code, often of one letter."""
    name = pen.random.choices(("code", "kbd", "samp", "var", "tt"), (70, 10, 6, 9, 3 * pen.habits.old))[0]
    if name == "kbd" and pen.chance(0.4):
        return "+".join(pen.element("kbd", pen.pick(KEYS)) for _ in range(2))
    letter = chr(pen.random.randrange(97, 123))
    text = letter if pen.chance(0.35) else pen.pick(CODES)
    body = pen.words(1, 2) if pen.chance(0.12) else pen.literal(text)
    if pen.chance(0.05):
        body = pen.element("b", body)
    return pen.element(name, body)


def emphasis(pen: Pen, level: int = 0) -> str:
    """Writes bold or italic text."""
    if pen.habits.old and pen.chance(0.4):
        return small_mark(pen, level)
    name = pen.pick(("b", "strong", "strong", "i", "em", "em"))
    return pen.element(name, inline(pen, 1, 5, level + 1) if pen.chance(0.3) else pen.words(1, 5))


def double_emphasis(pen: Pen, level: int = 0) -> str:
    """Writes bold in italic or italic in bold, of all or of a part."""
    outer, inner = pen.pick((("b", "i"), ("i", "b"), ("strong", "em"), ("em", "strong"), ("strong", "i")))
    before = pen.words(1, 3) + pen.space if pen.chance(0.4) else ""
    marked = pen.element(inner, pen.words(1, 4))
    after = pen.space + pen.words(1, 3) if pen.chance(0.4) else ""
    return pen.element(outer, before + marked + after)


def part_of_word(pen: Pen, level: int = 0) -> str:
    """Writes a word with a part marked, as in `<b>wo</b>rd`."""
    word = pen.plain_words(1, 1)[0]
    place = pen.number(1, max(1, len(word) - 1))
    first, last = pen.literal(word[:place]), pen.literal(word[place:])
    kind = pen.random.random()
    if kind < 0.2:
        return first + pen.void("wbr") + last
    name = pen.pick(("b", "i", "em", "strong", "span", "mark", "u", "s"))
    return pen.element(name, first) + last if kind < 0.7 else first + pen.element(name, last)


def sub_and_sup(pen: Pen, level: int = 0) -> str:
    """Writes a lowered or raised part inside a word, or the mark of a note."""
    if pen.chance(0.3):
        note = pen.literal(pen.pick(("1", "2", "[3]", "*")))
        return pen.words(1, 2) + pen.element("sup", note if pen.in_link else pen.element("a", note, ("href", "#fn1")))
    name, forms = pen.pick((("sub", FORMULAS), ("sup", POWERS)))
    before, moved, after = pen.pick(forms)
    return pen.literal(before) + pen.element(name, pen.literal(moved)) + pen.literal(after)


def small_mark(pen: Pen, level: int = 0) -> str:
    """Writes one of the rarer elements around a few words."""
    if pen.habits.old:
        name = pen.pick(OLD)
        if name == "font":
            attributes = [("color", pen.pick(("red", "#003366", "navy"))), ("size", pen.pick(("1", "2", "+1", "-1")))]
            return pen.element("font", inline(pen, 1, 8, level + 1), *attributes[: pen.number(1, 2)])
        return pen.element(name, pen.words(1, 5))
    return pen.element(pen.pick(SMALL), inline(pen, 1, 5, level + 1) if pen.chance(0.2) else pen.words(1, 5))


def quotation(pen: Pen, level: int = 0) -> str:
    """Writes a `q`, sometimes with another `q` in it."""
    body = pen.words(2, 8)
    if pen.chance(0.3):
        body += pen.space + pen.element("q", pen.words(1, 5)) + (pen.space + pen.words(1, 3) if pen.chance(0.5) else "")
    return pen.element("q", body)


def named_thing(pen: Pen, level: int = 0) -> str:
    """Writes an abbreviation, a date, a number with its value, a reading aid."""
    kind = pen.number(0, 4)
    if kind == 0:
        return pen.element("abbr", pen.words(1, 1), ("title", alternative(pen)))
    if kind == 1:
        date = f"{pen.number(1998, 2026)}-{pen.number(10, 12)}-{pen.number(10, 28)}"
        return pen.element("time", pen.words(1, 3), ("datetime", date))
    if kind == 2:
        return pen.element("data", pen.words(1, 2), ("value", str(pen.number(1, 999))))
    if kind == 3:
        rt = pen.element("rp", "(") + pen.element("rt", pen.words(1, 1)) + pen.element("rp", ")")
        return pen.element("ruby", pen.words(1, 1) + rt)
    return pen.element("bdo", pen.words(1, 3), ("dir", pen.pick(("ltr", "rtl"))))


def empty_thing(pen: Pen, level: int = 0) -> str:
    """Writes an element that shows nothing: an icon by class, an old anchor, an empty span."""
    if pen.chance(0.4) and not pen.in_link:
        return pen.element("a", "", pen.pick((("name", pen.name), ("id", pen.name), ("href", "#"))))
    return pen.element(
        pen.pick(("i", "span")), "", ("class", pen.pick(("fa fa-home", "icon-star", "glyphicon", pen.name)))
    )


def reference(pen: Pen, level: int = 0) -> str:
    """Writes a character reference between words; rarely one without its semicolon."""
    sign = pen.pick(LEGACY_REFERENCES if pen.chance(0.05) else REFERENCES)
    pen.spent += len(sign)
    before = pen.words(1, 3) + pen.space if pen.chance(0.5) else ""
    return before + sign + pen.pick(("", pen.space)) + pen.words(1, 3)


def broken_line(pen: Pen, level: int = 0) -> str:
    """Writes words with a line break."""
    breaks = pen.void("br") * pen.random.choices((1, 2, 3), (80, 16, 4))[0]
    return pen.words(1, 7) + breaks + pen.pick(("", "\n", " ")) + pen.words(1, 7)


def field(pen: Pen, level: int = 0) -> str:
    """Writes a label with its field or a button in running text."""
    if pen.in_link:
        return pen.words(1, 3)
    if pen.chance(0.4):
        return pen.element("button", pen.words(1, 2), ("type", "button"))
    return pen.element("label", pen.words(1, 3) + " " + pen.void("input", ("name", "a"), ("type", "checkbox")))


def comment_words(pen: Pen, low: int, high: int) -> str:
    """Writes words without the signs that could end a comment."""
    words = "".join(char for char in pen.space.join(pen.plain_words(low, high)) if char not in "<>-!&[]")
    pen.spent += len(words.encode()) + 8
    return words


def comment(pen: Pen, level: int = 0) -> str:
    """Writes a comment of words."""
    return f"<!-- {comment_words(pen, 0, 8)} -->" if pen.chance(0.8) else f"<!--{comment_words(pen, 1, 4)}-->"


def text(pen: Pen, level: int = 0) -> str:
    """Writes plain words."""
    return pen.words(1, 14)


INLINE_WRITERS: tuple[tuple[Callable[[Pen, int], str], float], ...] = (
    (text, 28),
    (link, 18),
    (emphasis, 14),
    (code, 10),
    (broken_line, 4),
    (small_mark, 6),
    (reference, 5),
    (sub_and_sup, 4),
    (part_of_word, 3),
    (double_emphasis, 3),
    (image, 2.5),
    (quotation, 2),
    (named_thing, 2),
    (empty_thing, 2),
    (icon, 0.7),
    (field, 0.6),
    (comment, 0.5),
)
_WRITERS = [writer for writer, _ in INLINE_WRITERS]
_SHARES = [share for _, share in INLINE_WRITERS]


def inline(pen: Pen, low: int, high: int, level: int = 0) -> str:
    """Writes running text: from low to high words at a time, with inline elements between them."""
    if level >= DEEPEST or pen.chance(0.25 + 0.2 * level):
        return pen.words(low, high)
    pieces = [pen.words(low, high)] if pen.chance(0.75) else []
    for writer in pen.random.choices(_WRITERS, _SHARES, k=pen.number(1, 4 - level)):
        pieces.append(writer(pen, level))
        if pen.chance(0.6):
            pieces.append(pen.words(1, max(1, high // 2)))
    joined = pieces[0]
    for piece in pieces[1:]:
        adjoin = (piece[0] == "<" or joined[-1] == ">") and pen.chance(0.09)
        joined += ("" if adjoin else pen.space) + piece
    return joined
