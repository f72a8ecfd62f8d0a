"""Draws the output of one unit over the characters of a page.

The form is that of Karpathy, Johnson and Fei-Fei 2015, "Visualizing and Understanding Recurrent Networks".
"""

import io
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image

from soupstate.model.net.reader import Reader
from soupstate.model.train.data.labels import LabelledPage
from soupstate.model.train.evaluation.label_units import Follower, states_of

COLUMNS, ROWS = 100, 28  # of the grid, in characters
BEFORE = 250  # characters shown before the first one that has the label
CELL = 0.12, 0.235  # inches
MARGIN = 0.15, 0.5  # inches at the sides, and above
SHOWN_AS = {"\n": "↵", "\r": "↵", "\t": "→"}
FONT = "DejaVu Sans Mono"  # comes with matplotlib
MISSING = "·"  # instead of a character that the font lacks
COLOURS = 160  # of the PNG, so that it stays small


def grid(text: str) -> tuple[NDArray[np.int64], int]:
    """Returns row and column (characters, 2) of each character, and how many of the characters ROWS rows hold.

    A row ends after a line feed, and after COLUMNS characters.
    """
    places, row, column = [], 0, 0
    for character in text:
        if column == COLUMNS:
            row, column = row + 1, 0
        if row == ROWS:
            break
        places.append((row, column))
        row, column = (row + 1, 0) if character == "\n" else (row, column + 1)
    return np.array(places, np.int64).reshape(-1, 2), len(places)


def draw_label(reader: Reader, page: LabelledPage, follower: Follower, label: str, path: Path) -> None:
    """Draws a PNG: a page's characters, each coloured by the unit's output after it; those with the label underlined.

    A page too long for the grid is drawn from shortly before the first character with the label. Raises OSError.
    """
    first = int(np.argmax(page.label == 1))
    _, count = grid(page.html)
    begin = 0 if count == len(page.html) else max(0, first - BEFORE)
    places, count = grid(page.html[begin:])
    shown = np.arange(begin, begin + count)
    column = follower.unit + follower.layer * reader.checkpoint.weights.units
    values = states_of(reader, page.html, shown)[:, column]
    title = (
        f"{label} (underlined): {'cell' if follower.layer else 'unit'} {follower.unit} of layer {follower.layer}; "
        f"on held-out pages r {follower.r:+.3f}, R² {follower.share:.3f}. Red: above 0, blue: below 0."
    )
    figure = _figure(page.html[begin : begin + count], places, values, page.label[shown] == 1, title)
    _save(figure, path)


def _figure(
    text: str, places: NDArray[np.int64], values: NDArray[np.float32], is_labelled: NDArray[np.bool_], title: str
) -> Figure:
    rows = int(places[-1, 0]) + 1
    size = COLUMNS * CELL[0] + 2 * MARGIN[0], rows * CELL[1] + MARGIN[0] + MARGIN[1]
    figure = Figure(figsize=size)
    axis = figure.add_axes((MARGIN[0] / size[0], MARGIN[0] / size[1], COLUMNS * CELL[0] / size[0],
                            rows * CELL[1] / size[1]))  # fmt: skip
    colours = np.full((rows, COLUMNS), np.nan)
    colours[places[:, 0], places[:, 1]] = values
    largest = max(float(np.abs(values).max()), 1e-6)
    axis.imshow(colours, cmap="RdBu_r", vmin=-1.4 * largest, vmax=1.4 * largest, aspect="auto", interpolation="nearest")
    known = FT2Font(font_manager.findfont(FONT)).get_charmap()
    for character, (row, column) in zip(text, places.tolist(), strict=True):
        shown = SHOWN_AS.get(character, character)
        if shown.strip():
            shown = shown if ord(shown) in known else MISSING
            faint = "0.6" if character in SHOWN_AS else "black"
            axis.text(column, row - 0.05, shown, family=FONT, fontsize=10, ha="center", va="center", color=faint,
                      parse_math=False)  # fmt: skip
    under = [((c - 0.5, r + 0.4), (c + 0.5, r + 0.4)) for r, c in places[is_labelled].tolist()]
    axis.add_collection(LineCollection(under, colors="black", linewidths=2))
    axis.set_axis_off()
    figure.text(MARGIN[0] / size[0], 1 - 0.32 / size[1], title, fontsize=11, parse_math=False)
    return figure


def _save(figure: Figure, path: Path) -> None:
    """Writes a PNG of few colours."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90)
    Image.open(buffer).convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, "PNG", optimize=True)
