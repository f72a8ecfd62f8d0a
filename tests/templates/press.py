"""Designs of pages to read: news, forums, wikis, documentation. Each returns a page's title and body.

What a person would mark as main content is marked by `main`.
"""

from templates.writer import Writer, main


def news_teasers(w: Writer) -> tuple[str, str]:
    """A short report before long teasers of other reports."""
    title = w.title()
    return title, (
        f'<div class="masthead">{w.links(8)}</div>\n<div class="story">'
        f"{main(f'<h1>{title}</h1>' + w.paragraphs(2, 3))}</div>\n"
        f'<div class="more-stories">{w.teasers(8, 14, "div class=ms")}</div><div class="foot">{w.links(5)}</div>'
    )


def news_comments(w: Writer) -> tuple[str, str]:
    """A report with comments that are longer than it."""
    title = w.title()
    comments = "".join(
        f'<div class="remark"><b>{w.person()}</b> <i>{w.date()}</i><p>{w.text(2, 5)}</p></div>' for _ in w.some(8, 16)
    )
    return title, (
        f"<ul class=top><li>{w.links(7, '<li>')}</ul><article>{main(f'<h1>{title}</h1>' + w.paragraphs(3, 5))}"
        f"</article>"
        f'<section id="remarks"><h2>Readers write</h2>{comments}</section><footer>{w.links(6)}</footer>'
    )


def live_blog(w: Writer) -> tuple[str, str]:
    """Short notes with times, the newest first, beside a summary."""
    title = w.title()
    notes = "\n".join(
        f'<li><time>{w.number(10, 23)}:{w.number(10, 59)}</time> <span class="tick">{w.sentence()}</span></li>'
        for _ in w.some(10, 20)
    )
    return title, (
        f'<div class="bar">{w.links(9)}</div><h2 class="lh">{title}</h2><div class="promo">{w.paragraphs(2, 4)}</div>'
        f'<ol class="ticker" reversed>{main(notes)}</ol><div class="promo">{w.paragraphs(2, 4)}</div>'
    )


def captions(w: Writer) -> tuple[str, str]:
    """A gallery, whose captions are the content."""
    title = w.title()
    pictures = "\n".join(
        f'<figure><img src="/p/{i}.jpg" alt="{w.thing()}"><figcaption>{w.sentence()}</figcaption></figure>'
        for i in w.some(6, 14)
    )
    return title, (
        f'<nav>{w.links(6)}</nav><div class="slides">{main(pictures)}</div><aside><h3>About us</h3>'
        f"{w.paragraphs(3, 5)}</aside>"
    )


def forum_signatures(w: Writer) -> tuple[str, str]:
    """Posts with long signatures and data of their writers."""
    title = w.title()
    posts = "\n".join(
        f'<table class="post"><tr><td class="who">{w.person()}<br>Posts: {w.number()}<br>From: {w.place()}<br>'
        f'Joined: {w.date()}</td><td class="said">{main(w.text(2, 4))}<hr><div class="sig">{w.text(1, 2)}</div></td>'
        "</tr></table>"
        for _ in w.some(5, 10)
    )
    return title, f'<div class="crumbs">{w.links(4, " &raquo; ")}</div><h3>{title}</h3>{posts}<p>{w.links(5)}</p>'


def forum_answer(w: Writer) -> tuple[str, str]:
    """A question with its answers, and remarks under each that are no content."""
    title = w.title()

    def post(kind: str) -> str:
        remarks = "".join(f"<div class=note>{w.sentence()} &ndash; {w.person()}</div>" for _ in w.some(2, 5))
        text = main(w.paragraphs(1, 3))
        return f'<div class="{kind}"><span>{w.number()}</span><div class="body">{text}</div>{remarks}</div>'

    answers = "\n".join(post("reply") for _ in w.some(2, 5))
    return title, (
        f'<div id="menu">{w.links(8)}</div><h1>{main(title)}</h1>{post("ask")}<h2>Answers</h2>{answers}'
        f'<div id="linked"><h4>Linked</h4>{w.teasers(4, 8, "div", "span")}</div>'
    )


