"""The page on upgrading from 0.1 points to modules that exist."""

import re
from importlib.util import find_spec
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "migrate.md"


def test_the_new_modules_exist() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Modules that moved")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| .* \| (.*) \|$", table, re.MULTILINE)
    modules = [name for cell in cells for name in re.findall(r"`([a-z_.]+)`", cell)]
    assert len(modules) > 20
    for name in modules:
        assert find_spec(f"spacy_trax_sentiment.{name}"), name
