"""Train the bundled weights by their recipes and put them into the package.

    python benchmarks/pretrained.py DATA [--check]

The same machine and versions give the same bytes. `--check` compares the new weights with the present ones instead of
writing them. DATA has the files that the recipes in spacy_trax_sentiment/configs/recipes name. Needs the extras `train`
and `trf`; `en_trf` also needs the encoder that it starts from (see `en_trf_start`), and four hours on two cores.
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
from spacy.language import Language

from spacy_trax_sentiment import TextScorer, load, save
from spacy_trax_sentiment.model.parameters import get_weights, set_weights
from spacy_trax_sentiment.model.targets import target_ids
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.calibration import calibrate
from spacy_trax_sentiment.training.labelled import make_docs
from spacy_trax_sentiment.training.recipes import mix, read_recipe

# The recipes of each model. Each starts from the weights of the one before. `en_auto` is made of two others.
RECIPES = {
    "en": ["en"],
    "en_ternary": ["en_ternary_start", "en_ternary"],
    "en_trf": ["en_trf_start", "en_trf_targets", "en_trf"],
}
# The parts that the weights of each recipe have in the weights of a model that is a mean.
PARTS = {"en_trf": [0.15, 0.15, 0.7]}
# Recipes read soft/NAME/PATH: the texts of the file PATH in DATA with the probabilities that these models give them, a
# weighted geometric mean. The bundled `en_trf` had its own runs before in place of itself (see its recipe).
TEACHERS = {"en_trf": {"en_trf": 1.0}, "ensemble": {"en_trf": 0.7, "en_ternary": 0.3}}
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
        data = with_soft_labels(arguments.data, Path(folder) / "data", names)
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


def with_soft_labels(data: Path, linked: Path, names: list[str]) -> Path:
    """Return a folder with the data and the soft labels that these models' recipes name.

    If the data has a folder `soft`, its labels serve. The bundled models make them otherwise, before any is replaced.
    """
    linked.mkdir()
    for each in data.iterdir():
        (linked / each.name).symlink_to(each.resolve())
    if not (linked / "soft").exists():
        recipes = [read_recipe(recipe) for model in names for recipe in RECIPES[model]]
        paths = {source.path for recipe in recipes for source in recipe.sources}
        for path in sorted(path for path in paths if path.startswith("soft/")):
            _, teachers, texts = path.split("/", 2)
            rows = [row["text"] for row in srsly.read_jsonl(data / texts)]
            (linked / path).parent.mkdir(parents=True, exist_ok=True)
            srsly.write_jsonl(linked / path, labelled(rows, TEACHERS[teachers]))
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
    trained = [folder / f"{recipe}_large" for recipe in RECIPES[name]]
    for recipe, large in zip(RECIPES[name], trained, strict=True):
        subprocess.run([*COMMAND, "train", str(data), "--config", recipe, *start, "--output", str(large)], check=True)
        start = ["--init-from", str(large)]
    if name in PARTS:
        large = folder / f"{name}_mean"
        save(averaged(trained, PARTS[name], name, data), large)
    dev = str(data / "sst2/dev.jsonl") if name == "en" else str(data / "tweeteval/val.jsonl")
    options = ["--output", str(small), "--max-mb", str(MOST_MB[name]), "--source", dev]
    subprocess.run([*COMMAND, "compact", str(large), *options], check=True)
    return small / COMPONENT


def averaged(trained: list[Path], parts: list[float], recipe: str, data: Path) -> Language:
    """Return the last of some pipelines, with the mean of their weights, calibrated on the recipe's held-out texts."""
    pipelines = [load(path) for path in trained]
    weights = [get_weights(find_component(nlp).model) for nlp in pipelines]
    model = find_component(pipelines[-1]).model
    mean = {}
    for name in weights[-1]:
        known = [i for i, each in enumerate(weights) if name in each]  # the start has no head for targets
        mean[name] = np.average([weights[i][name] for i in known], axis=0, weights=[parts[i] for i in known])
    set_weights(model, {name: value.astype(np.float32) for name, value in mean.items()})
    sources = read_recipe(recipe)
    corpus = mix(sources._replace(sources=sources.dev), data)
    columns = [corpus.labels.index(text.label) for text in corpus.held_out]
    ids = list(target_ids(model, make_docs(corpus.held_out, lang="en"), corpus.held_out_spans or []))
    calibrate(model, ids, columns, corpus.held_out_targets)
    return pipelines[-1]


def compare(made: Path, there: Path) -> None:
    """Raise SystemExit if any file differs."""
    names = sorted({path.name for folder in (made, there) for path in folder.iterdir()})
    _, different, missing = filecmp.cmpfiles(made, there, names, shallow=False)
    if different or missing:
        raise SystemExit(f"{there.name} differs in {', '.join(different + missing)}")


if __name__ == "__main__":
    main()
