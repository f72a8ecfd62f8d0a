"""Writes the blocks of made pages without blocks inside: code listings, pictures, players, forms, scripts, comments."""

import json
import re

from soupstate.model.train.data.made.inline import (
    alternative,
    comment,
    comment_words,
    icon,
    image,
    inline,
    picture_url,
    url,
)
from soupstate.model.train.data.made.pen import Attribute, Pen

LISTINGS = {
    "python": (
        "def f(x):",
        "    return x + 1",
        "for i in range(n):",
        "    if a < b and c > d:",
        "",
        "print('hi')",
        "# n",
    ),
    "js": ("const a = () => {", "  return b && c;", "};", "if (a < 3) {", "}", "let s = `x ${y}`;", "// do", ""),
    "html": (
        '<div class="a">',
        "  <p>Text &amp; more</p>",
        "</div>",
        "<br>",
        "<ul>",
        "\t<li>x</li>",
        "</ul>",
        "<!-- c -->",
    ),
    "c": ("#include <stdio.h>", "int main(void) {", '\tprintf("%d\\n", x);', "\treturn 0;", "}", "", "x->y = *p & 1;"),
    "bash": ("$ sudo apt install x", "cd ~/a && ls -la | grep b > c.txt", 'echo "$HOME"', "# root", "export A=1"),
    "css": (".a > b {", "  color: #fff;", "}", "@media (max-width: 600px) {", "}", ""),
    "sql": ("SELECT a, b", "  FROM t", " WHERE a <> 'x'", "   AND b >= 2;", ""),
    "": ("+---+---+", "| a | b |", "  o  ", "Name:\tvalue", "line one", "  line two", "Error: no such file", ""),
}
TOKENS = re.compile(r"\w+|\s+|[^\w\s]+")
SCRIPTS = (
    "window.dataLayer = window.dataLayer || [];",
    "(function(a,b){if(a<b&&b>0){a.x='<div class=\"y\">'+b+'<\\/div>';}})(1,2);",
    "var x = document.getElementById('main');\nif (x && x.n < 3) { x.n++; }",
    "//<![CDATA[\nvar a = 1;\n//]]>",
    "$(function(){ $('.a').click(function(){ return false; }); });",
    "document.write('<p>'+new Date().getFullYear()+'<\\/p>');",
)
SHEETS = (
    ".a{color:#fff;margin:0 auto}.a>b{content:'\\201C'}",
    "body { font: 16px/1.5 sans-serif }\n  a:hover, li > a { color: red; }\n",
    "@media (max-width:600px){.x{display:none!important}}",
    "<!--\n.x { width: 10px }\n-->",
)


def listing(pen: Pen) -> str:
    """Writes a `pre`, with or without `code` in it, plain or coloured by a highlighter."""
    language = pen.pick(tuple(LISTINGS))
    source = LISTINGS[language]
    start = pen.number(0, len(source) - 1)
    lines = [source[place % len(source)] for place in range(start, start + pen.number(1, 12))]
    lines[0] = lines[0] or source[0]  # a blank first line would be the newline that parsers drop
    if pen.chance(0.12):
        lines = [pen.space.join(pen.plain_words(1, 7)) for _ in lines]
    coloured = pen.chance(0.22)
    body = "\n".join([_coloured(pen, line) if coloured else pen.literal(line) for line in lines])
    if pen.chance(0.05):
        body += pen.literal("\nvar ") + pen.element(pen.pick(("b", "i", "em")), pen.literal("x"))
    body += pen.pick(("", "", "\n"))
    classes: list[Attribute] = []
    if language and pen.chance(0.7):
        form = pen.pick(("language-{}", "lang-{}", "highlight-{}", "{} hljs", "brush: {}", "prettyprint lang-{}"))
        classes = [("class", form.format(language))]
    if pen.chance(0.65):
        code = pen.element("code", body, *classes)
        return pen.element("pre", code)
    if pen.chance(0.1):
        return pen.element("div", pen.element("pre", pen.element("span", "") + body), *classes)
    return pen.element("pre", pen.pick(("", "", "\n")) + body, *classes)


def _coloured(pen: Pen, line: str) -> str:
    """Writes a line with spans, as highlighters do."""
    short = pen.chance(0.6)
    text = ""
    for token in TOKENS.findall(line):
        if token.isspace() or pen.chance(0.4):
            text += pen.literal(token)
        else:
            kind = pen.pick(
                ("k", "nf", "p", "s1", "o", "mi") if short else ("hljs-keyword", "token punctuation", "kwd")
            )
            text += f'<span class="{kind}">{pen.literal(token)}</span>'
            pen.spent += 21 + len(kind)
    return text


def picture(pen: Pen) -> str:
    """Writes a picture: `img`, `picture` with sources, or an svg."""
    kind = pen.random.random()
    if kind < 0.6:
        return image(pen)
    if kind < 0.75:
        return icon(pen)
    sources = [
        pen.void("source", ("srcset", picture_url(pen) + pen.pick(("", " 2x", " 800w"))), ("type", "image/webp"))
        for _ in range(pen.number(1, 2))
    ]
    return pen.element("picture", "".join(sources) + image(pen))


