"""The kinds of fault that a report may have: what each is, and why it matters. docs/faults/ has a page for each."""

import re
from dataclasses import dataclass

STANDARD = "https://html.spec.whatwg.org/multipage/"
RFC_8259 = "https://www.rfc-editor.org/rfc/rfc8259#section-"  # JSON
PARSE_ERROR = "parsing.html#parse-error-"  # with a name of section 13.2.2
TAGS, ATTRIBUTES, COMMENTS = "syntax.html#syntax-tags", "syntax.html#attributes-2", "syntax.html#comments"
MARKDOWN = re.compile(r"[<&\[\]*_`\\]")
REFERENCES, NESTING = "syntax.html#character-references", "syntax.html#elements-2"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. title: its name in words. what: sentences that say what it is. why: why it matters.

    section: of the HTML standard, the part that has the rule; or the address of one of RFC 8259, of JSON.
    """

    name: str
    title: str
    what: str
    why: str
    section: str

    @property
    def url(self) -> str:
        """The address of the standard's section about it."""
        return self.section if self.of_json else STANDARD + self.section

    @property
    def of_json(self) -> bool:
        """Whether it is a fault of JSON documents."""
        return self.section.startswith(RFC_8259)

    @property
    def what_in_markdown(self) -> str:
        """What it is, in Markdown."""
        return MARKDOWN.sub(r"\\\g<0>", self.what)

    @property
    def why_in_markdown(self) -> str:
        """Why it matters, in Markdown."""
        return MARKDOWN.sub(r"\\\g<0>", self.why)

    @property
    def of_standard(self) -> bool:
        """Whether the name is that of a parse error of the standard (WHATWG HTML, 13.2.2)."""
        return self.section.startswith(PARSE_ERROR)


def _parse_error(name: str, title: str, what: str, why: str) -> Kind:
    return Kind(name, title, what, why, PARSE_ERROR + name)