def mail_archive(w: Writer) -> tuple[str, str]:
    """A letter of a mailing list in `pre`, with quoted lines that are no content."""
    title = w.title()

    def quoted() -> str:
        return "\n".join(f"&gt; {w.sentence()}" for _ in w.some(3, 8))

    said = "\n\n".join(f"</pre><pre>{quoted()}</pre><pre>{main(w.text(2, 3))}" for _ in w.some(2, 4))
    return title, (
        f"<p>{w.links(5, ' | ')}</p><hr><b>{w.person()}</b> <i>{w.date()}</i><pre>{main(w.text(1, 2))}{said}</pre>"
        f"<hr><pre>{w.text(2, 3)}\nlist mailing list</pre>"
    )


def api_reference(w: Writer) -> tuple[str, str]:
    """A reference beside a long tree with descriptions."""
    title = f"{w.noun()}.{w.noun()}"
    entries = "\n".join(
        f"<dt><code>{w.noun()}_{w.noun()}({w.noun()})</code></dt><dd>{w.sentence()}</dd>" for _ in w.some(5, 12)
    )
    tree = "".join(f'<li><a href="#{w.noun()}">{w.noun()}</a> {w.sentence()}' for _ in w.some(15, 25))
    return (
        title,
        f'<div class="tree"><ul>{tree}</ul></div><div class="ref"><h2>{title}</h2><dl>{main(entries)}</dl></div>',
    )


def change_log(w: Writer) -> tuple[str, str]:
    """Short lines of changes by version, beside an offer of support."""
    title = f"Changes of {w.noun()}"
    versions = "\n".join(f"<h4>{w.number(1, 9)}.{w.number(0, 30)}</h4><ul>{w.items(3, 7)}</ul>" for _ in w.some(4, 8))
    return title, (
        f'<div class="hd">{w.links(6)}</div><div class="log">{main(versions)}</div>'
        f'<div class="support"><h2>Support</h2>{w.paragraphs(3, 6)}</div>'
    )


def wiki_references(w: Writer) -> tuple[str, str]:
    """An article with a box of facts and long references, which are no content."""
    title = w.thing().capitalize()
    box = "".join(f"<tr><th>{w.noun()}<td>{w.thing()}, {w.place()}" for _ in w.some(5, 10))
    refs = "".join(f"<li>{w.person()}: <i>{w.title()}</i>. {w.place()} {w.number(1900, 2026)}." for _ in w.some(15, 30))
    return title, (
        f'<div id="tools">{w.links(9)}</div><h1>{main(title)}</h1><table class="facts">{box}</table>'
        f'<div class="prose">{main(w.paragraphs(3, 6))}</div><ol class="refs">{refs}</ol>'
    )


def wiki_talk(w: Writer) -> tuple[str, str]:
    """A discussion in nested lists."""
    title = f"Talk: {w.thing()}"
    threads = "\n".join(
        f"<h3>{w.thing()}</h3><dl><dd>{w.text(1, 3)} {w.person()}<dl><dd>{w.text(1, 2)} {w.person()}</dl></dl>"
        for _ in w.some(4, 8)
    )
    return title, (
        f'<div class="notice">{w.paragraphs(2, 4)}</div><div class="threads">{main(threads)}</div>'
        f'<div class="notice">{w.paragraphs(2, 4)}</div>'
    )


def dictionary(w: Writer) -> tuple[str, str]:
    """Short meanings of a word before an essay of the publisher."""
    title = w.noun()
    meanings = "".join(f"<li><i>{w.one('noun', 'verb')}</i> {w.thing()}, {w.thing()}</li>" for _ in w.some(4, 9))
    return title, (
        f'<div class="az">{w.links(10)}</div><div class="entry"><ol>{main(meanings)}</ol></div>'
        f'<div class="essay"><h2>Words of the week</h2>{w.paragraphs(4, 7)}</div>'
    )


