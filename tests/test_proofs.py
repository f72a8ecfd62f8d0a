"""Proofs: faults that a rule of the standard proves are likely and well mended, and good pages have none."""

import numpy as np
import pytest

from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.checks.attributes import attributes
from soupstate.model.faults.checks.brackets import stray_brackets
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.find import find_faults
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.stop import Watch

FRAME = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Lighthouse</title>\n</head>\n<body>\n'
    "<h1>The lighthouse at the point</h1>\n{}\n<p>It was built in 1862, and "
    '<a href="/keeper">its keeper</a> lived in <b>two rooms</b> below the lamp.</p>\n</body>\n</html>\n'
)
GOOD = {
    "names of the standard": (
        "<p>very<wbr>long <q>quote</q> <s>old</s> <time>now</time> <mark>x</mark> <kbd>Ctrl</kbd> <samp>ok</samp> "
        "<var>n</var> <ruby>漢<rt>kan</rt></ruby></p><svg><g><rect/></g></svg><math><mi>x</mi></math>"
    ),
    "media": (
        '<picture><source srcset="a.webp"><img src="a.jpg" alt="a"></picture><video src="v.mp4"></video>'
        "<details><summary>More</summary><p>text</p></details><dialog open>Hi</dialog>"
    ),
    "nested list": "<ul><li>A<ul><li>B</li></ul></li></ul>",
    "end tags left out": "<ul><li>A<li>B<ul><li>C</ul><li>D</ul>\n<p>one<p>two",
    "descriptions, options": "<dl><dt>one<dd>two<dt>three<dd>four</dl><select><option>a<option>b</select>",
    "cells": "<table><tr><td>a<td>b<tr><td>c<td>d</table>",
    "markup in values": "<p data-x='<b>no</b>' title=\"<em>a</em> > b\">Text of the paragraph.</p>",
    "bare >": "<p>Press a -> b >> c, where a > b and x >= y.</p>",
    "textarea": "<textarea>if a < b then</textarea>",
    "comment": '<!-- <p>old <b>text</p> <a href="x> -->',
    "templates": '<p>{{ a < b }} {% if a < b %}yes{% endif %} <% if a < b %> <?php if ($a < $b) { echo "<b>"; } ?></p>',
    "Jinja around tags": (
        '{% if a %}<div class="a">{% else %}<div class="b">{% endif %}<h2>{{ page.title }}</h2>'
        '<ul>{% for i in items %}<li{% if i.on %} class="on"{% endif %}>{{ i }}</li>{% endfor %}</ul></div>'
    ),
    "ERB in tags": '<p <% if post.big? %>class="big"<% end %>>Big text.</p>',
    "PHP in tags": '<div class="item<?php echo 1 ?>" <?php if ($x) { ?>data-x="1"<?php } ?>>text</div>',
    "Angular": '<ng-template let-y="z"><b>{{ y }}</b></ng-template>',
    "a tag as a value": '<p>Ends with</p><input value="</div>"><p>and begins with</p><input value="<div>">',
    "a comment shown as text": '<pre>\n&lt;!-- the lamp -->\n&lt;lamp lit="yes"/&gt;\n</pre>',
    "names that are no elements": "<p>Ask <ann@example.org> for it, or git commit -m <message> now.</p>",
    "Vue": '<div v-if="a < b" @click="x => y(1)"><span :class="{on: a > 1}">t</span></div>',
    "template script": '<script type="text/template">\n<div>\n<p>hello</p>\n</div>\n</script>',
}
BAD = [
    ("<p>Ships under 5 < 6 metres.</p>", "<p>Ships under 5 &lt; 6 metres.</p>", 0.9),
    ("<p>if a < b then go</p>", "<p>if a &lt; b then go</p>", 0.9),
    ("<p>Children <12 years travel free.</p>", "<p>Children &lt;12 years travel free.</p>", 0.9),
    ("<p>The p-value was <0.05 for all.</p>", "<p>The p-value was &lt;0.05 for all.</p>", 0.9),
    ("<p>In C, x<<y shifts x.</p>", "<p>In C, x&lt;&lt;y shifts x.</p>", 0.9),
    ("<p>A List<String> holds strings.</p>", "<p>A List&lt;String> holds strings.</p>", LIKELY),
    ("<p>A Map<K, V> holds pairs.</p>", "<p>A Map&lt;K, V> holds pairs.</p>", LIKELY),
    ("<p>One.</p><-- end of the list --><p>Two.</p>", "<p>One.</p><!-- end of the list --><p>Two.</p>", 0.9),
    ("<ul><li>one<li>two</ul></li>", "<ul><li>one<li>two</li></ul>", LIKELY),
    ("<h2>The keeper</h3><p>He came.</p>", "<h2>The keeper</h2><p>He came.</p>", LIKELY),
    ("<ul><li>One</li><li>Two</li></ol>", "<ul><li>One</li><li>Two</li></ul>", LIKELY),
    ("<p>A <em>word</i> here.</p>", "<p>A <em>word</em> here.</p>", LIKELY),
    ("<p>It holds if a <b then it goes on.</p>", "<p>It holds if a &lt;b then it goes on.</p>", LIKELY),
    ("<div><ul><li>a</div></li><li>b</li></ul></div>", "<div><ul><li>a</li><li>b</li></ul></div>", 0.45),
    ("<ul><li>one</li><li>two</li>\n<p>After.</p>", "<ul><li>one</li><li>two</li></ul>\n<p>After.</p>", LIKELY),
    ("</body></html><p>More text after it.</p>", "<p>More text after it.</p>", LIKELY),
    ("<a href='1'class=\"2\">x</a>", "<a href='1' class=\"2\">x</a>", 0.9),
    ('<a href="/x" class="a" href="/y">x</a>', '<a href="/x" class="a">x</a>', 0.9),
    ('<a / href="/x">x</a>', '<a  href="/x">x</a>', 0.9),
    ('<a href=https://example.org/x">x</a>', '<a href="https://example.org/x">x</a>', 0.9),
    ('<p rowspan=2">x</p>', '<p rowspan="2">x</p>', 0.9),
    ("<p>A &nosuch; B</p>", "<p>A &amp;nosuch; B</p>", 0.9),
    ("<p>A &#x110000; B</p>", "<p>A &#xFFFD; B</p>", 0.9),
    ("<p>A &#xD800; B</p>", "<p>A &#xFFFD; B</p>", 0.9),
    ("<p>See <code>x and <em>y</em></p>", "<p>See <code>x</code> and <em>y</em></p>", LIKELY),
    ("<div><p>One.</p><section><p>Two.</p></div>", "<div><p>One.</p><section><p>Two.</p></section></div>", LIKELY),
    ("<p>one</b> two</p>", "<p>one two</p>", 0.45),
    ("<p><b><i>x</b></i></p>", "<p><b><i>x</i></b></p>", LIKELY),
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_checkpoint(DEFAULT))


