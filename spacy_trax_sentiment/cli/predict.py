"""`trax-sentiment predict`: texts to JSON Lines with a label and probabilities."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import typer


def predict(
    texts: list[str] | None = typer.Argument(
        None, metavar="[TEXT]...", help="The texts. Without any, lines of standard input."
    ),
    model: Path = typer.Option(..., "--model", "-m", help="A pipeline directory, as `train` writes it."),
) -> None:
    """Print the sentiment of texts, one JSON object a line.

    Example: trax-sentiment predict "What a lovely day" --model model
    """
    from ..component import find_component, load_pipeline
    from ..training.evaluation import best_label

    nlp = load_pipeline(model)
    labels = find_component(nlp, model).labels
    for stream in (sys.stdin, sys.stdout):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    # A byte of an argument that is not UTF-8 arrives as a lone surrogate, which spaCy refuses.
    arguments = [text.encode("utf-8", "replace").decode() for text in texts or ()]
    for doc in nlp.pipe(arguments or _lines(sys.stdin)):
        probabilities = {f"sentiment_{label}": round(doc.cats[label], 6) for label in labels}
        row = {"text": doc.text, "sentiment": best_label(doc.cats), **probabilities}
        print(json.dumps(row, ensure_ascii=False))


def _lines(stream: TextIO) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in stream)
