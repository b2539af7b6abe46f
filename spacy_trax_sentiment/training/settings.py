"""How to train: the settings, and their presets."""

import math
from dataclasses import dataclass

from ..errors import Errors, SentimentError
from .batches import check_batch_size

_SEEDS = 1 << 31


@dataclass(frozen=True)
class Settings:
    """How to train.

    steps: Batches to train on. batch_size: Texts in a batch. learning_rate: Adam's.
    decay: Whether the learning rate falls to 0 in a straight line.
    epsilon, weight_decay: Adam's; the defaults are Trax's.
    penalty: On half the sum of the squares of what the embedding has moved, in place of the decay (`training.ridge`);
        0 means none. It is for a classifier whose embedding begins at 0 and is as wide as the labels are many, which
        then is a logistic regression, or that is trained on from another.
    embedding_dim: Columns of the embedding table. mean, length_exponent, embedding_scale: As in `model.Classifier`.
    seed: Of the initial weights and of the order of the texts.
    balanced: Whether a batch holds equally many texts of each label, where texts have no weights.
    preprocessor: A name of spaCy's registry `misc`. bigram_buckets, bigram_distance: Its settings, where not None.
    min_count: Leave out the terms that occur less often. max_ids: Of a longer text, train on so many of its ids, chosen
        by chance; 0 means all.
    pad_to_ladder: Pad batches to few different lengths; else, as the seed does, to the longest text of each.
    row_steps: Let Adam move only the rows of the embedding that are in the batch (`model.sparse_rows`); else, as the seed
        does, all rows at each step.
    data_parallel: Let all devices share each batch, by Trax's data parallelism, where `row_steps` is false; else the
        first one trains.
    n_eval_batches: Batches of held-out texts behind each figure that is shown as training runs.
    calibrate: Whether to fit a temperature on the held-out texts and put it into the weights.
    """

    steps: int = 300
    batch_size: int = 32
    learning_rate: float = 0.01
    decay: bool = False
    epsilon: float = 1e-5
    weight_decay: float = 1e-5
    penalty: float = 0.0
    embedding_dim: int = 32
    mean: str = "masked"
    length_exponent: float = 1.0
    embedding_scale: float = 1.0
    seed: int = 0
    balanced: bool = True
    preprocessor: str = "spacy_trax_sentiment.SentimentTerms.v1"
    bigram_buckets: int | None = None
    bigram_distance: int | None = None
    min_count: int = 1
    max_ids: int = 0
    pad_to_ladder: bool = True
    row_steps: bool = True
    data_parallel: bool = False
    n_eval_batches: int = 8
    calibrate: bool = False


PRESETS = {
    "default": Settings(),
    "seed": Settings(
        steps=100,
        batch_size=16,
        mean="plain",
        seed=271,
        embedding_dim=256,
        preprocessor="spacy_trax_sentiment.ProcessTweet.v1",
        pad_to_ladder=False,
        row_steps=False,
        n_eval_batches=1,
    ),
}


def check_settings(settings: Settings, n_labels: int) -> None:
    """Raises SentimentError where a setting is out of its range, before any work is done."""
    check_batch_size(settings.batch_size, n_labels if settings.balanced else 1)
    for name, value in (("steps", settings.steps), ("embedding_dim", settings.embedding_dim)):
        if value < 1:
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted="a number of at least 1"))
    if not 0 < settings.learning_rate < math.inf:
        raise SentimentError(
            Errors.S021.format(name="learning_rate", value=settings.learning_rate, wanted="a number above 0")
        )
    if not 0 <= settings.penalty < math.inf:
        raise SentimentError(
            Errors.S021.format(name="penalty", value=settings.penalty, wanted="a number of at least 0")
        )
    if settings.penalty and (settings.embedding_scale or settings.embedding_dim != n_labels):
        wanted = f"0 where embedding_scale is not 0 or embedding_dim is not the number of labels, {n_labels}"
        raise SentimentError(Errors.S021.format(name="penalty", value=settings.penalty, wanted=wanted))
    if settings.penalty and settings.row_steps:
        wanted = "0 where row_steps is True: it pulls at all rows"
        raise SentimentError(Errors.S021.format(name="penalty", value=settings.penalty, wanted=wanted))
    if settings.data_parallel and settings.row_steps:
        raise SentimentError(
            Errors.S021.format(name="data_parallel", value=True, wanted="False where row_steps is True")
        )
    if not 0 <= settings.seed < _SEEDS:
        wanted = f"a whole number from 0 to {_SEEDS - 1}"
        raise SentimentError(Errors.S021.format(name="seed", value=settings.seed, wanted=wanted))
