"""`mkdocs build --strict` passes, and the site has what it should."""

import configparser
import re
import sys
from pathlib import Path
from subprocess import run

import pytest

import spacy_trax_sentiment
from spacy_trax_sentiment.errors import Errors

ROOT = Path(__file__).parents[2]
# A browser loads these by itself: scripts, images, style sheets and their imports. Links to click are left out.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'> ]+)"""
    r"""|(?:url\(|@import )["']?((?:https?:)?//[^"') ]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    done = run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    assert LOADED.search('<script src="https://example.org/a.js">')
    assert LOADED.search("@import url(//example.org/a.css)")
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 12
    for path in files:
        found = LOADED.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(site)}: {found[0]}" if found else ""


def test_the_page_of_errors_has_every_code(site: Path) -> None:
    page = (site / "errors" / "index.html").read_text(encoding="utf-8")
    listed = set(re.findall(r"<code>(S\d{3})</code>", page))
    assert listed == {name for name in vars(Errors) if re.fullmatch(r"S\d{3}", name)}


def test_the_model_card_is_a_page(site: Path) -> None:
    card = (ROOT / "spacy_trax_sentiment" / "pretrained" / "README.md").read_text(encoding="utf-8")
    page = (site / "models" / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert headings
    assert all(f">{heading}<" in page for heading in headings)


def test_the_reference_documents_every_public_name(site: Path) -> None:
    documented = re.findall(r"^::: spacy_trax_sentiment\.(\w+)$", _reference(), re.MULTILINE)
    assert sorted(documented) == sorted({*spacy_trax_sentiment.__all__} - {"__version__"})
    page = (site / "api" / "index.html").read_text(encoding="utf-8")
    for name in documented:
        assert f'id="spacy_trax_sentiment.{name}"' in page


def test_the_reference_documents_every_registered_name() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    groups = config["options.entry_points"]
    lines = [line for name in groups if name.startswith("spacy_") for line in groups[name].strip().splitlines()]
    for line in lines:
        name, function = re.fullmatch(r"(?:spacy_trax_sentiment\.)?(\S+) = \S+:(\w+)", line).groups()
        assert f"### `{name}`" in _reference()
        assert re.search(rf"^::: \S+\.{function}$", _reference(), re.MULTILINE)


def test_the_reference_has_sections_of_arguments_and_results(site: Path) -> None:
    page = (site / "api" / "index.html").read_text(encoding="utf-8")
    for section in ("Parameters:", "Returns:", "Raises:"):
        assert section in page
    # A section that griffe does not parse would be a paragraph.
    assert not re.search(r"<p>(Args|Returns|Yields|Raises|RETURNS|YIELDS):", page)


def test_the_readme_is_at_most_200_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def _reference() -> str:
    return (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