def faults(reader: Reader, body: str) -> tuple[str, list[Fault]]:
    page = FRAME.format(body)
    return page, find_faults(reader, reader.read(page))


@pytest.mark.parametrize("name", GOOD)
def test_good_pages_have_no_likely_fault(reader: Reader, name: str) -> None:
    assert [f for f in faults(reader, GOOD[name])[1] if f.probability >= LIKELY] == []


@pytest.mark.parametrize(("broken", "whole", "least"), BAD)
def test_a_proven_fault_is_likely_and_its_first_fix_mends_it(
    reader: Reader, broken: str, whole: str, least: float
) -> None:
    page, found = faults(reader, broken)
    fix = found[0].fixes[0]
    assert page[: fix.start] + fix.replacement + page[fix.end :] == FRAME.format(whole)
    assert found[0].probability >= least
    assert [f for f in found[1:] if f.probability >= LIKELY] == []


def test_stray_end_tags_in_a_list_are_reported_where_they_are(reader: Reader) -> None:
    page, found = faults(reader, "<div><ul><li>a</div></div></li><li>b</li></ul></div>")
    assert found[0].kind == "unexpected-end-tag"
    assert page.index("</div></div>") <= found[0].start <= page.index("</div></li>")


def test_a_misspelt_name_is_still_found(reader: Reader) -> None:
    _, found = faults(reader, "<p>The <stong>old</strong> lamp.</p>")
    assert (found[0].kind, found[0].fixes[0].replacement) == ("misspelt-tag-name", "strong")