def player(pen: Pen) -> str:
    """Writes a video, a sound or a page in a frame."""
    if pen.chance(0.45):
        fallback = pen.words(1, 5) if pen.chance(0.25) else ""
        address = pen.pick(
            ("https://www.youtube.com/embed/a1B2?rel=0&start=3", "https://maps.example.com/?q=a", url(pen))
        )
        return pen.element("iframe", fallback, ("src", address), ("width", "560"), ("allowfullscreen", None))
    if pen.chance(0.25):
        parameter = pen.void("param", ("name", "movie"), ("value", "a.swf"))
        return pen.element("object", parameter + pen.words(1, 5), ("data", "a.swf"))
    name, form = pen.pick((("video", "mp4"), ("audio", "mpeg")))
    sources = [pen.void("source", ("src", f"/m/{pen.name}.{form}"), ("type", f"{name}/{form}"))]
    if name == "video" and pen.chance(0.5):
        sources.append(pen.void("track", ("kind", "captions"), ("src", "a.vtt")))
    fallback = pen.words(2, 8) if pen.chance(0.6) else ""
    if fallback and pen.chance(0.5):
        fallback = pen.element("p", fallback)
    return pen.element(name, "".join(sources) + fallback, ("controls", None))


def form(pen: Pen, depth: int) -> str:
    """Writes a form of one to five rows, sometimes in a fieldset."""
    rows = [_row(pen, depth + 1) for _ in range(pen.number(1, 5))]
    submit = ("type", "submit")
    rows.append(pen.element("button", pen.words(1, 2), submit) if pen.chance(0.5) else _input(pen, "submit"))
    if pen.chance(0.2):
        rows = [pen.nest("fieldset", [pen.element("legend", pen.words(1, 3)), *rows], depth + 1)]
    if pen.chance(0.3):
        rows.insert(0, _input(pen, "hidden"))
    return pen.nest("form", rows, depth, ("action", url(pen)), ("method", pen.pick(("get", "post"))))


def _row(pen: Pen, depth: int) -> str:
    """Writes a field of a form with its label, in a p, a div or bare."""
    name = re.sub("[^a-z]", "", pen.name.lower()) or "q"
    kind = pen.random.random()
    if kind < 0.5:
        field = _input(pen, pen.pick(("text", "search", "email", "checkbox", "radio", "password", "date")))
    elif kind < 0.75:
        field = _select(pen, depth)
    else:
        words = pen.words(1, 6) if pen.chance(0.3) else ""
        field = pen.element("textarea", words, ("name", name), ("rows", "4"))
    place = pen.random.random()
    if place < 0.35:
        row = pen.element("label", pen.words(1, 4), ("for", name)) + pen.pick(("", " ", pen.void("br"))) + field
    elif place < 0.7:
        row = pen.element("label", pen.words(1, 3) + " " + field)
    else:
        row = field
    return pen.element(pen.pick(("p", "div")), row) if pen.chance(0.6) else row


def _input(pen: Pen, kind: str) -> str:
    attributes: list[Attribute] = [("type", kind), ("name", pen.name)]
    if kind in ("submit", "hidden"):
        attributes.append(("value", alternative(pen)))
    elif pen.chance(0.4):
        attributes.append(("placeholder", alternative(pen)))
    if pen.chance(0.2):
        attributes.append((pen.pick(("required", "disabled", "checked", "readonly")), None))
    return pen.void("input", *attributes)


def _select(pen: Pen, depth: int) -> str:
    options = []
    for place in range(pen.number(1, 7)):
        attributes: list[Attribute] = [("value", str(place))] if pen.chance(0.7) else []
        if pen.chance(0.1):
            attributes.append(("selected", None))
        options.append(pen.element("option", pen.words(1, 3), *attributes))
    if pen.chance(0.25):
        options = [pen.nest("optgroup", options, depth + 1, ("label", alternative(pen)))]
    return pen.nest("select", options, depth, ("name", "s"))


def script(pen: Pen) -> str:
    """Writes a script: an address, a few lines, or JSON that describes the page."""
    kind = pen.random.random()
    if kind < 0.35:
        return pen.element(
            "script", "", ("src", pen.pick(("/js/a.min.js?ver=6.2", "//cdn.example.com/j.js", url(pen))))
        )
    if kind < 0.65:
        headline = pen.space.join(pen.plain_words(2, 8))
        fact = {"@context": "https://schema.org", "@type": "Article", "headline": headline, "n": [1, {"a": None}]}
        written = json.dumps(fact, ensure_ascii=pen.chance(0.5), indent=pen.pick((None, None, 2))).replace(
            "<", "\\u003c"
        )
        pen.spent += len(written.encode())
        return pen.element("script", written, ("type", pen.pick(("application/ld+json", "application/json"))))
    body = pen.pick(SCRIPTS)
    pen.spent += len(body)
    return pen.element("script", body, *pen.pick(((), (), (("type", "text/javascript"),))))


def sheet(pen: Pen) -> str:
    """Writes a `style` element."""
    body = pen.pick(SHEETS)
    pen.spent += len(body)
    return pen.element("style", body, *pen.pick(((), (("type", "text/css"),))))


def unseen(pen: Pen) -> str:
    """Writes what a reader does not see: comments, scripts, noscript, templates, hidden elements, tracking dots."""
    kind = pen.random.random()
    if kind < 0.3:
        return comment(pen)
    if kind < 0.5:
        return script(pen)
    if kind < 0.55:
        return sheet(pen)
    if kind < 0.68:
        if pen.chance(0.3):
            return pen.element("noscript", pen.element("p", pen.words(3, 9)))
        dot = pen.void("img", ("height", "1"), ("width", "1"), ("style", "display:none"), ("src", url(pen)))
        return pen.element("noscript", dot if pen.chance(0.7) else image(pen))
    if kind < 0.78:
        return pen.element("template", pen.element("p", pen.words(2, 9)) + image(pen))
    if kind < 0.84:
        return f"<!--[if lt IE 9]><p>{comment_words(pen, 2, 6)}</p><![endif]-->"
    mark: Attribute = pen.pick((("hidden", None), ("style", "display:none"), ("aria-hidden", "true")))
    return pen.element(pen.pick(("p", "div")), inline(pen, 1, 8), mark)
