"""Train a large teacher on labelled texts, and label texts with it and the bundled models, for `en_trf_taught`.

    python benchmarks/teacher.py DATA ENCODER OUT

ENCODER is the directory of sentence-transformers/all-mpnet-base-v2 (Apache-2.0, 110 million weights), with its
config.json, model.safetensors and tokenizer.json. OUT gets a file of texts with soft labels per source of the recipe;
put it into DATA as `taught`. Needs PyTorch and transformers (pip install torch==2.13.0 transformers), the extra `trf`,
and two hours on two cores, half of them to label. The teacher itself is not kept.
"""

import argparse
import html
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import srsly
import torch
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.text.arrays import Array
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS, NEGATIVE, NEUTRAL, POSITIVE
from spacy_trax_sentiment.training.corpora import read_labelled_texts

LABELS = (NEGATIVE, NEUTRAL, POSITIVE)
# The parts of the models in the weighted geometric mean of the probabilities, chosen on dev sets; the teacher has the
# rest. On SST-2, TweetEval with three labels and DynaSent's rounds the mean has a macro-recall of 0.921, 0.761, 0.693
# and 0.603, the teacher 0.918, 0.735, 0.696 and 0.603, and `en_trf` had 0.874, 0.739, 0.636 and 0.568.
PARTS = {"en_trf": 0.3, "en_ternary": 0.2}
MOST_PIECES = 64  # of a text
PIECES_PER_BATCH, PIECES_PER_BATCH_TO_LABEL = 1040, 2080
N_FROZEN_BLOCKS = 4
LEARNING_RATE, LEARNING_RATE_OF_HEAD, WARMUP_STEPS = 4e-5, 1e-3, 60


class Sample(NamedTuple):
    """Texts to teach the teacher with: how many of a source, of only two labels or not, with the weights of labels."""

    source: str
    n: int
    labels: Sequence[str] = LABELS
    weights: Sequence[float] = (1, 1, 1)


SAMPLES = [
    Sample("sst2/train.jsonl", 9_000, DEFAULT_LABELS),
    Sample("sst2/train_phrases.jsonl", 5_000, DEFAULT_LABELS),
    Sample("tweeteval/train_raw.jsonl", 14_000, weights=(2.14, 0.736, 0.851)),
    Sample("tweet_sentiment_extraction/train.jsonl", 2_500),
    Sample("goemotions/train.jsonl", 3_500, weights=(1.4, 1, 0.8)),
    Sample("product_reviews/train.jsonl", 1_965, DEFAULT_LABELS),
    Sample("sentiment140/train_random.jsonl", 2_500, DEFAULT_LABELS),
    Sample("bundled:composition", 3_000),
]
# How many texts to label per source. Those of films are sentences of reviews that are labelled as a whole.
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


