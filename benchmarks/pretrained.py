"""Train the bundled weights by their recipes and put them into the package.

    python benchmarks/pretrained.py DATA [--check]

The same machine and versions give the same bytes. `--check` compares the new weights with the present ones instead of
writing them. DATA has the files that the recipes in spacy_trax_sentiment/configs/recipes name. Needs the extra
`train`; `en_trf` also needs the encoder that it starts from (see its recipe), and an hour and a half on two cores.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import srsly

from spacy_trax_sentiment import TextScorer

# The recipes of each model. Each starts from the weights of the one before. `en_auto` is made of two others.
RECIPES = {"en": ["en"], "en_ternary": ["en_ternary_start", "en_ternary"], "en_trf": ["en_trf_start", "en_trf"]}
# The files of tweets without labels: the number of tweets, and the models whose probabilities they get, as a weighted
# geometric mean.
TEACHERS = {
    "soft/tweets.jsonl": (50_000, {"en_trf": 1.0}),
    "soft/ensemble_tweets.jsonl": (None, {"en_trf": 0.7, "en_ternary": 0.3}),
}
MOST_MB = {"en": 5.0, "en_ternary": 5.0, "en_trf": 25.0}
COMPONENT = "trax_sentiment"
COMMAND = [sys.executable, "-m", "spacy_trax_sentiment"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with the present weights")
    parser.add_argument("--only", choices=RECIPES, help="train only this one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [arguments.only] if arguments.only else list(RECIPES)
        data = with_soft_labels(arguments.data, Path(folder) / "data")
        for name in names:
            made = train(name, data, Path(folder))
            there = Path(str(files("spacy_trax_sentiment.pretrained"))) / name
            if arguments.check:
                compare(made, there)
            else:
                shutil.rmtree(there, ignore_errors=True)
                shutil.copytree(made, there)
            size = sum(path.stat().st_size for path in made.iterdir())
            print(f"{name}: {size / 1e6:.2f} MB, {'as it was' if arguments.check else 'written'}")


def with_soft_labels(data: Path, linked: Path) -> Path:
    """Return a folder with what the data holds, and tweets with what the bundled models make of them."""
    linked.mkdir()
    for path in data.iterdir():
        (linked / path.name).symlink_to(path.resolve())
    if not (linked / "soft").exists():
        (linked / "soft").mkdir()
        rows = list(srsly.read_jsonl(data / "unlabelled/tweets.jsonl"))
        for name, (n_texts, models) in TEACHERS.items():
            srsly.write_jsonl(linked / name, labelled([row["text"] for row in rows[:n_texts]], models))
    return linked


def labelled(texts: list[str], models: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Yield each text with the weighted geometric mean of the models' probabilities, as `predict` writes these."""
    scorers = [TextScorer.load(name) for name in models]
    weighted = zip(scorers, models.values(), strict=True)
    mean = np.prod([(scorer.predict_proba(texts) + 1e-6) ** weight for scorer, weight in weighted], axis=0)
    columns = [f"sentiment_{label}" for label in scorers[0].labels]
    for text, row in zip(texts, (mean / mean.sum(axis=1, keepdims=True)).tolist(), strict=True):
        yield {"text": text, **dict(zip(columns, row, strict=True))}


def train(name: str, data: Path, folder: Path) -> Path:
    """Train a model, and return the directory of its component."""
    small, start = folder / name, list[str]()
    for recipe in RECIPES[name]:
        large = str(folder / f"{recipe}_large")
        subprocess.run([*COMMAND, "train", str(data), "--config", recipe, *start, "--output", large], check=True)
        start = ["--init-from", large]
    dev = str(data / "sst2/dev.jsonl") if name == "en" else str(data / "tweeteval/val.jsonl")
    options = ["--output", str(small), "--max-mb", str(MOST_MB[name]), "--source", dev]
    subprocess.run([*COMMAND, "compact", large, *options], check=True)
    return small / COMPONENT


def compare(made: Path, there: Path) -> None:
    """Raise SystemExit if any file differs."""
    names = sorted({path.name for folder in (made, there) for path in folder.iterdir()})
    _, different, missing = filecmp.cmpfiles(made, there, names, shallow=False)
    if different or missing:
        raise SystemExit(f"{there.name} differs in {', '.join(different + missing)}")


if __name__ == "__main__":
    main()
