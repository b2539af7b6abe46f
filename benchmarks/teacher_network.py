"""The teacher of `teacher.py`: MPNet in PyTorch, trained on labelled texts."""

import html
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from teacher import LABELS
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from spacy_trax_sentiment.text.arrays import Array
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.corpora import read_labelled_texts

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


class Teacher(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """An encoder, the mean of its vectors, and a dense layer: padded ids and their mask to logits (n, n_labels)."""

    def __init__(self, encoder: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(encoder, local_files_only=True, use_safetensors=True)
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        for frozen in (self.encoder.embeddings, *self.encoder.encoder.layer[:N_FROZEN_BLOCKS]):
            frozen.requires_grad_(False)

    def forward(self, ids: Any, mask: Any) -> Any:
        vectors, weights = self.encoder(ids, mask).last_hidden_state, mask[:, :, None].float()
        return self.head(self.dropout((vectors * weights).sum(1) / weights.sum(1)))


def trained(encoder: Path, data: Path, part: float) -> Callable[[Sequence[str]], Array]:
    """Train a teacher on a part of `SAMPLES`, and return a function from texts to probabilities (n_texts, n_labels)."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
    teacher = Teacher(encoder)

    def ids_of(texts: Sequence[str]) -> list[list[int]]:
        return list(tokenizer(list(map(cleaned, texts)), truncation=True, max_length=MOST_PIECES)["input_ids"])

    train(teacher, data, ids_of, part)
    return lambda texts: labelled(teacher, ids_of(texts))


def cleaned(text: str) -> str:
    """Return a text with mentions and links as in TweetEval, and without entities."""
    text = re.sub(r"https?://\S+|www\.\S+", "http", html.unescape(text))
    return " ".join(re.sub(r"@\w+", "@user", text).split())


def train(teacher: Any, data: Path, ids_of: Callable[[Sequence[str]], list[list[int]]], part: float) -> None:
    """Train once on the samples. A text of two labels teaches the odds of these alone."""
    ids, columns, known, weights = list[list[int]](), list[int](), list[list[bool]](), list[float]()
    for sample in SAMPLES:
        source = sample.source if ":" in sample.source else data / sample.source
        texts = [text for text in read_labelled_texts(source, labels=None) if text.label in sample.labels]
        random.Random(0).shuffle(texts)
        n = int(sample.n * part)
        texts = (texts * (n // len(texts) + 1))[:n]
        ids += ids_of([text.text for text in texts])
        of_sample = [LABELS.index(text.label) for text in texts]
        columns += of_sample
        known += [[label in sample.labels for label in LABELS]] * len(texts)
        weights += [sample.weights[column] for column in of_sample]
    batches = list(batches_of(ids, PIECES_PER_BATCH, random.Random(0)))
    learning = [each for each in teacher.parameters() if each.requires_grad]
    head = list(teacher.head.parameters())
    body = [each for each in learning if all(each is not other for other in head)]
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
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def labelled(teacher: Any, ids: Sequence[Sequence[int]]) -> Array:
    """Return the probabilities of texts, float64 (n_texts, n_labels)."""
    found = np.empty((len(ids), len(LABELS)))
    teacher.eval()
    with torch.inference_mode():
        for batch in tqdm(list(batches_of(ids, PIECES_PER_BATCH_TO_LABEL)), desc="labelling", unit="batch"):
            found[batch] = teacher(*padded([ids[i] for i in batch])).softmax(-1).numpy()
    return found


def batches_of(
    ids: Sequence[Sequence[int]], most_pieces: int, order: random.Random | None = None
) -> Iterator[list[int]]:
    """Yield places of texts of similar lengths, of as many padded pieces; in a random `order`, or sorted by length."""
    batches, batch = list[list[int]](), list[int]()
    for i in sorted(range(len(ids)), key=lambda i: (len(ids[i]), order.random() if order else 0)):
        if batch and (len(batch) + 1) * len(ids[i]) > most_pieces:
            batches.append(batch)
            batch = []
        batch.append(i)
    batches += [batch] if batch else []
    if order:
        order.shuffle(batches)
    yield from batches


def padded(ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Return ids and their mask, (n_texts, length). The id of padding is 1."""
    length = max(map(len, ids))
    mask = torch.tensor([[i < len(row) for i in range(length)] for row in ids])
    return torch.tensor([[*row, *[1] * (length - len(row))] for row in ids]), mask.long()
