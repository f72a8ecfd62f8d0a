"""Designs with odd markup: old layouts, no blocks, texts that cover the page. Each returns a page's title and body.

What a person would mark as main content is marked by `main`.
"""

from templates.writer import Writer, main


def old_columns(w: Writer) -> tuple[str, str]:
    """An article in one cell, and as much text in the cells on both sides."""
    side = f"<font size=1>{w.text(3, 6)}<br><br>{w.text(3, 6)}</font>"
    return w.title(), (
        f"<center>{w.links(6, ' | ')}</center><table><tr><td width=150>{side}<td>"
        f"<font size=2>{main(w.text(4, 7) + '<p>' + w.text(4, 7))}"
        f"</font><td width=150><font size=1>{w.text(3, 6)}</font></table>"
    )


def guest_book(w: Writer) -> tuple[str, str]:
    """Entries between lines, under rules of the house."""
    entries = "<hr>".join(f"<b>{w.person()}</b> <i>{w.place()}</i><br>{w.text(1, 2)}" for _ in w.some(6, 12))
    return (
        "Guest book",
        f"<center><font color=red>{w.text(4, 8)}</font></center><br>{main(entries)}<br><br>{w.text(3, 5)}",
    )


def spans_only(w: Writer) -> tuple[str, str]:
    """A page of spans with names that say nothing."""
    rows = "".join(f'<div><span class="x7k">{w.text(1, 2)}</span></div>' for _ in w.some(4, 8))
    noise = "".join(f'<div><span class="q2z">{w.text(1, 2)}</span></div>' for _ in w.some(4, 8))
    return w.title(), f'<div class="a1">{w.links(6)}</div>{noise}{main(rows)}{noise}'


def consent(w: Writer) -> tuple[str, str]:
    """A long text on consent before a short report."""
    title = w.title()
    return title, (
        f'<div class="cmp"><h2>We value your privacy</h2>{w.paragraphs(5, 8)}<button>Accept</button></div>'
        f'<div class="top">{w.links(5)}</div>'
        f'<div class="content"><h1>{main(title)}</h1>{main(w.paragraphs(1, 2))}</div>'
    )


def letters(w: Writer) -> tuple[str, str]:
    """A letter in tables, as mail programs want them, with a footer as long."""
    rows = "".join(f'<table width="600"><tr><td class="cell">{w.text(2, 4)}</td></tr></table>' for _ in w.some(3, 6))
    last = "".join(f'<table width="600"><tr><td class="legal">{w.text(2, 4)}</td></tr></table>' for _ in w.some(3, 6))
    return "Letter", f"{main(rows)}{last}"


def glossary(w: Writer) -> tuple[str, str]:
    """Words with meanings, each a link, below teasers."""
    words = "".join(
        f'<p class="gl"><a href="/g/{i}">{w.noun()}</a>: <a href="/h/{i}">{w.thing()}</a></p>' for i in w.some(15, 30)
    )
    return "Words", f'<div class="feat">{w.teasers(4, 7)}</div><div class="gls">{main(words)}</div>'


def download(w: Writer) -> tuple[str, str]:
    """Files with sizes, above notes on safety."""
    files = "".join(
        f'<tr><td><a href="/f/{i}.zip">{w.noun()}-{i}.zip</a></td><td>{w.number()} kB</td><td>{w.date()}</td></tr>'
        for i in w.some(8, 16)
    )
    return (
        "Files",
        f'<table class="dl">{main(files)}</table><div class="safe"><h3>Safety</h3>{w.paragraphs(4, 6)}</div>'
        f"<p>{w.links(6)}</p>",
    )


def man_page(w: Writer) -> tuple[str, str]:
    """A manual in `pre`, between long texts of a host."""
    text = "\n".join(f"       -{w.noun()[0]}, --{w.noun()}  {w.sentence()}" for _ in w.some(6, 12))
    return (
        w.noun(),
        f'<div class="host">{w.paragraphs(3, 5)}</div><pre>{main(text)}</pre>'
        f'<div class="host">{w.paragraphs(3, 5)}</div>',
    )


