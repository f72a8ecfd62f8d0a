"""Designs of pages of shops, listings, timetables and the like. Each returns a page's title and body.

What a person would mark as main content is marked by `main`.
"""

from templates.writer import Writer, main


def product_reviews(w: Writer) -> tuple[str, str]:
    """A short description before long reviews."""
    title = w.thing().capitalize()
    reviews = "".join(f'<div class="rv"><b>{w.person()}</b><p>{w.text(3, 5)}</p></div>' for _ in w.some(6, 12))
    return title, (
        f'<div class="shopnav">{w.links(8)}</div><h1>{main(title)}</h1><div class="buy">{w.price()}</div>'
        f'<div class="pdesc">{main(f"<p>{w.text(2, 3)}</p>")}</div><div class="rvs">{reviews}</div>'
    )


def product_facts(w: Writer) -> tuple[str, str]:
    """A table of facts before notes on delivery."""
    title = w.thing().capitalize()
    facts = "".join(f"<tr><td>{w.noun().capitalize()}</td><td>{w.number()} {w.noun()}</td></tr>" for _ in w.some(8, 16))
    return title, (
        f'<ul class="cats"><li>{w.links(9, "<li>")}</ul><h1>{main(title)}</h1>'
        f'<table class="facts">{main(facts)}</table>'
        f'<div class="delivery"><h3>Delivery</h3>{w.paragraphs(4, 7)}</div>'
    )


def bullets(w: Writer) -> tuple[str, str]:
    """Points about a product, before the history of the brand."""
    title = w.thing().capitalize()
    return title, (
        f'<div class="hdr">{w.links(6)}</div><h2>{title}</h2><ul class="feature-bullets">{main(w.items(6, 12))}</ul>'
        f'<div class="brand-story">{w.paragraphs(4, 6)}</div>'
    )


def job_offers(w: Writer) -> tuple[str, str]:
    """A list of jobs above a text for search engines."""
    jobs = "".join(
        f'<div class="jb"><a href="/j/{i}">{w.thing().capitalize()} keeper</a><span>{w.place()}</span>'
        f"<em>{w.sentence()}</em></div>"
        for i in w.some(8, 16)
    )
    return "Jobs", (
        f'<div class="flt">{w.links(10)}</div><div class="jbs">{main(jobs)}</div>'
        f'<div class="seo-text">{w.paragraphs(4, 7)}</div>'
    )


def houses(w: Writer) -> tuple[str, str]:
    """Cards of houses, beside advice for buyers."""
    cards = "".join(
        f'<div class="card"><b>{w.price()}</b> <span>{w.number(1, 6)} rooms</span> <span>{w.place()}</span>'
        f"<p>{w.thing()}</p></div>"
        for _ in w.some(8, 16)
    )
    return "Houses", (
        f'<nav>{w.links(6)}</nav><div class="grid">{main(cards)}</div><div class="advice"><h2>How to buy'
        f"</h2>{w.paragraphs(4, 6)}</div>"
    )


def events(w: Writer) -> tuple[str, str]:
    """A table of events below a long introduction about the house."""
    rows = "".join(f"<tr><td>{w.date()}</td><td>{w.thing()}</td><td>{w.place()}</td></tr>" for _ in w.some(10, 20))
    return (
        "Events",
        f'<div class="intro">{w.paragraphs(3, 5)}</div><table id="cal">{main(rows)}</table><div>{w.links(6)}</div>',
    )


def timetable(w: Writer) -> tuple[str, str]:
    """A timetable between rules of a line."""
    rows = "".join(
        f"<tr><th>{w.place()}</th><td>{w.number(5, 9)}:{w.number(10, 59)}</td>"
        f"<td>{w.number(10, 22)}:{w.number(10, 59)}</td></tr>"
        for _ in w.some(10, 20)
    )
    return "Timetable", (
        f'<div class="h">{w.links(5)}</div><table class="tt">{main(rows)}</table>'
        f'<div class="rules">{w.paragraphs(4, 7)}</div>'
    )


def menu(w: Writer) -> tuple[str, str]:
    """Dishes with prices, below the story of the house."""
    dishes = "".join(
        f'<div class="dish"><span>{w.thing().capitalize()}</span><i>{w.price()}</i></div>' for _ in w.some(12, 24)
    )
    return (
        f"{w.place()} Inn",
        f'<div class="ourstory">{w.paragraphs(3, 5)}</div><div class="dishes">{main(dishes)}</div>',
    )


def recipe(w: Writer) -> tuple[str, str]:
    """A recipe below a long story."""
    title = f"{w.thing().capitalize()} cake"
    steps = "".join(f"<li>{w.sentence()}</li>" for _ in w.some(5, 9))
    return title, (
        f'<div class="blogtop">{w.links(7)}</div><div class="ramble">{w.paragraphs(6, 10)}</div>'
        f'<div class="rcp">{main(f"<h3>{title}</h3><ul>{w.items(5, 10)}</ul><ol>{steps}</ol>")}</div>'
    )


