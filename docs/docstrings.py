"""A griffe extension: docstrings in this package's style (`name: text`, RETURNS, YIELDS) to Markdown lists."""

import re
from typing import Any

from griffe import Class, Extension, Function

_ITEM = re.compile(r"(?P<names>\w+(?:, \w+)*): ?(?P<text>.*)")
# One that follows a sentence on the same line, as in "gold: The labels. n: Their number."
_SECOND = re.compile(r"(?<=\. )(?=(?P<names>\w+(?:, \w+)*): )")
_RESULTS = {"RETURNS", "YIELDS"}


def to_markdown(docstring: str, names: set[str]) -> str:
    """RETURNS: The docstring, with an item of a list for each of these names that is told of, and for the result."""
    lines: list[str] = []
    in_item = False
    for line in _one_item_a_line(docstring.splitlines(), names):
        item = _ITEM.fullmatch(line)
        if item and _are_all(item["names"], names | _RESULTS):
            if not in_item:
                lines.append("")  # or Markdown has it as part of the paragraph before
            shown = f"**{item['names'].capitalize()}**" if item["names"] in _RESULTS else f"**`{item['names']}`**"
            lines.append(f"- {shown}: {item['text']}")
            in_item = True
        elif in_item and line.startswith(" "):
            lines.append(f"    {line.strip()}")
        else:
            if in_item and line:
                lines.append("")
            in_item = in_item and not line
            lines.append(line)
    return "\n".join(lines)


def _one_item_a_line(lines: list[str], names: set[str]) -> list[str]:
    parted = []
    for line in lines:
        item = _ITEM.match(line)
        # Only after an item, but for the result, as a name and a colon may stand in a sentence.
        may_follow = names | _RESULTS if item and _are_all(item["names"], names) else _RESULTS
        starts = [0, *(second.start() for second in _SECOND.finditer(line) if _are_all(second["names"], may_follow))]
        ends = [*starts[1:], len(line)]
        parted += [line[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
    return parted


def _are_all(listed: str, names: set[str]) -> bool:
    return set(listed.split(", ")) <= names


class ProseDocstrings(Extension):
    """Turns the docstring of each function and class into Markdown."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        if func.docstring:
            func.docstring.value = to_markdown(func.docstring.value, {p.name for p in func.parameters})

    def on_class(self, *, cls: Class, **_: Any) -> None:
        if cls.docstring:
            cls.docstring.value = to_markdown(cls.docstring.value, set(cls.attributes))
