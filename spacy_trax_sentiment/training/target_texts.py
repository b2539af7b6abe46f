"""Read texts with a target and its label: what the text expresses toward a part of it."""

from pathlib import Path

from ..errors import Errors, SentimentError
from ..tables.lines import TableError, brief, decoded_lines, parse_json_line
from ..tables.readers import require_string
from ..tables.sources import Source, open_binary, placed, reading
from .labelled import LabelledText

Span = tuple[int, int]
"""The first character of a target and the one after its last."""


def read_target_texts(path: Path) -> tuple[list[LabelledText], list[Span]]:
    """Read a JSON Lines file with the keys `text` and `label`, and `from` and `to`: the target's span of characters.

    Returns:
        The texts with the labels of their targets, and the targets' spans.

    Raises:
        SentimentError: The file cannot be read, a key is missing, or a target is empty or not in its text.
    """
    if not path.exists():
        raise SentimentError(Errors.S001.format(path=path))
    texts: list[LabelledText] = []
    spans: list[Span] = []
    source = Source(str(path))
    with open_binary(source.name) as file, reading(source.name), placed(source):
        for number, line in enumerate(decoded_lines(file), start=1):
            if not line.strip():
                continue
            row = parse_json_line(line, number)
            for name, option in (("text", "--text-column"), ("label", "--label-column")):
                require_string(row, name, option, number)
            start, end = row.get("from"), row.get("to")
            if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(row["text"]):
                raise TableError(Errors.S203.format(start=brief(repr(start)), end=brief(repr(end))), number)
            texts.append(LabelledText(row["text"], row["label"]))
            spans.append((start, end))
    if not texts:
        raise SentimentError(Errors.S003.format(path=path))
    return texts, spans
