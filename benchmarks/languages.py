"""Compare what is trained on 1,839 tweets in each of eight languages: macro-F1 on 324 more of UMSAB's tweets.

Ours, fastText, and spaCy's TextCatBOW and textcat learn from the same texts in the same run. Each peer is tuned on the
validation tweets, as ours was: fastText's settings are those with the best average over the languages, and spaCy's
pipelines are those after their best epoch. Needs the extras `train` and `bench`; fastText is left out unless
`fasttext-numpy2-wheel` is installed.

    python benchmarks/languages.py --data DATA

DATA holds LANGUAGE.train.jsonl and LANGUAGE.val.jsonl of UMSAB (Barbieri et al. 2022, "XLM-T").
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from quality_peers import train_textcat
from report import Bound, at_least, print_bounds, print_machine, print_table
from spacy.language import Language
from speed_peers import TEXTCAT, TEXTCATS

from spacy_trax_sentiment import Settings, train
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import LabelledText

LANGUAGES = {
    "arabic": "ar",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
}
LABELS = ("negative", "neutral", "positive")
OURS, FASTTEXT = "ours", "fastText"
AVERAGE = 0.56
_EPOCHS, _PATIENCE = 20, 4
_TRIES = 8
# The lengths of character n-grams, the lengths of word n-grams, the epochs and the learning rates to choose from.
_FASTTEXT_GRID = [*product([(0, 0), (2, 5)], [1, 2], [20], [0.1, 0.5])]

Texts = Sequence[LabelledText]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="directory of UMSAB's files")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=[*LANGUAGES], metavar="LANGUAGE")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print_machine(("spacy", "numpy", "trax", "jax"))
    sets = {name: read(arguments.data, name) for name in arguments.languages}
    f1: dict[str, list[float]] = {OURS: [ours(LANGUAGES[name], *both, arguments.seed) for name, both in sets.items()]}
    if find_spec("fasttext") is None:
        print("fastText is left out. To install it: pip install fasttext-numpy2-wheel")
    else:
        settings, f1[FASTTEXT] = best_fasttext([*sets.values()])
        print(f"fastText's settings: {settings}")
    for name, config in TEXTCATS.items():
        f1[name] = [textcat(config, LANGUAGES[each], *both, arguments.seed) for each, both in sets.items()]
    print_languages([*sets], f1)
    print_bounds(bounds(f1))


def read(data: Path, name: str) -> tuple[Texts, Texts]:
    """Return the texts of a language to train on, and those to measure on."""
    train_texts, dev_texts = (
        read_labelled_texts(data / f"{name}.{part}.jsonl", labels=None) for part in ("train", "val")
    )
    return train_texts, dev_texts


def ours(lang: str, texts: Texts, dev: Texts, seed: int) -> float:
    """Return our macro-F1. English is trained with the settings of the others, and with its lexicons."""
    settings = replace(Settings.for_language("xx", len(texts)), lang=lang, seed=seed)
    trained = train(*columns(texts), dev=columns(dev), settings=settings)
    return macro_f1(predicted(trained.nlp, dev), dev)


def textcat(config: Any, lang: str, texts: Texts, dev: Texts, seed: int) -> float:
    """Return the macro-F1 of one of spaCy's text categorizers."""
    nlp = train_textcat(config, texts, [dev], LABELS, seed, lang=lang, epochs=_EPOCHS, patience=_PATIENCE)
    return macro_f1(predicted(nlp, dev), dev)


def best_fasttext(sets: Sequence[tuple[Texts, Texts]]) -> tuple[dict[str, Any], list[float]]:
    """Return fastText's settings with the best average macro-F1, and its macro-F1 on each set."""
    best: tuple[dict[str, Any], list[float]] = {}, [0.0] * len(sets)
    for (shortest, longest), words, epochs, rate in _FASTTEXT_GRID:
        settings = {"minn": shortest, "maxn": longest, "wordNgrams": words, "epoch": epochs, "lr": rate}
        f1 = [fasttext(settings, *both) for both in sets]
        if np.mean(f1) > np.mean(best[1]):
            best = settings, f1
    return best


def fasttext(settings: dict[str, Any], texts: Texts, dev: Texts) -> float:
    """Return fastText's macro-F1; 0 if it finds no finite weights.

    It sometimes meets numbers that are not finite for no reason in the data, and not when it is tried again.
    """
    from fasttext import train_supervised

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts"
        path.write_text("".join(f"__label__{label} {_line(text)}\n" for text, label in texts), "utf8")
        for _ in range(_TRIES):
            try:
                model = train_supervised(str(path), dim=50, thread=1, verbose=0, **settings)
            except RuntimeError:
                continue
            return macro_f1([model.predict(_line(text))[0][0].removeprefix("__label__") for text, _ in dev], dev)
    return 0.0


def _line(text: str) -> str:
    return " ".join(text.lower().split())


def columns(texts: Texts) -> tuple[list[str], list[str]]:
    return [text for text, _ in texts], [label for _, label in texts]


def predicted(nlp: Language, texts: Texts) -> list[str]:
    """Return the most probable label of each text."""
    return [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(text for text, _ in texts)]


def macro_f1(labels: Sequence[str], texts: Texts) -> float:
    """Return the mean over the labels of F1."""
    truth, found = np.array([label for _, label in texts]), np.array(labels)
    of_label = [
        ((found == each) & (truth == each)).sum() / ((found == each).sum() + (truth == each).sum()) for each in LABELS
    ]
    return float(2 * np.mean(of_label))


def print_languages(names: Sequence[str], f1: dict[str, list[float]]) -> None:
    rows = [(name, *(f"{f1[each][i]:.3f}" for each in f1)) for i, name in enumerate(names)]
    rows.append(("average", *(f"{np.mean(f1[each]):.3f}" for each in f1)))
    print_table("Macro-F1 on the validation tweets", ("language", *f1), rows)


def bounds(f1: dict[str, list[float]]) -> list[Bound]:
    """Return what must hold: our average, and that we lead fastText and textcat in all languages but one."""
    n = len(f1[OURS])
    wins = [
        at_least(
            f"languages in which ours leads {name}", sum(a > b for a, b in zip(f1[OURS], peer, strict=True)), n - 1
        )
        for name, peer in f1.items()
        if name in (FASTTEXT, TEXTCAT)
    ]
    return [at_least("average macro-F1", float(np.mean(f1[OURS])), AVERAGE), *wins]


if __name__ == "__main__":
    main()