class Teacher(torch.nn.Module):
    """An encoder, the mean of its vectors, and a dense layer: padded ids and their mask to logits (n, n_labels)."""

    def __init__(self, encoder: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(encoder, local_files_only=True, use_safetensors=True)
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        for frozen in (self.encoder.embeddings, *self.encoder.encoder.layer[:N_FROZEN_BLOCKS]):
            frozen.requires_grad_(False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        vectors, weights = self.encoder(ids, mask).last_hidden_state, mask[:, :, None].float()
        return self.head(self.dropout((vectors * weights).sum(1) / weights.sum(1)))  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", type=float, default=1.0, help="part of the texts to use, for a trial")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(arguments.encoder, local_files_only=True)

    def ids_of(texts: Sequence[str]) -> list[list[int]]:
        return list(tokenizer([cleaned(text) for text in texts], truncation=True, max_length=MOST_PIECES)["input_ids"])

    teacher = Teacher(arguments.encoder)
    train(teacher, arguments.data, ids_of, arguments.part)
    arguments.out.mkdir(parents=True, exist_ok=True)
    scorers = {name: TextScorer.load(name) for name in PARTS}
    for name, (sources, n) in TO_LABEL.items():
        texts = texts_to_label(arguments.data, sources, int(n * arguments.part), split=name == "film")
        logs = (1 - sum(PARTS.values())) * labelled(teacher, ids_of(texts), name)
        logs = logs + sum(part * np.log(scorers[model].predict_proba(texts) + 1e-6) for model, part in PARTS.items())
        found = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
        columns = [f"sentiment_{label}" for label in LABELS]
        rows = (
            {"text": text, **dict(zip(columns, row, strict=True))}
            for text, row in zip(texts, found.tolist(), strict=True)
        )
        srsly.write_jsonl(arguments.out / f"{name}.jsonl", rows)


def cleaned(text: str) -> str:
    """Return a text with mentions and links as in TweetEval, and without entities."""
    text = re.sub(r"https?://\S+|www\.\S+", "http", html.unescape(text))
    return " ".join(re.sub(r"@\w+", "@user", text).split())


def train(teacher: Teacher, data: Path, ids_of: Callable[[Sequence[str]], list[list[int]]], part: float) -> None:
    """Train on `SAMPLES`. A text of two labels teaches the odds of these alone."""
    ids, columns, known, weights = list[list[int]](), list[int](), list[list[bool]](), list[float]()
    for sample in SAMPLES:
        source = sample.source if ":" in sample.source else data / sample.source
        texts = [text for text in read_labelled_texts(source, labels=None) if text.label in sample.labels]
        random.Random(0).shuffle(texts)
        n = int(sample.n * part)
        texts = (texts * (n // len(texts) + 1))[:n]
        ids += ids_of([text.text for text in texts])
        columns += (of_sample := [LABELS.index(text.label) for text in texts])
        known += [[label in sample.labels for label in LABELS]] * len(texts)
        weights += [sample.weights[column] for column in of_sample]
    batches = list(batches_of(ids, PIECES_PER_BATCH, random.Random(0)))
    trained = [each for each in teacher.parameters() if each.requires_grad]
    head = list(teacher.head.parameters())
    body = [each for each in trained if all(each is not other for other in head)]
    rates = [{"params": body, "lr": LEARNING_RATE}, {"params": head, "lr": LEARNING_RATE_OF_HEAD}]
    optimizer = torch.optim.AdamW(rates, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / WARMUP_STEPS, 1 - step / len(batches))
    )
    teacher.train()
    for batch in tqdm(batches, desc="training", unit="step"):
        logits = teacher(*padded([ids[i] for i in batch]))
        logits = logits.masked_fill(~torch.tensor([known[i] for i in batch]), -1e4)
        losses = torch.nn.functional.cross_entropy(logits, torch.tensor([columns[i] for i in batch]), reduction="none")
        (losses * torch.tensor([weights[i] for i in batch])).mean().backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def texts_to_label(data: Path, sources: Sequence[str], n: int, *, split: bool) -> list[str]:
    """Return up to `n` different texts of the sources at random, if `split` the sentences of them."""
    texts = [str(row["text"]) for source in sources for row in srsly.read_jsonl(data / source)]
    if split:
        sentences = (each.strip() for text in texts for each in re.split(r"(?<=[.!?])\s+|\n", text))
        texts = [each for each in sentences if 4 <= len(each.split()) <= 40]
    kept_back = {plain(str(row["text"])) for source in KEPT_BACK for row in srsly.read_jsonl(data / source)}
    texts = sorted(text for text in set(texts) if plain(text) not in kept_back)
    random.Random(0).shuffle(texts)
    return texts[:n]


def plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def labelled(teacher: Teacher, ids: Sequence[Sequence[int]], name: str) -> Array:
    """Return the log-probabilities of texts, float64 (n_texts, n_labels)."""
    found = np.empty((len(ids), len(LABELS)))
    teacher.eval()
    with torch.inference_mode():
        for batch in tqdm(list(batches_of(ids, PIECES_PER_BATCH_TO_LABEL)), desc=name, unit="batch"):
            found[batch] = teacher(*padded([ids[i] for i in batch])).log_softmax(-1).numpy()
    return found


def batches_of(
    ids: Sequence[Sequence[int]], most_pieces: int, order: random.Random | None = None
) -> Iterator[list[int]]:
    """Yield places of texts of similar lengths, of as many padded pieces; in a random `order`, or sorted by length."""
    batches, batch = [], list[int]()
    for i in sorted(range(len(ids)), key=lambda i: (len(ids[i]), order.random() if order else 0)):
        if batch and (len(batch) + 1) * len(ids[i]) > most_pieces:
            batches.append(batch)
            batch = []
        batch.append(i)
    batches += [batch] if batch else []
    if order:
        order.shuffle(batches)
    yield from batches


def padded(ids: Sequence[Sequence[int]]) -> Any:
    """Return ids and their mask, (n_texts, length). The id of padding is 1."""
    length = max(map(len, ids))
    mask = torch.tensor([[i < len(row) for i in range(length)] for row in ids])
    return torch.tensor([[*row, *[1] * (length - len(row))] for row in ids]), mask.long()


if __name__ == "__main__":
    main()