def poem(w: Writer) -> tuple[str, str]:
    """Lines of a poem beside the life of who wrote it."""
    lines = "<br>\n".join(f"{w.thing()}, {w.thing()}" for _ in w.some(12, 24))
    return w.title(), (
        f'<div class="menu">{w.links(6)}</div><div class="verse">{main(lines)}</div>'
        f'<div class="life"><h2>{w.person()}</h2>{w.paragraphs(3, 6)}</div>'
    )


def questions(w: Writer) -> tuple[str, str]:
    """Questions that open."""
    rows = "\n".join(
        f"<details><summary>Why {w.thing()}?</summary><p>{w.sentence()}</p></details>" for _ in w.some(6, 12)
    )
    return "Questions", (
        f'<nav>{w.links(5)}</nav><div class="qa">{main(rows)}</div><div class="company">{w.paragraphs(4, 7)}</div>'
    )


def law(w: Writer) -> tuple[str, str]:
    """Sections of a law with notes of a publisher between them."""
    sections = "\n".join(
        f'<div class="sec">{main(f"<b>{i}.</b> {w.text(1, 3)}")}</div><div class="annot">{w.text(1, 3)}</div>'
        for i in w.some(6, 14)
    )
    return w.title(), f'<div class="path">{w.links(4, " / ")}</div>{sections}<p>{w.links(6)}</p>'


def transcript(w: Writer) -> tuple[str, str]:
    """What was said, in a table."""
    rows = "\n".join(f"<tr><td>{w.person()}</td><td>{w.text(1, 2)}</td></tr>" for _ in w.some(8, 16))
    return w.title(), (
        f'<div class="player">{w.links(6)}</div><table class="said">{main(rows)}</table>'
        f'<div class="next-up">{w.teasers(5, 9)}</div>'
    )


def issue(w: Writer) -> tuple[str, str]:
    """A report of a bug: the description is content, the events and remarks are not."""
    title = w.title()
    events = "".join(f'<div class="event">{w.person()} {w.date()}: {w.text(1, 3)}</div>' for _ in w.some(8, 15))
    return title, (
        f'<div class="proj">{w.links(7)}</div><h1>{main(title)}</h1>'
        f'<div class="desc">{main(w.paragraphs(1, 2))}</div>'
        f'<div class="events">{events}</div>'
    )


def podcast(w: Writer) -> tuple[str, str]:
    """A short description of an episode before those of the others."""
    title = w.title()
    episodes = "".join(
        f'<div class="ep"><h3>{w.title()}</h3><p>{w.text(2, 3)}</p><span>{w.date()}</span></div>' for _ in w.some(6, 12)
    )
    return title, (
        f'<div class="show">{w.links(5)}</div><h2>{title}</h2><div class="notes"><p>{main(w.text(2, 4))}</p>'
        f"</div>{episodes}"
    )


def abstract(w: Writer) -> tuple[str, str]:
    """The abstract of a paper, with references and measures."""
    title = w.title()
    cited = "".join(
        f'<p class="cite">{w.person()}, {w.title()}, {w.number(1950, 2026)}. {w.sentence()}</p>' for _ in w.some(12, 24)
    )
    return title, (
        f'<div class="journal">{w.links(7)}</div><h1>{main(title)}</h1><div class="abs">{main(w.text(4, 7))}</div>'
        f"<h2>References</h2>{cited}"
    )


DESIGNS = (
    news_teasers,
    news_comments,
    live_blog,
    captions,
    forum_signatures,
    forum_answer,
    mail_archive,
    api_reference,
    change_log,
    wiki_references,
    wiki_talk,
    dictionary,
    poem,
    questions,
    law,
    transcript,
    issue,
    podcast,
    abstract,
)
