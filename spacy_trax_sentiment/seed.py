"""TODO."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from .model.architecture import Architecture
from .model.padding import longest_length
from .model.trax_layers import build_layer
from .text.process_tweet import process_tweet
from .text.vocabulary import UNK, terms_to_ids
from .training.batches import Batch, balanced_batches, check_batch_size
from .training.labelled import NEGATIVE, POSITIVE


def predict(sentence: str, nlp: Language) -> tuple[int, str]:
    """RETURNS: The seed's prediction: (1, "positive") where that is strictly more probable, else (0, "negative")."""
    cats = nlp(sentence).cats
    positive = cats[POSITIVE] > cats[NEGATIVE]
    return int(positive), POSITIVE if positive else NEGATIVE


def compute_accuracy(
    preds: NDArray[Any], y: NDArray[Any], y_weights: NDArray[Any]
) -> tuple[np.float32, np.float32, np.float32]:
    """The seed's weighted accuracy of two labels.

    preds: Log-probabilities (n_texts, 2); column 1 is positive.
    y: 1 for positive, 0 for negative, (n_texts,).
    y_weights: The weight of each text, (n_texts,).
    RETURNS: float32 accuracy, weighted number correct, sum of the weights. The accuracy is NaN where that sum is 0.
    """
    is_positive = preds[:, 1] > preds[:, 0]
    correct = (is_positive.astype(np.int32) == y).astype(np.float32)
    weighted_num_correct = np.float32((correct * y_weights).sum())
    sum_weights = np.float32(np.sum(y_weights))
    accuracy = weighted_num_correct / sum_weights if sum_weights else np.float32(np.nan)
    return accuracy, weighted_num_correct, sum_weights


def evaluate_batches(generator: Iterable[Batch], model: Callable[[NDArray[np.int32]], NDArray[Any]]) -> float:
    """The seed's `test_model`: RETURNS the weighted accuracy over all batches of ids, targets and example weights."""
    num_correct = sum_weights = 0.0
    for inputs, targets, example_weights in generator:
        _, correct, weights = compute_accuracy(np.asarray(model(inputs)), targets, example_weights)
        num_correct += float(correct)
        sum_weights += float(weights)
    return num_correct / sum_weights


def classifier(vocab_size: int, embedding_dim: int = 256, output_dim: int = 2, mode: str = "train") -> Any:
    """RETURNS: The seed's Trax layer, `Embedding -> Mean -> Dense -> LogSoftmax`; its mean counts padding too.

    mode: As in Trax; none of these layers depends on it.
    """
    return build_layer(Architecture(vocab_size, output_dim, embedding_dim, mean="plain"))


def tweet_to_tensor(tweet: str, vocab_dict: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """RETURNS: The ids of the processed tweet's terms, a plain list; an unknown term gets the id of `unk_token`."""
    return terms_to_ids(process_tweet(tweet), vocab_dict, unk_token)


def data_generator(
    data_pos: Sequence[str],
    data_neg: Sequence[str],
    batch_size: int,
    loop: bool,
    vocab_dict: Mapping[str, int],
    shuffle: bool = False,
    *,
    seed: int = 0,
    padded_length: Callable[[int], int] = longest_length,
) -> Iterator[Batch]:
    """The seed's generator: half positives, then half negatives, padded to the longest of the batch.

    data_pos: The positive tweets; their target is 1.
    data_neg: The negative tweets; their target is 0.
    YIELDS: As `balanced_batches` does.

    Raises SentimentError where the batch size is odd or less than 2.
    """
    check_batch_size(batch_size, 2)
    ids = [tweet_to_tensor(tweet, vocab_dict) for tweet in (*data_pos, *data_neg)]
    targets = [1] * len(data_pos) + [0] * len(data_neg)
    return balanced_batches(
        ids, targets, batch_size, loop=loop, shuffle=shuffle, seed=seed, padded_length=padded_length
    )
