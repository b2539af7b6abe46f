"""The first sheet of an Excel workbook to rows, with openpyxl: an extra, so it is imported where it is needed."""

import logging
import re
import warnings
from collections.abc import Iterator
from datetime import datetime, time
from typing import IO, Any
from zipfile import ZipFile

from ..errors import Errors, MissingExtraError, SentimentError, reason_of
from .lines import TableError
from .rows import as_json

# Maximum bytes when unpacked: of a sheet, which is streamed, and of all else together, which openpyxl holds in RAM.
SHEET_BYTES, OTHER_BYTES = 1 << 30, 1 << 28
# Maximum rows of a sheet, which is Excel's own. A row's number may be any, and openpyxl makes all rows before it.
MOST_ROWS = 1 << 20

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!"}

logger = logging.getLogger(__name__)


def sheet_rows(
    file: IO[bytes], path: str, *, sheet_bytes: int = SHEET_BYTES, other_bytes: int = OTHER_BYTES
) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number and the values of each row of the first visible sheet, as they were last saved, but blank rows.

    Rows are as long as the first one, or longer. A blank cell, or one with an error such as #N/A, is None; a date is
    text, as in ISO 8601. TableError is raised if the file is no workbook, is damaged or takes more bytes when unpacked,
    and MissingExtraError, which names the `path`, without openpyxl.
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise MissingExtraError(Errors.S157.format(path=path, reason=error)) from None
    number = width = 0
    try:
        _require_sizes(file, sheet_bytes, other_bytes)
        warnings.filterwarnings("ignore", module="openpyxl")  # of parts that are of no use here
        sheets = load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets
        shown = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
        if not shown:
            raise ValueError("it has no sheet")
        if len(shown) > 1:
            logger.warning("%s: reading only the first of %d sheets, %r.", path, len(shown), shown[0].title)
        shown[0].reset_dimensions()  # they need not be true, and openpyxl would read no further
        for number, cells in enumerate(shown[0].iter_rows(values_only=True), start=1):
            if number > MOST_ROWS:
                raise ValueError(f"a sheet has at most {MOST_ROWS:,} rows")
            row = [*map(_value, cells)]
            while row and row[-1] is None:
                row.pop()
            if row:
                width = width or len(row)
                yield number, row + [None] * (width - len(row))
    except SentimentError:
        raise
    except Exception as error:  # damage shows as any error
        raise TableError(Errors.S156.format(reason=reason_of(error)), number + 1 if number else None) from None


def _require_sizes(file: IO[bytes], sheet_bytes: int, other_bytes: int) -> None:
    """Raise TableError if a sheet, or all other parts, take more bytes when unpacked: a small file may hold any."""
    n_other = 0
    with ZipFile(file) as archive:
        for part in archive.infolist():
            size, most = part.file_size, sheet_bytes
            if not _SHEET.fullmatch(part.filename):
                n_other, most = (size := n_other + size), other_bytes
            if size > most:  # nothing is read beyond the size that is given here
                raise TableError(Errors.S158.format(part=part.filename, most=most >> 20))


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return None if not value or value in _ERRORS else value.replace("_x000D_", "\r")  # as Excel writes it
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value if value is None or isinstance(value, int | float) else str(value)


def cell_text(value: Any) -> str:
    """Return what stands in a CSV for a cell's value: nothing for None, and numbers in digits."""
    return value if isinstance(value, str) else "" if value is None else as_json(value)
