"""The cells of a column that names each row's target, to spans of the row's text."""

import re
from typing import Any, NamedTuple

from .rows import TableBatch, column_values

Span = tuple[int, int]
"""The first character of a target and the one after its last."""

OPTION = "--target-column"

_SPACE = re.compile(r"\s")
_OFFSETS = re.compile(r"\s*([0-9]{1,18}):([0-9]{1,18})\s*")


class Target(NamedTuple):
    """The target of a row: the cell that names it, and its span.

    The span is None if the cell names no target, or one that is not in the text; then `is_missing`.
    """

    cell: Any
    span: Span | None
    is_missing: bool


def row_targets(batch: TableBatch, column: str) -> list[Target]:
    """Return the target of each row of a batch, or raise SentimentError if the table lacks the column.

    A key that is missing in a row of JSON is as an empty cell, unless the first row of the table lacks it.
    """
    cells = column_values(batch, column, OPTION)
    return [target_in(text or "", cell) for text, cell in zip(batch.texts, cells, strict=True)]


def target_in(text: str, cell: Any) -> Target:
    """Return the target that a cell names: a string to find in the text, or offsets, as "12:17", [12, 17] or (12, 17).

    A string is found as `found_span` does. A cell that is empty or blank names none.
    """
    is_nan = isinstance(cell, float) and cell != cell
    if cell is None or is_nan or cell in ([], ()) or (isinstance(cell, str) and not cell.strip()):
        return Target(cell, None, False)
    if type(cell) is int:
        cell = str(cell)  # as a workbook holds a name of digits
    span = None
    if isinstance(cell, list | tuple):
        span = _checked(text, cell)
    elif isinstance(cell, str):
        offsets = _OFFSETS.fullmatch(cell)
        span = _checked(text, [*map(int, offsets.groups())]) if offsets else found_span(text, cell)
    return Target(cell, span, span is None)


def _checked(text: str, offsets: list[Any] | tuple[Any, ...]) -> Span | None:
    if len(offsets) != 2 or any(type(each) is not int for each in offsets):
        return None
    start, end = offsets
    return (start, end) if is_span(text, start, end) else None


def is_span(text: str, start: int, end: int) -> bool:
    """Return whether characters of a text can be a target: they are in it, and not only white space."""
    return 0 <= start < end <= len(text) and not text[start:end].isspace()


def found_span(text: str, target: str) -> Span | None:
    """Return where a text first holds a target, or None.

    Whole words are preferred to parts of words, and among these the target's own case to another. White space around
    the target does not count.
    """
    target = target.strip()
    pairs = [(text, target), (_folded(text), _folded(target))]
    for is_good in (_is_whole, lambda *_: True):
        for within, sought in pairs:
            start = within.find(sought)
            while start >= 0:
                if is_good(text, start, start + len(sought)):
                    return start, start + len(sought)
                start = within.find(sought, start + 1)
    return None


def _folded(text: str) -> str:
    """Return a text without upper case and kinds of white space, with each character where it was."""
    text = " ".join(_SPACE.split(text))
    if text.isascii():
        return text.lower()
    return "".join(next((each for each in (c.casefold(), c.lower()) if len(each) == 1), c) for c in text)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether no word begins before a span and goes on in it, or begins in it and goes on after it."""
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    return not any(each.isalnum() or each == "_" for each in (before, after))
