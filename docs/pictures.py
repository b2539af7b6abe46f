"""Make docs/images/*.png with a headless Chromium: a rendering and part of a training report.

    python docs/pictures.py [--chromium PATH]

Needs the extra `dev` and a chromium on PATH. The report is from a training on the package's own short texts.
"""

import argparse
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from spacy_trax_sentiment.cli import main as trax_sentiment
from spacy_trax_sentiment.explanation.html import to_html
from spacy_trax_sentiment.pipelines import load

TEXTS = (
    ("en", "I am not happy with the food, but the view was great and the people lovely :)"),
    ("en_ternary", "Never again! The room was dirty, and nobody cared."),
)
SOURCE = "bundled:short_texts"
IMAGES = Path(__file__).parent / "images"
N_COLOURS = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        picture_rendering(browser.new_page(viewport={"width": 760, "height": 400}, device_scale_factor=1.5))
        picture_report(browser.new_page(viewport={"width": 900, "height": 800}))
        browser.close()


def picture_rendering(page: Any) -> None:
    pipelines = [load(name) for name, _ in TEXTS]
    docs = [nlp(text) for nlp, (_, text) in zip(pipelines, TEXTS, strict=True)]
    page.set_content(to_html(docs, page=True, options={"table": False}))
    page.add_style_tag(content="h1{display:none}main{padding:1rem 1rem 0}body{background:#fff}")
    save(page.locator("main").screenshot(), "why.png")


def picture_report(page: Any) -> None:
    """Save the plots: the part of the page from the heading above them to the one below."""
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model"
        run_train(SOURCE, "--output", str(model), "--quiet")
        page.set_content((model / "report.html").read_text(encoding="utf-8"))
    box = page.locator("main").bounding_box()
    top = page.get_by_role("heading", name="How the training went").bounding_box()["y"]
    bottom = page.get_by_role("heading", name="The strongest words").bounding_box()["y"]
    clip = {"x": box["x"], "y": top, "width": box["width"], "height": bottom - top - 24}
    save(page.screenshot(full_page=True, clip=clip), "report.png")


def run_train(*arguments: str) -> None:
    try:
        trax_sentiment(["train", *arguments])
    except SystemExit as ended:
        if ended.code:
            raise


def save(png: bytes, name: str) -> None:
    picture = Image.open(io.BytesIO(png))
    # Fewer colours make the file small; no difference is visible.
    picture.convert("RGB").quantize(N_COLOURS).save(IMAGES / name, optimize=True)
    print(f"{name}: {picture.width} x {picture.height}, {(IMAGES / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
