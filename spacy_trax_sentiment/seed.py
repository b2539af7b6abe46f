"""The functions of the course notebook this package started from (2020), under their own names and in their order.

The notebook classifies NLTK's `twitter_samples` with a deep network in Trax. Section numbers are the notebook's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from .model.architecture import Architecture
from .model.padding import longest_length
from .model.trax_layers import build_layer
from .text.labels import NEGATIVE, POSITIVE
from .text.process_tweet import process_tweet
from .text.vocabulary import UNK, build_vocabulary, terms_to_ids
from .training.batches import Batch, balanced_batches, check_batch_size

__all__ = [
    "build_vocab",
    "classifier",
    "compute_accuracy",
    "data_generator",
    "predict",
    "process_tweet",
    "test_model",
    "train_model",
    "tweet_to_tensor",
]


def build_vocab(tweets: Iterable[str]) -> dict[str, int]:
    """Number the terms of processed tweets in order of first appearance, after the special terms (section 3)."""
    return build_vocabulary(map(process_tweet, tweets))


def tweet_to_tensor(tweet: str, vocab_dict: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """Return the ids of a processed tweet's terms; unknown ones get the id of `unk_token` (section 4)."""
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
) -> Iterator[Batch]:
    """Draw batches of half positive (target 1) and then half negative tweets (target 0), as in section 5.

    A class that is used up starts over in a `loop`; else the batches end before the first incomplete one. `batch_size`
    must be even.

    Returns:
        An iterator of ids int32 (batch_size, length), targets int32 (batch_size,) and example weights of 1, float32.
    """
    check_batch_size(batch_size, 2)
    ids = [tweet_to_tensor(tweet, vocab_dict) for tweet in (*data_pos, *data_neg)]
    targets = [1] * len(data_pos) + [0] * len(data_neg)
    return balanced_batches(
        ids, targets, batch_size, loop=loop, shuffle=shuffle, seed=seed, padded_length=longest_length
    )


def classifier(vocab_size: int, embedding_dim: int = 256, output_dim: int = 2, mode: str = "train") -> Any:
    """Return the Trax layer `Embedding -> Mean -> Dense -> LogSoftmax` (section 7). Its mean counts padding, too.

    None of its layers depends on the `mode`.
    """
    return build_layer(Architecture(vocab_size, output_dim, embedding_dim, mean="plain"))


def train_model(classifier: Any, train_task: Any, eval_task: Any, n_steps: int) -> Any:
    """Train a Trax layer in place for `n_steps` and return the Loop (section 8).

    The notebook's `output_dir` is left out: Trax would write pickles there, and load those that it finds.
    """
    from .model.trax_backend import quiet_loop, training

    with quiet_loop():
        loop = training.Loop(classifier, train_task, eval_tasks=[eval_task])
        loop.run(n_steps)
    return loop


def compute_accuracy(
    preds: NDArray[Any], y: NDArray[Any], y_weights: NDArray[Any]
) -> tuple[np.float32, np.float32, np.float32]:
    """Return the weighted accuracy, the weighted number of correct predictions and the sum of weights (section 10).

    `preds` are log-probabilities (n_tweets, 2); column 1 is positive. The accuracy is NaN if all weights are 0.
    """
    is_positive = preds[:, 1] > preds[:, 0]
    correct = (is_positive.astype(np.int32) == y).astype(np.float32)
    weighted_num_correct = np.float32((correct * y_weights).sum())
    sum_weights = np.float32(np.sum(y_weights))
    accuracy = weighted_num_correct / sum_weights if sum_weights else np.float32(np.nan)
    return accuracy, weighted_num_correct, sum_weights


def test_model(generator: Iterable[Batch], model: Callable[[NDArray[np.int32]], NDArray[Any]]) -> float:
    """Return the weighted accuracy of a model, ids to log-probabilities, over all batches (section 11)."""
    num_correct = sum_weights = 0.0
    for inputs, targets, example_weights in generator:
        _, correct, weights = compute_accuracy(np.asarray(model(inputs)), targets, example_weights)
        num_correct += float(correct)
        sum_weights += float(weights)
    return num_correct / sum_weights


def predict(sentence: str, nlp: Language) -> tuple[int, str]:
    """Return (1, "positive") if that is strictly more probable, else (0, "negative") (section 12)."""
    cats = nlp(sentence).cats
    positive = cats[POSITIVE] > cats[NEGATIVE]
    return int(positive), POSITIVE if positive else NEGATIVE
