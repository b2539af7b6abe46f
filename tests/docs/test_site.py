import re
import sys
from pathlib import Path
from subprocess import run

import pytest

from spacy_trax_sentiment.errors import Errors

ROOT = Path(__file__).parents[2]
# What a browser loads unasked: sources, style sheets, scripts, pictures, imports of styles; no links to click.
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
    told = set(re.findall(r"<code>(S\d{3})</code>", page))
    assert told == {name for name in vars(Errors) if re.fullmatch(r"S\d{3}", name)}


def test_the_model_card_is_a_page(site: Path) -> None:
    card = (ROOT / "spacy_trax_sentiment" / "pretrained" / "README.md").read_text(encoding="utf-8")
    page = (site / "models" / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert headings
    assert all(f">{heading}<" in page for heading in headings)


def test_the_reference_shows_arguments_and_results_as_lists(site: Path) -> None:
    page = (site / "api" / "index.html").read_text(encoding="utf-8")
    assert re.search(r"<li>\s*(<p>)?<strong><code>lengths</code></strong>: Integers, shape \(n_texts,\)\.\s*</", page)
    assert "<strong>Returns</strong>: float64 (n_texts, n_labels)" in page
    assert not re.search(r"<p>[^<]*(RETURNS|YIELDS):", page)
