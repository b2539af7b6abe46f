"""Draw batches of padded ids, targets and example weights from the ids of many texts, as Trax's Loop takes them."""

import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError
from ..model.padding import Ids, bucket_length, pad

T = TypeVar("T")

Batch = tuple[NDArray[np.int32], NDArray[Any], NDArray[np.float32]]
"""Ids int32 (batch_size, length), targets and example weights float32 (batch_size,).

Targets are columns, int32 (batch_size,), or probabilities, float32 (batch_size, n_labels), with -1 for a label that is
not to be told from the others.
"""

_SORTED_BATCHES = 2


def steady_length(ids: Sequence[Ids], short: int = 64) -> Callable[[int], int]:
    """Return a function from the length of a batch's longest text to the length to pad to.

    The lengths are those of the ladder, but a single one for all texts up to `short`, for which compiling another shape
    takes longer than shorter batches would save.
    """
    least = min(bucket_length(max(map(len, ids), default=0)), short)
    return lambda longest: max(bucket_length(longest), least)


def balanced_batches(
    ids: Sequence[Ids],
    targets: Sequence[int],
    batch_size: int,
    *,
    loop: bool,
    shuffle: bool = False,
    seed: int = 0,
    padded_length: Callable[[int], int] = bucket_length,
) -> Iterator[Batch]:
    """Yield batches with equally many texts of each class, the highest class first, and example weights of 1.

    A class that is used up starts over in a `loop`, in a new random order with `shuffle`; else the batches end before
    the first incomplete one.
    """
    classes = sorted(set(targets), reverse=True)
    share = check_batch_size(batch_size, len(classes))
    rng = random.Random(seed)
    of_class = {c: array("q") for c in classes}  # as lists, the indices of millions take four times as much memory
    for i, target in zip(range(len(ids)), targets, strict=True):
        of_class[target].append(i)
    streams = [_endless(of_class[c], rng, shuffle) if loop else _once(of_class[c], rng, shuffle) for c in classes]
    batch_targets = np.repeat(np.array(classes, dtype=np.int32), share)
    while True:
        batch = [ids[i] for stream in streams for i in islice(stream, share)]
        if len(batch) < batch_size:
            return
        yield pad(batch, padded_length), batch_targets.copy(), np.ones(batch_size, dtype=np.float32)


def shuffled_batches(
    ids: Sequence[Ids],
    targets: Sequence[int],
    batch_size: int,
    *,
    seed: int = 0,
    padded_length: Callable[[int], int] = bucket_length,
) -> Iterator[Batch]:
    """Yield batches without end, going through all texts in a new random order each time."""
    check_batch_size(batch_size, 1)
    stream = _endless(range(len(ids)), random.Random(seed), shuffle=True)
    while True:
        chosen = list(islice(stream, batch_size))
        of_batch = np.array([targets[i] for i in chosen], dtype=np.int32)
        yield pad([ids[i] for i in chosen], padded_length), of_batch, np.ones(batch_size, dtype=np.float32)


def weighted_batches(
    ids: Sequence[Ids],
    targets: Sequence[int] | NDArray[np.float32],
    weights: Sequence[float],
    batch_size: int,
    *,
    n_classes: int,
    seed: int = 0,
    padded_length: Callable[[int], int] = bucket_length,
) -> Iterator[Batch]:
    """Yield batches without end, each text drawn in proportion to its weight, (n_texts,), with replacement.

    Targets are (n_texts,) or, as probabilities, (n_texts, n_labels). A text with the target -1 gets a random class each
    time it is drawn, which teaches even probabilities.
    """
    check_batch_size(batch_size, 1)
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    lengths = np.array(list(map(len, ids)))
    all_targets = targets if isinstance(targets, np.ndarray) else np.array(targets, dtype=np.int32)
    while True:
        drawn = np.searchsorted(cumulative, rng.random(batch_size * _SORTED_BATCHES) * cumulative[-1], side="right")
        # Texts of similar lengths share a batch, or most of it would be padding. Sorting more batches than these
        # would make each batch too uniform.
        batches = drawn[np.argsort(lengths[drawn], kind="stable")].reshape(_SORTED_BATCHES, batch_size)
        for batch in batches[rng.permutation(_SORTED_BATCHES)]:
            of_batch = all_targets[batch]
            if of_batch.ndim == 1:
                of_batch = np.where(of_batch < 0, rng.integers(0, n_classes, batch_size, dtype=np.int32), of_batch)
            yield pad([ids[i] for i in batch.tolist()], padded_length), of_batch, np.ones(batch_size, dtype=np.float32)


def bucketed_batches(
    ids: Sequence[Ids],
    targets: NDArray[np.float32],
    weights: Sequence[float],
    batch_size: int,
    ids_per_batch: int,
    *,
    seed: int = 0,
) -> Iterator[Batch]:
    """Yield batches without end of at most `batch_size` texts and `ids_per_batch` padded ids, at least one text.

    Texts are drawn in proportion to their weights, (n_texts,), with replacement, and wait until there are enough of
    their length on the ladder. So each length has one shape to compile. Targets are (n_texts, n_labels).
    """
    check_batch_size(batch_size, 1)
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    waiting: dict[int, list[int]] = {}
    while True:
        for i in np.searchsorted(cumulative, rng.random(batch_size) * cumulative[-1], side="right").tolist():
            length = bucket_length(len(ids[i]))
            group = waiting.setdefault(length, [])
            group.append(i)
            if len(group) >= min(batch_size, max(1, ids_per_batch // length)):
                yield pad([ids[j] for j in group]), targets[group], np.ones(len(group), dtype=np.float32)
                group.clear()


def check_batch_size(batch_size: int, n_classes: int) -> int:
    """Return the texts per class of a batch, or raise SentimentError if that is not a whole number above 0."""
    if batch_size < 1 or batch_size % n_classes:
        wanted = "positive" if n_classes == 1 else f"a positive multiple of {n_classes}"
        raise SentimentError(Errors.S020.format(batch_size=batch_size, wanted=wanted))
    return batch_size // n_classes


def _once(items: Sequence[T], rng: random.Random, shuffle: bool) -> Iterator[T]:
    order = array("q", range(len(items)))
    if shuffle:
        rng.shuffle(order)
    yield from (items[i] for i in order)


def _endless(items: Sequence[T], rng: random.Random, shuffle: bool) -> Iterator[T]:
    while items:
        yield from _once(items, rng, shuffle)
