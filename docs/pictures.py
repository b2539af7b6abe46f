"""Make the README's picture of the rendering, docs/images/why.png, by a headless Chromium.

    python docs/pictures.py [--chromium PATH]

Needs the extra `dev`, and a chromium on PATH.
"""

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from spacy_trax_sentiment.explanation.rendering import to_html
from spacy_trax_sentiment.pipelines import load_pipeline

TEXTS = (
    ("en", "I am not happy with the food, but the view was great and the people lovely :)"),
    ("en_ternary", "Never again! The room was dirty, and nobody cared."),
)
IMAGE = Path(__file__).parent / "images" / "why.png"
N_COLOURS = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    arguments = parser.parse_args()
    pipelines = [load_pipeline(name) for name, _ in TEXTS]
    docs = [nlp(text) for nlp, (_, text) in zip(pipelines, TEXTS, strict=True)]
    html = to_html(docs, page=True, options={"table": False})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 760, "height": 400}, device_scale_factor=1.5)
        page.set_content(html)
        page.add_style_tag(content="h1{display:none}main{padding:1rem 1rem 0}body{background:#fff}")
        picture = Image.open(io.BytesIO(page.locator("main").screenshot()))
        browser.close()
    # Few colours make it small, and none of these is missed.
    picture.convert("RGB").quantize(N_COLOURS).save(IMAGE, optimize=True)
    print(f"{IMAGE}: {picture.width} x {picture.height}, {IMAGE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
