"""Long texts in pieces: as many characters as a reader takes at once, and a cursor for the rest."""

MARKS = ("\n\n", "\n", " ")  # a piece ends after one of these, the first that its second half has


def piece(text: str, start: int, most: int | None) -> tuple[str, int]:
    """Returns the part of a text from `start`, of at most `most` characters, and where it ends.

    It ends at a paragraph, a line or a word, where one ends in its second half. The pieces of a text together are the
    text. most: None for all that is left.

    >>> piece("One two three", 0, 9), piece("One two three", 8, 9)
    (('One two ', 8), ('three', 13))
    """
    if most is None or len(text) - start <= most:
        return text[start:], max(start, len(text))
    for mark in MARKS:
        end = text.rfind(mark, start + most // 2, start + most) + len(mark)
        if end >= len(mark):
            return text[start:end], end
    return text[start : start + most], start + most
