"""Label texts with a large teacher and the bundled models: soft labels for the recipes of smaller networks.

    python benchmarks/teacher.py DATA OUT
    python benchmarks/teacher.py DATA OUT --encoder ENCODER

OUT gets a file of texts per source, which a recipe reads with `probabilities = "sentiment_"`. The first command takes
the teacher's labels from `teacher_labels.npz`, which has them by a hash of the text. The second trains the teacher
anew, which takes two hours on two cores with the labelling, and writes that file. ENCODER is the directory of
sentence-transformers/all-mpnet-base-v2 (Apache-2.0, 110 million weights), with its config.json, model.safetensors and
tokenizer.json. Needs the extra `trf`, and the second command PyTorch and transformers.
"""

import argparse
import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import srsly

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.text.arrays import Array
from spacy_trax_sentiment.text.labels import NEGATIVE, NEUTRAL, POSITIVE

LABELS = (NEGATIVE, NEUTRAL, POSITIVE)
STORED = Path(__file__).with_name("teacher_labels.npz")
# The parts of the models in the weighted geometric mean of the probabilities, chosen on dev sets; the teacher has the
# rest: see the model card.
PARTS = {"en_trf": 0.3, "en_ternary": 0.2}
# The sources, and how many texts of each to label. Those of films are sentences of reviews.
TO_LABEL = {
    "sst2": (["sst2/train.jsonl"], 7_000),
    "film": (["movie_reviews/reviews.jsonl", "imdb_counterfactual/train.jsonl"], 12_000),
    "tweeteval": (["tweeteval/train_raw.jsonl"], 11_000),
    "tweets": (["unlabelled/tweets.jsonl"], 9_500),
    "phrases": (["sst2/train_phrases.jsonl"], 7_000),
    "aspects": ([f"aspects/{name}.train.jsonl" for name in ("mams", "restaurants", "laptops")], 3_000),
    "goemotions": (["goemotions/train.jsonl"], 4_000),
}
# No text of these is labelled, or it would be seen in training.
KEPT_BACK = [
    *("sst2/dev.jsonl", "sst2/test.jsonl", "tweeteval/val.jsonl", "tweeteval/test.jsonl", "sentiment140/test.jsonl"),
    *("dynasent/dev.jsonl", "imdb_counterfactual/dev.jsonl"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder", type=Path, help="train a teacher from this encoder")
    parser.add_argument("--part", type=float, default=1.0, help="part of the texts to train with and to label")
    arguments = parser.parse_args()
    data: Path = arguments.data
    sources = {name: texts_of(data, files, split=name == "film") for name, (files, _) in TO_LABEL.items()}
    if arguments.encoder is not None:
        from teacher_network import trained

        label = trained(arguments.encoder, data, arguments.part)
        sources = {name: texts[: int(TO_LABEL[name][1] * arguments.part)] for name, texts in sources.items()}
        store({text: row for texts in sources.values() for text, row in zip(texts, label(texts), strict=True)})
    stored = np.load(STORED)
    rows = dict(zip(map(bytes, stored["keys"]), stored["probabilities"] / np.float64(255), strict=True))
    scorers = {name: TextScorer.load(name) for name in PARTS}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, texts in sources.items():
        texts = [text for text in texts if key_of(text) in rows]
        of_teacher = np.array([rows[key_of(text)] for text in texts]).reshape(-1, len(LABELS))
        logs = (1 - sum(PARTS.values())) * np.log(of_teacher + 1e-3)
        logs = logs + sum(part * np.log(scorers[model].predict_proba(texts) + 1e-6) for model, part in PARTS.items())
        found = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
        columns = [f"sentiment_{label}" for label in LABELS]
        labelled = zip(texts, found.tolist(), strict=True)
        lines = ({"text": text, **dict(zip(columns, row, strict=True))} for text, row in labelled)
        srsly.write_jsonl(arguments.out / f"{name}.jsonl", lines)
        print(f"{name}: {len(texts):,} texts")


def texts_of(data: Path, files: Sequence[str], *, split: bool) -> list[str]:
    """Return the different texts of the files in a random order, if `split` the sentences of 4 to 40 words in them."""
    texts = [str(row["text"]) for file in files for row in srsly.read_jsonl(data / file)]
    if split:
        borders = [r"\n" if "\n" in text else r"(?<=[.!?])\s+" for text in texts]
        parts = (re.split(border, text.replace("<br />", " ")) for border, text in zip(borders, texts, strict=True))
        texts = [each.strip() for of_text in parts for each in of_text if 4 <= len(each.split()) <= 40]
    kept_back = {plain(str(row["text"])) for file in KEPT_BACK for row in srsly.read_jsonl(data / file)}
    texts = sorted(text for text in set(texts) if plain(text) not in kept_back)
    random.Random(0).shuffle(texts)
    return texts


def plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def key_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:5]


def store(rows: dict[str, Array]) -> None:
    """Write the teacher's probabilities (n_labels,) of texts, in 255ths, by the texts' keys."""
    found = sorted((key_of(text), np.round(255 * row)) for text, row in rows.items())
    keys = np.array([list(key) for key, _ in found], dtype=np.uint8)
    np.savez_compressed(STORED, keys=keys, probabilities=np.array([row for _, row in found], dtype=np.uint8))


if __name__ == "__main__":
    main()
