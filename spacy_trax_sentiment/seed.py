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
from .text.process_tweet import process_tweet
from .text.vocabulary import UNK, build_vocabulary, terms_to_ids
from .training.batches import Batch, balanced_batches, check_batch_size
from .training.labelled import NEGATIVE, POSITIVE

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
    """Number the terms of processed tweets in order of first appearance, after the special terms (section 3).

    Args:
        tweets: The training tweets.

    Returns:
        Terms to ids, with `__PAD__` 0, `__</e>__` 1 and `__UNK__` 2.
    """
    return build_vocabulary(map(process_tweet, tweets))


def tweet_to_tensor(tweet: str, vocab_dict: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """Return the ids of a processed tweet's terms (section 4).

    Args:
        tweet: The tweet.
        vocab_dict: Terms to ids.
        unk_token: The term whose id unknown terms get.
    """
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
    """Draw batches of half positive and then half negative tweets (section 5).

    Args:
        data_pos: Positive tweets; their target is 1.
        data_neg: Negative tweets; their target is 0.
        batch_size: Tweets per batch, an even number.
        loop: Whether to start a class over when it is used up. If not, stop before the first incomplete batch.
        vocab_dict: Terms to ids.
        shuffle: Whether to draw in random order.
        seed: The random seed of that order.
        padded_length: From the length of a batch's longest tweet to the length to pad to; the notebook pads to the
            longest.

    Returns:
        An iterator of ids int32 (batch_size, length), targets int32 (batch_size,) and example weights of 1, float32
        (batch_size,).

    Raises:
        SentimentError: The batch size is odd or less than 2.
    """
    check_batch_size(batch_size, 2)
    ids = [tweet_to_tensor(tweet, vocab_dict) for tweet in (*data_pos, *data_neg)]
    targets = [1] * len(data_pos) + [0] * len(data_neg)
    return balanced_batches(
        ids, targets, batch_size, loop=loop, shuffle=shuffle, seed=seed, padded_length=padded_length
    )


def classifier(vocab_size: int, embedding_dim: int = 256, output_dim: int = 2, mode: str = "train") -> Any:
    """Return the Trax layer `Embedding -> Mean -> Dense -> LogSoftmax` (section 7). Its mean counts padding, too.

    Args:
        vocab_size: Number of terms.
        embedding_dim: Width of the embedding.
        output_dim: Number of labels.
        mode: As in Trax. None of these layers depends on it.
    """
    return build_layer(Architecture(vocab_size, output_dim, embedding_dim, mean="plain"))


def train_model(classifier: Any, train_task: Any, eval_task: Any, n_steps: int) -> Any:
    """Train a Trax layer in place and return the Loop (section 8).

    The notebook's `output_dir` is left out: Trax would write pickles there, and load those that it finds.

    Args:
        classifier: The layer.
        train_task: A `trax.supervised.training.TrainTask`.
        eval_task: A `trax.supervised.training.EvalTask`.
        n_steps: Number of steps.
    """
    from .model.trax_backend import quiet_loop, training

    with quiet_loop():
        loop = training.Loop(classifier, train_task, eval_tasks=[eval_task])
        loop.run(n_steps)
    return loop


def compute_accuracy(
    preds: NDArray[Any], y: NDArray[Any], y_weights: NDArray[Any]
) -> tuple[np.float32, np.float32, np.float32]:
    """Return the weighted accuracy (section 10).

    Args:
        preds: Log-probabilities, (n_tweets, 2). Column 1 is positive.
        y: 1 for positive, 0 for negative, (n_tweets,).
        y_weights: The weight of each tweet, (n_tweets,).

    Returns:
        The accuracy (NaN if all weights are 0), the weighted number of correct predictions, and the sum of the weights.
    """
    is_positive = preds[:, 1] > preds[:, 0]
    correct = (is_positive.astype(np.int32) == y).astype(np.float32)
    weighted_num_correct = np.float32((correct * y_weights).sum())
    sum_weights = np.float32(np.sum(y_weights))
    accuracy = weighted_num_correct / sum_weights if sum_weights else np.float32(np.nan)
    return accuracy, weighted_num_correct, sum_weights


def test_model(generator: Iterable[Batch], model: Callable[[NDArray[np.int32]], NDArray[Any]]) -> float:
    """Return the weighted accuracy over all batches (section 11).

    Args:
        generator: The batches, as from `data_generator`.
        model: From ids (batch_size, length) to log-probabilities (batch_size, 2).
    """
    num_correct = sum_weights = 0.0
    for inputs, targets, example_weights in generator:
        _, correct, weights = compute_accuracy(np.asarray(model(inputs)), targets, example_weights)
        num_correct += float(correct)
        sum_weights += float(weights)
    return num_correct / sum_weights


def predict(sentence: str, nlp: Language) -> tuple[int, str]:
    """Return (1, "positive") if that is strictly more probable, else (0, "negative") (section 12).

    Args:
        sentence: The text.
        nlp: A pipeline with the labels negative and positive.
    """
    cats = nlp(sentence).cats
    positive = cats[POSITIVE] > cats[NEGATIVE]
    return int(positive), POSITIVE if positive else NEGATIVE