def test_a_start_tag_is_copied_as_the_page_writes_it(reader: Reader) -> None:
    row = '<p><b v-if="a < b">Stone</b></p>\n'
    _, found = faults(reader, row * 6 + "<p>Stone</b></p>\n" + row * 6)
    starts = {fix.replacement for fault in found for fix in fault.fixes if fault.kind == "missing-start-tag"}
    assert '<b v-if="a < b">' in starts


@pytest.mark.parametrize(
    "slip", ['<p class="x" class="y">a</p>', '<p id="q"class="x">a</p>', "<p>5 < 6</p>", "<h2>A b</h3><p>x y.</p>"]
)
@pytest.mark.parametrize("times", [2, 4, 8])
def test_a_page_that_repeats_a_slip_is_not_clean(reader: Reader, slip: str, times: int) -> None:
    assert any(fault.probability >= LIKELY for fault in faults(reader, slip * times)[1])


def test_a_habit_of_the_page_proves_nothing(reader: Reader) -> None:
    _, found = faults(reader, "\n".join(f"<p class=\"a\"id='n{n}'>Stone {n}</p>" for n in range(9)))
    assert all(f.probability < 0.9 for f in found if f.kind == "missing-whitespace-between-attributes")


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="x class="b">',  # the lost quote is elsewhere
        '<a href="x" class=b data-c checked @click="d" :e="f" [g]="h" />',
        "<a href=x?y=1&z=2 b>",
        "<a href=/x/ b>",
        "<a 'b>",
    ],
)
def test_attributes_without_a_proof(tag: str) -> None:
    assert list(attributes(tag, np.zeros(len(tag), np.uint8), Watch())) == []


@pytest.mark.parametrize("text", ["<b>x</b>", "<<b>x", "<!doctype html>", "<a href=x <b>", "</ b>", "x<b<i>"])
def test_brackets_of_tags_are_not_stray_for_sure(text: str) -> None:
    assert not any(b.sure or b.meant for b in stray_brackets(text, np.zeros(len(text), np.uint8), Watch()))


@pytest.mark.parametrize(
    "page",
    [
        "<li>Rakes\n",
        "<td>12.50</td>\n",
        "<tr>\n<td>Monday</td>\n<td>9:00</td>\n</tr>\n",
        '<!doctype html>\n<html lang="en">\n<head>\n<title>Night ferry</title>\n</head>\n<body>\n<main>\n',
        '<!doctype html>\n<html lang="en">\n<head>\n<title>Night ferry</title>\n</head>\n<body>\n<div class="page">\n',
        "</main>\n<footer>\n<p>Harbour office, 1 Quay Street</p>\n</footer>\n</body>\n</html>\n",
    ],
)
def test_a_part_of_a_page_is_no_fault(reader: Reader, page: str) -> None:
    assert [f for f in find_faults(reader, reader.read(page)) if f.probability >= LIKELY] == []


def test_an_open_script_is_not_renamed(reader: Reader) -> None:
    _, found = faults(
        reader, "<script>\n<p>The lamp was lit by hand for years, <i>every</i> night.</p>\n<ul><li>Oil</li></ul>"
    )
    assert "mismatched-tag-name" not in {fault.kind for fault in found}
