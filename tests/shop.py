"""Pages of a shop that does not exist, in several templates, for tests of heads. Run it to write a file of examples.

python tests/shop.py price.jsonl        # 30 pages with their prices, one JSON object a line
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

TEAS = """Assam Darjeeling Sencha Rooibos Oolong Matcha Ceylon Keemun Pekoe Chai Mint Nettle Yunnan Genmaicha
    Mate""".split()
KINDS = "leaves bags tin sampler blend".split()
PLACES = "the quay;the old mill;our two shops;the harbour;the Saturday market".split(";")
MAKERS = "Ida Holm;Per Lund;Ann Moss;Kaj Berg;Eva Dahl".split(";")


def price_of(number: int) -> str:
    """Returns the price of a page, of one to four digits before the point."""
    return f"${(3, 12, 140, 1299)[number % 4] + number}.{(50, 0, 95, 25)[number % 4]:02}"


def page_of(number: int) -> tuple[str, list[str]]:
    """Returns a page and its prices, of which every tenth page has none."""
    pick = random.Random(number)
    name = f"{TEAS[number % len(TEAS)]} {pick.choice(KINDS)}"
    price, others = price_of(number), [price_of(number + k) for k in (1, 2, 3)]
    sold_out = number % 10 == 9
    if sold_out:
        offer = "<p class=stock>Sold out until spring.</p>"
    elif number % 3 == 0:
        offer = f'<div class="buy-box"><span class=label>Price</span> <span class="amount">{price}</span></div>'
    elif number % 3 == 1:
        sum_ = f'<b class="sum">&#36;{price[1:]}</b>'
        offer = f'<p class="offer-line">Now only {sum_} a tin, from {pick.choice(PLACES)}.</p>'
    else:
        offer = f"<table class=facts><tr><td>Weight<td>{number + 5}0 g<tr><td>Price<td class=cost>{price}</table>"
    also = "".join(f'<li><a href="/tea/{k}">{pick.choice(TEAS)}</a> <i>{other}</i>' for k, other in enumerate(others))
    html = f"""<!doctype html><html lang=en><head><title>{name} | Quay Tea</title></head><body>
<nav><a href="/">Quay Tea</a> <a href="/cart">Cart ($0.00)</a></nav>
<h1>{name}</h1>
<p class="maker">Picked by {pick.choice(MAKERS)} in {2015 + number % 9}.</p>
<p>A cup of {name.lower()} keeps for {number % 5 + 2} hours. Postage is $4.80 from {pick.choice(PLACES)}.</p>
{offer}
<h2>Also good</h2><ul class="more">{also}</ul>
<footer>Quay Tea, orders above $60.00 travel free.</footer></body></html>"""
    return html, [] if sold_out else [price]


def lines(pages: int = 30) -> Iterator[str]:
    """Yields the examples of a file."""
    for number in range(pages):
        html, values = page_of(number)
        yield json.dumps({"html": html, "url": f"https://tea.example/{number}", "values": values})


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(lines()) + "\n", "utf-8")