_KINDS = (
    Kind(
        "unclosed-tag",
        "A tag is not closed",
        "The > at the end of a tag is missing.",
        "A browser reads what follows as attributes of the tag, up to the next >. That text is not shown.",
        TAGS,
    ),
    Kind(
        "unopened-tag",
        "A tag is not opened",
        "The < at the start of a tag is missing.",
        "A browser shows the tag as text, and the element is not there.",
        TAGS,
    ),
    Kind(
        "unpaired-quote",
        "A quote is missing",
        "The value of an attribute has a quote at one end only.",
        "A browser reads on to the next quote of that kind. All tags and text up to there become part of the value.",
        ATTRIBUTES,
    ),
    Kind(
        "missing-equals-sign",
        "An equals sign is missing",
        "The = between an attribute's name and its value is missing.",
        "A browser takes the name and the value for two attributes or for one with an odd name. The value is lost.",
        ATTRIBUTES,
    ),
    Kind(
        "end-tag-written-as-start-tag",
        "An end tag is written as a start tag",
        "The / of an end tag is missing.",
        "A browser opens a second element instead of closing the first. Bold text or a link then goes on and on.",
        TAGS,
    ),
    _parse_error(
        "missing-semicolon-after-character-reference",
        "A character reference does not end",
        "The ; at the end of a character reference is missing.",
        "A browser shows most of such references as they are written. It understands some old ones, but not in "
        "attributes where a letter follows.",
    ),
    Kind(
        "missing-ampersand",
        "A character reference does not begin",
        "The & at the start of a character reference is missing.",
        "A browser shows the name and the semicolon instead of the character.",
        REFERENCES,
    ),
    Kind(
        "broken-comment-delimiter",
        "A comment's delimiter is not whole",
        "The <!-- or --> of a comment lacks a character.",
        "Without its start, a comment becomes text of the page. Without its end, a comment hides what follows.",
        COMMENTS,
    ),
    _parse_error(
        "incorrectly-opened-comment",
        "A comment does not begin as it should",
        "The ! or a - of <!-- is missing.",
        "A browser ends such a comment at the first >, and shows the rest of it.",
    ),
    _parse_error(
        "eof-in-comment",
        "A comment is not closed",
        "A comment begins, and its --> is missing.",
        "A browser reads the comment to the next -->, or to the end of the page. It shows nothing of that.",
    ),
    _parse_error(
        "invalid-first-character-of-tag-name",
        "A less-than sign does not begin a tag",
        "A < stands before a character with which no tag begins.",
        "A browser shows the < as text, which is right where it was meant, as in 2 < 3. Where a tag was meant, the "
        "tag is not there. A < that is text is written &lt;.",
    ),
    Kind(
        "unexpected-greater-than-sign",
        "A greater-than sign is one too many",
        "A > stands in the text, and no tag ends there.",
        "A browser shows it as text. It often stands where a tag was changed and part of it was left.",
        TAGS,
    ),
    _parse_error(
        "unexpected-character-in-attribute-name",
        "A quote is one too many",
        "A quote stands where an attribute's name was expected.",
        "A browser makes it part of a name, so that the attribute there does not work.",
    ),
    _parse_error(
        "unexpected-equals-sign-before-attribute-name",
        "An equals sign is one too many",
        "An = stands where an attribute's name was expected.",
        "A browser makes it part of a name or of a value, so that the attribute there does not work.",
    ),
    _parse_error(
        "unexpected-solidus-in-tag",
        "A slash is one too many",
        "A / stands inside a tag, and not before its >.",
        "A browser passes over it. It often stands where the rest of an attribute was lost.",
    ),
    Kind(
        "misordered-end-tags",
        "End tags are in the wrong order",
        "Two end tags that follow each other are in the wrong order.",
        "Elements then overlap. A browser mends this with rules that differ by element, and may open some again.",
        NESTING,
    ),
    Kind(
        "missing-end-tag",
        "An end tag is missing",
        "An element is opened and not closed.",
        "What follows becomes part of the element: a link, a heading or bold text goes on to the end of the block.",
        NESTING,
    ),
    Kind(
        "missing-start-tag",
        "A start tag is missing",
        "An end tag, or an element that needs a parent, has no start tag before it.",
        "The text is not in the element that was meant. A browser drops the end tag, and moves or drops cells.",
        NESTING,
    ),
    Kind(
        "unexpected-end-tag",
        "An end tag closes nothing",
        "An end tag has no open element to close, or comes too early.",
        "A browser drops it, or closes an outer element, so that what follows stands in the wrong place.",
        NESTING,
    ),
    Kind(
        "unexpected-start-tag",
        "A start tag is one too many",
        "A start tag has no end tag, and the page reads better without it.",
        "The element stays open, and all that follows becomes part of it.",
        NESTING,
    ),
    Kind(
        "mismatched-tag-name",
        "Two tags do not match",
        "A start tag and the end tag of its element have different names.",
        "A browser drops the end tag, and the element stays open: bold text or a cell then takes in what follows. "
        "Only a heading is ended by the end tag of any heading.",
        NESTING,
    ),
    Kind(
        "misspelt-tag-name",
        "A tag's name is misspelt",
        "A tag has a name that is one slip from that of a common element.",
        "A browser makes an element without meaning of it: no link, no heading, no list.",
        NESTING,
    ),
    _parse_error(
        "unknown-named-character-reference",
        "A character reference is unknown",
        "The name between & and ; is that of no character, or # is missing before a number.",
        "A browser shows the reference as it is written instead of a character.",
    ),
    _parse_error(
        "missing-whitespace-between-attributes",
        "A space is missing between attributes",
        "An attribute begins directly after the quote of the one before it.",
        "Browsers read both. Other readers and templates may lose the second, and a quote often stands in the wrong "
        "place there.",
    ),
    _parse_error(
        "duplicate-attribute",
        "An attribute stands twice",
        "A tag has two attributes of one name.",
        "A browser keeps the first and drops the second: of two class attributes, one has no effect.",
    ),
    _parse_error(
        "null-character-reference",
        "A character reference means the null character",
        "A numeric character reference has the number 0.",
        "No page may hold that character. A browser shows a replacement character instead.",
    ),
    _parse_error(
        "surrogate-character-reference",
        "A character reference means half of a character",
        "A numeric character reference has the number of a surrogate, which is half of a pair in UTF-16.",
        "A browser shows a replacement character for each half. One reference with the whole number is needed.",
    ),
    _parse_error(
        "character-reference-outside-unicode-range",
        "A character reference has too large a number",
        "A numeric character reference has a number above 10FFFF, the last of Unicode.",
        "There is no such character. A browser shows a replacement character instead.",
    ),
    Kind(
        "invalid-json",
        "JSON is not valid",
        "A script that holds JSON, such as the data of schema.org, is not valid JSON. A JSON document gets this report "
        "where no single edit is likely to mend it.",
        "Search engines and other programs cannot read such data, and ignore all of it.",
        "scripting.html#data-block",
    ),
    Kind(
        "unexpected-character",
        "Something is odd, and no repair is known",
        "The network is surprised by markup, and no edit that it tried makes it less so.",
        "Nothing may be wrong. Such a report comes last and has no fix: look at the place. One with a fix is a mistake "
        "that people corrected on pages like this one, and no other name fits it.",
        TAGS,
    ),
)
_JSON_KINDS = (
    Kind(
        "json-missing-quote",
        "A quote is missing in JSON",
        "A string of a JSON document has a quote at one end only.",
        "A parser reads on to the next quote. All that stands between becomes part of the string, or is no JSON.",
        RFC_8259 + "7",
    ),
    Kind(
        "json-missing-comma",
        "A comma is missing in JSON",
        "The comma between two members of an object, or between two elements of an array, is missing.",
        "A parser stops there and reads nothing of the document.",
        RFC_8259 + "5",
    ),
    Kind(
        "json-missing-colon",
        "A colon is missing in JSON",
        "The colon between the name of a member and its value is missing.",
        "A parser stops there and reads nothing of the document.",
        RFC_8259 + "4",
    ),
    Kind(
        "json-missing-bracket",
        "A bracket is missing in JSON",
        "A bracket or brace that begins or ends an array or an object is missing.",
        "What follows becomes part of another object or array. A parser may notice it only at the document's end.",
        RFC_8259 + "2",
    ),
    Kind(
        "json-mismatched-bracket",
        "A bracket of JSON is of the wrong kind",
        "A bracket stands where a brace was meant, or the other way round.",
        "A parser stops there and reads nothing of the document.",
        RFC_8259 + "2",
    ),
    Kind(
        "json-unexpected-comma",
        "A comma is one too many in JSON",
        "A comma stands before the end of an object or array, or before another comma.",
        "JavaScript allows a comma before the end, and JSON does not: a parser of JSON stops there.",
        RFC_8259 + "5",
    ),
    Kind(
        "json-wrong-escape",
        "A string of JSON is not escaped",
        "A quote or a backslash in a string lacks its backslash, a backslash begins no escape, or a line break or tab "
        "stands in a string as it is.",
        "A parser ends the string too early, or stops there.",
        RFC_8259 + "7",
    ),
    Kind(
        "json-unquoted-word",
        "A word of JSON has no double quotes",
        "A word stands without quotes or in single quotes, or is a constant of JavaScript or Python.",
        "JSON has strings in double quotes, and true, false and null. A parser stops at any other word.",
        RFC_8259 + "3",
    ),
    Kind(
        "json-comment",
        "JSON has no comments",
        "A comment stands in a JSON document, as JSONC and JSON5 allow.",
        "A parser of JSON stops there. Some programs read such files all the same: then nothing need be changed.",
        RFC_8259 + "2",
    ),
    Kind(
        "json-unexpected-character",
        "A character of JSON is one too many, or another was meant",
        "A character, or a number, stands where the grammar of JSON allows none like it.",
        "A parser stops there and reads nothing of the document.",
        RFC_8259 + "2",
    ),
    Kind(
        "json-several-documents",
        "There is more than one JSON document",
        "A line begins another document where the first one has ended, as in JSON Lines (NDJSON).",
        "A parser of JSON reads one document. Where such lines are meant, each one has to be checked alone.",
        RFC_8259 + "2",
    ),
)
KINDS = {kind.name: kind for kind in (*_KINDS, *_JSON_KINDS)}