def weather(w: Writer) -> tuple[str, str]:
    """The weather of a week, beside news of the weather."""
    days = "".join(
        f'<div class="day"><b>{w.one("Mon", "Tue", "Wed", "Thu")}</b><span>{w.number(-9, 35)}&deg;</span>'
        f"<span>{w.one('rain', 'sun', 'snow', 'clouds')}</span></div>"
        for _ in w.some(7, 14)
    )
    return f"Weather of {w.place()}", f'<div class="days">{main(days)}</div><div class="wnews">{w.teasers(6, 10)}</div>'


def results(w: Writer) -> tuple[str, str]:
    """Results of matches above a report of a sponsor."""
    rows = "".join(f"<li>{w.place()} {w.number(0, 9)} : {w.number(0, 9)} {w.place()}</li>" for _ in w.some(8, 16))
    return (
        "Results",
        f'<div class="lg">{w.links(8)}</div><ul class="res">{main(rows)}</ul>'
        f'<div class="spon">{w.paragraphs(3, 6)}</div>',
    )


def company(w: Writer) -> tuple[str, str]:
    """Address and hours of a firm, before reviews."""
    card = "".join(f"<p>{w.noun().capitalize()}: {w.place()} {w.number()}</p>" for _ in w.some(5, 9))
    reviews = "".join(f'<div class="opin">{w.text(2, 4)} <b>{w.person()}</b></div>' for _ in w.some(6, 12))
    return w.person(), f'<div class="dirnav">{w.links(6)}</div><div class="vcard">{main(card)}</div>{reviews}'


def staff(w: Writer) -> tuple[str, str]:
    """A list of people, below the aims of their house."""
    people = "".join(
        f'<div class="pers"><strong>{w.person()}</strong><br>{w.thing()}<br>Room {w.number()}</div>'
        for _ in w.some(8, 18)
    )
    return "Staff", f'<div class="mission">{w.paragraphs(4, 6)}</div><div class="people">{main(people)}</div>'


def classified(w: Writer) -> tuple[str, str]:
    """An advertisement among similar ones."""
    similar = "".join(f'<div class="sim"><h4>{w.thing()}</h4>{w.text(2, 3)} {w.price()}</div>' for _ in w.some(6, 12))
    return w.thing(), (
        f'<div class="cat">{w.links(8)}</div><div class="ad-body">{main(f"<p>{w.text(1, 3)}</p>")}</div>'
        f'<div class="sims">{similar}</div>'
    )


def video(w: Writer) -> tuple[str, str]:
    """The description of a film, above many remarks."""
    title = w.title()
    remarks = "".join(
        f'<div class="cm"><span>{w.person()}</span><div>{w.text(1, 3)}</div></div>' for _ in w.some(10, 20)
    )
    return title, (
        f'<div class="yt">{w.links(6)}</div><h2>{title}</h2><div class="vd">{main(w.text(1, 3))}</div>'
        f'<div class="cms">{remarks}</div>'
    )


def course(w: Writer) -> tuple[str, str]:
    """Weeks of a course, beside praise of it."""
    weeks = "".join(f"<tr><td>Week {i}</td><td>{w.thing()}, {w.thing()}</td></tr>" for i in w.some(8, 14))
    praise = "".join(f"<blockquote>{w.text(2, 4)}</blockquote>" for _ in w.some(4, 8))
    return (
        "Course",
        f'<div class="uni">{w.links(7)}</div><table class="syl">{main(weeks)}</table>'
        f'<div class="praise">{praise}</div>',
    )


def shops(w: Writer) -> tuple[str, str]:
    """Addresses of shops, above the conditions of a lottery."""
    places = "".join(f'<li class="store"><b>{w.place()}</b> {w.noun()} street {w.number()}</li>' for _ in w.some(8, 18))
    return (
        "Shops",
        f'<ul class="stores">{main(places)}</ul><div class="terms">{w.paragraphs(5, 8)}</div><p>{w.links(7)}</p>',
    )


def plans(w: Writer) -> tuple[str, str]:
    """Plans with prices, above questions."""
    offers = "".join(
        f'<div class="plan"><h3>{w.noun()}</h3><b>{w.price()}</b><ul>{w.items(3, 6)}</ul></div>' for _ in w.some(3, 5)
    )
    asked = "".join(f"<h4>Why {w.thing()}?</h4><p>{w.text(2, 3)}</p>" for _ in w.some(5, 9))
    return "Plans", f'<nav>{w.links(6)}</nav><div class="plans">{main(offers)}</div><div class="asked">{asked}</div>'


DESIGNS = (
    product_reviews,
    product_facts,
    bullets,
    job_offers,
    houses,
    events,
    timetable,
    menu,
    recipe,
    weather,
    results,
    company,
    staff,
    classified,
    video,
    course,
    shops,
    plans,
)