def quiz(w: Writer) -> tuple[str, str]:
    """Questions with answers to choose, beside other quizzes."""
    asked = "".join(
        f"<fieldset><legend>Which {w.noun()} is {w.thing()}?</legend><label><input type=radio>{w.thing()}"
        f"</label> <label><input type=radio>{w.thing()}</label></fieldset>"
        for _ in w.some(5, 10)
    )
    return "Quiz", f'<form>{main(asked)}</form><div class="others">{w.teasers(6, 10)}</div>'


def tabs(w: Writer) -> tuple[str, str]:
    """Three panels with text, of which the second is content."""
    return w.title(), (
        f'<div class="tabs">{w.links(3)}</div><div class="panel one">{w.paragraphs(3, 5)}</div>'
        f'<div class="panel two">{main(w.paragraphs(3, 5))}</div>'
        f'<div class="panel three">{w.paragraphs(3, 5)}</div>'
    )


def upside_down(w: Writer) -> tuple[str, str]:
    """The site's own text first, the article last."""
    return w.title(), (
        f'<div class="about-site">{w.paragraphs(4, 7)}</div><div class="sponsors">{w.paragraphs(3, 5)}</div>'
        f'<div class="art">{main(w.paragraphs(3, 5))}</div>'
    )


def custom_elements(w: Writer) -> tuple[str, str]:
    """Elements with names of their own."""
    parts = "".join(f"<x-para>{w.text()}</x-para>" for _ in w.some(3, 6))
    offers = "".join(f"<x-offer><x-para>{w.text()}</x-para></x-offer>" for _ in w.some(3, 6))
    return w.title(), f"<x-head>{w.links(6)}</x-head><x-story>{main(parts)}</x-story>{offers}"


def timeline(w: Writer) -> tuple[str, str]:
    """Years with what happened, beside a call for gifts."""
    years = "".join(
        f'<li><span class="yr">{w.number(1850, 2026)}</span> {w.thing()} {w.place()}</li>' for _ in w.some(10, 20)
    )
    return (
        "History",
        f'<div class="give">{w.paragraphs(3, 6)}</div><ul class="tl">{main(years)}</ul>'
        f'<div class="give">{w.text(3, 6)}</div>',
    )


def newest_posts(w: Writer) -> tuple[str, str]:
    """A blog's list of posts, with a letter to readers beside it."""
    posts = "".join(f'<h3><a href="/{i}">{w.title()}</a></h3><small>{w.date()}</small>' for i in w.some(10, 20))
    return "Blog", f'<div class="posts">{main(posts)}</div><div class="letter">{w.paragraphs(5, 8)}</div>'


def in_figures(w: Writer) -> tuple[str, str]:
    """Numbers that are the content, with explanations of each that are not."""
    cells = "".join(
        f'<div class="kpi">{main(f"<b>{w.number()}</b> {w.thing()}")}</div><div class="explain">{w.text(1, 3)}</div>'
        for _ in w.some(6, 12)
    )
    return "Figures", f'<div class="g">{w.links(6)}</div>{cells}'


def parallel(w: Writer) -> tuple[str, str]:
    """A text beside its translation, which is no content."""
    rows = "".join(
        f'<div class="row"><div class="src">{w.text(1, 2)}</div><div class="tr">{main(w.text(1, 2))}</div></div>'
        for _ in w.some(6, 12)
    )
    return w.title(), f'<div class="n">{w.links(5)}</div>{rows}'


DESIGNS = (
    old_columns,
    guest_book,
    spans_only,
    consent,
    letters,
    glossary,
    download,
    man_page,
    quiz,
    tabs,
    upside_down,
    custom_elements,
    timeline,
    newest_posts,
    in_figures,
    parallel,
)
