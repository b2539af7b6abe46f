"""A hook for MkDocs that fills the page of errors from errors.py: every code, in the words that users see."""

import ast
import re
from pathlib import Path
from typing import Any

MARKER = "<!-- errors -->"
SOURCE = Path(__file__).parents[1] / "spacy_trax_sentiment" / "errors.py"
_SPECIAL = re.compile(r"([*<>\[\]|\\])")
_FIELD = re.compile(r"\{(\w+)\}")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marker in a page by the tables of errors."""
    return markdown.replace(MARKER, error_tables(SOURCE.read_text(encoding="utf-8")))


def error_tables(source: str) -> str:
    """Return Markdown with a heading and a table for each comment in the class `Errors`.

    Args:
        source: The text of errors.py.
    """
    (errors,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Errors")
    lines = source.splitlines()
    messages = {
        node.targets[0].id: (node.lineno, ast.literal_eval(node.value))
        for node in errors.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    headings = {
        number: line.strip("# ")
        for number, line in enumerate(lines, 1)
        if number > errors.lineno and line.startswith("    # ")
    }
    parts: list[str] = []
    for number in sorted([*headings, *(line for line, _ in messages.values())]):
        if number in headings:
            parts += ["", f"## {headings[number]}", "", "| code | message |", "|---|---|"]
        else:
            code, message = next((code, text) for code, (line, text) in messages.items() if line == number)
            parts.append(f"| `{code}` | {_cell(message.removeprefix(f'[{code}] '))} |")
    return "\n".join(parts)


def _cell(message: str) -> str:
    """Return the message for a table cell: fields like {path} in italics, or in capitals inside code."""
    parts = message.split("`")
    parts[::2] = [_FIELD.sub(r"*\1*", _SPECIAL.sub(r"\\\1", part)) for part in parts[::2]]
    parts[1::2] = [_FIELD.sub(lambda field: field[1].upper(), part) for part in parts[1::2]]
    return "`".join(parts)
