"""Masking: what no check for faults reads, and that broken comments, scripts and quotes stay visible."""

import time

import pytest

from soupstate.model.faults.checks.masking import mask


@pytest.mark.parametrize(
    ("page", "masked"),
    [
        ("<!-- <b>x --><i>", "<!-- xxxxx--><i>"),
        ("<title>a < b</title>", "<title> xxxx</title>"),
        ("<script>if(a<b)</script>", "<script> xxxxxx</script>"),
        ("<p>{{ a<b }}</p>", "<p> xxxxxxxx</p>"),
        ("<b <?= x ?>>", "<b  xxxxxxx>"),
        ("{% if a %}<% b %>", " xxxxxxxxx xxxxxx"),
        ('<b v-if="a < b" c="d">', '<b v-if=" xxxx" c="d">'),
        ("<p a='<b>c</b>'>", "<p a=' xxxxxxx'>"),
        ('<p a="<b>c</b> > d" e="<i>f</i>">', '<p a=" xxxxxxxxxxx" e=" xxxxxxx">'),
        ("<p>a -> b >> c, d > e", "<p>a -  b  x c, d   e"),
    ],
)
def test_what_is_no_markup_is_masked(page: str, masked: str) -> None:
    assert mask(page).page == masked
    assert [a != b for a, b in zip(page, masked, strict=True)] <= mask(page).hidden.tolist()


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<p>>x</p>",  # a > too many
        "<!-- lost end <b>x</b>",
        '<a href="/x>one</a> <a href="/y">',
        '<a href="/x>one <b class="y">',
        'img src="x" > b',
        '<a href="/x>one</a> and two" b>',
        "<!-- x ->",
        "!-- x -->",
        "<p>Home>News</p>",
        "<style>p{}\n</head>\n</style>",
    ],
)
def test_what_may_be_broken_stays(page: str) -> None:
    assert mask(page).page == page


def test_a_comment_or_script_without_its_end_stays_until_the_next_of_its_kind() -> None:
    assert mask("<!-- a <b> <!-- c --> x").page == "<!-- a <b> <!-- xx--> x"
    assert mask("<script>a<b><script>c</script>").page == "<script>a<b><script> </script>"


def test_code_of_templates_is_told_from_other_masks() -> None:
    masked = mask("<p {% if x %}class=a{% endif %}>b</p><!-- c --><i>{{ d }}</i>")
    page = masked.page
    assert masked.holds_code(page.index("class"), page.index("class")) and masked.holds_code(1, 1)
    assert not masked.holds_code(page.index("b</p>"), page.index("b</p>"))
    assert not masked.holds_code(page.index("<!--"), page.index("-->"))


@pytest.mark.timed
@pytest.mark.parametrize("scrap", ["<!--", "{{", "<script>", "<?", 'a="<', " >", "<title>", "</title ", '="<">'])
def test_masking_takes_time_in_proportion_to_the_page(scrap: str) -> None:
    page = scrap * (400_000 // len(scrap)) + "--></script></title>"
    started = time.process_time()
    assert len(mask(page).page) == len(page)
    assert time.process_time() - started < 5
