"""Read texts with a target and its label: what the text expresses toward a part of it."""

from pathlib import Path
from typing import Any

from ..errors import Errors
from ..tables.lines import TableError, brief
from ..tables.readers import require_string
from ..tables.targets import Span
from .json_rows import read_json_rows
from .labelled import LabelledText
from .target_templates import target_template_texts

GENERATED = "bundled:target_templates"


def read_target_texts(path: Path | str) -> tuple[list[LabelledText], list[Span]]:
    """Read a JSON Lines file with the keys `text` and `label`, and `from` and `to`: the target's span of characters.

    The path `bundled:target_templates` names the generated texts of `target_template_texts`.

    Returns:
        The texts with the labels of their targets, and the targets' spans.

    Raises:
        SentimentError: The file cannot be read, a key is missing, or a target is empty or not in its text.
    """
    if str(path) == GENERATED:
        return target_template_texts()
    rows = read_json_rows(Path(path), _target_text)
    return [text for text, _ in rows], [span for _, span in rows]


def _target_text(row: dict[str, Any], line: int) -> tuple[LabelledText, Span]:
    for name, option in (("text", "--text-column"), ("label", "--label-column")):
        require_string(row, name, option, line)
    start, end = row.get("from"), row.get("to")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(row["text"]):
        raise TableError(Errors.S203.format(start=brief(repr(start)), end=brief(repr(end))), line)
    return LabelledText(row["text"], row["label"]), (start, end)
