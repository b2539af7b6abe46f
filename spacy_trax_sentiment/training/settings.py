"""How to train: settings that are checked when they are made, and their presets."""

from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, FiniteFloat, ValidationError
from pydantic.dataclasses import dataclass

from ..errors import Errors, SentimentError

Class = TypeVar("Class", bound=type[Any])

STRICT_NAMES = ConfigDict(extra="forbid")

_Count = Annotated[int, Field(ge=1)]
_WholeNumber = Annotated[int, Field(ge=0)]
_Positive = Annotated[FiniteFloat, Field(gt=0)]
_NotNegative = Annotated[FiniteFloat, Field(ge=0)]


# The penalty of a single text: a prior on the weights counts less, the more texts there are.
_PENALTY_OF_ONE_TEXT = 0.2


def one_line_errors(checked: Class) -> Class:
    """Make a pydantic dataclass raise a SentimentError for a wrong value, and a TypeError for a wrong argument."""
    init = checked.__init__

    @wraps(init)
    def checked_init(self: Any, *values: Any, **named: Any) -> None:
        try:
            init(self, *values, **named)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "unexpected_keyword_argument":
                names = ", ".join(sorted(checked.__dataclass_fields__))
                raise TypeError(f"unknown setting {name!r}; there are: {names}") from None
            if first["type"] == "missing":
                raise TypeError(f"the setting {name!r} is missing") from None
            wanted = first["msg"].removeprefix("Input should be ")
            raise SentimentError(Errors.S021.format(name=name, value=first["input"], wanted=wanted)) from None

    checked.__init__ = checked_init
    return checked


@one_line_errors
@dataclass(frozen=True, config=STRICT_NAMES)
class Settings:
    """How to train a classifier.

    Attributes:
        steps: Number of batches to train on.
        batch_size: Texts per batch. Balanced batches are rounded to the nearest multiple of the number of labels.
        ids_per_batch: Maximum number of ids in a batch, padding included; 0 for no limit. Texts of similar lengths then
            share a batch, and a batch of long texts holds fewer than `batch_size`.
        learning_rate: Adam's learning rate.
        warmup_steps: Number of steps in which the learning rate rises linearly from 0.
        decay: Whether the learning rate falls linearly to 0 after that.
        clip_grad_norm: The norm to which longer gradients are scaled down; 0 for none.
        epsilon: Adam's epsilon. The default is Trax's.
        weight_decay: Adam's weight decay. The default is Trax's.
        penalty: Weight of half the squared distance that the embedding has moved, in place of the weight decay (see
            `training.trax_loop.ridge`). 0 means none. Use it for a classifier whose embedding starts at 0 and has one
            column per label, which makes it a logistic regression, or for one that is trained on from another.
        ratio_power: Exponent of each term's log-ratio between the labels, as in naive Bayes. The result multiplies the
            term's steps, and its square divides the term's penalty. So a term that tells labels apart moves more easily
            than others (after Wang and Manning 2012, "Baselines and Bigrams"). 0 treats all terms alike; else it needs
            a penalty.
        embedding_dim: Columns of the embedding table; 0 for the number of labels.
        mean, length_exponent, embedding_scale: Settings of the architecture `Classifier.v1`.
        lang: The language's code, as in `spacy.blank`. A model that is trained further keeps its own.
        lexicon: A file with a word, a tab and its valence (-4 to 4) per line, which takes the place of the lexicons of
            `SentimentTerms`. None leaves those.
        seed: Random seed for the initial weights and the order of the texts.
        dropout: The proportion of values left out at random in training: of a text's mean and, in `Encoder.v1`, of the
            pieces' vectors and of what each block adds to them.
        balanced: Whether each batch holds equally many texts per label. Ignored if the texts have weights.
        preprocessor: Name of a preprocessor in spaCy's registry `misc`.
        bigram_buckets, bigram_distance: Settings of the preprocessor; None leaves its defaults.
        min_count: Terms that occur less often are left out of the vocabulary.
        max_ids: Train on at most this many ids per text, chosen at random; 0 means all.
        pad_to_ladder: Whether batches are padded to a few fixed lengths. If not, each is padded to its longest text,
            as in the course notebook.
        row_steps: Whether Adam updates only the embedding rows that occur in the batch (see `model.sparse_rows`). If
            not, it updates all rows at each step, as in the course notebook.
        data_parallel: Whether all devices share each batch, by Trax's data parallelism. It needs `row_steps=False`. If
            not, the first device trains.
        n_eval_batches: Held-out batches behind each figure that is reported during training.
        evaluate_every: Number of steps between these figures.
        calibrate: Whether to fit a temperature on the held-out texts and fold it into the weights.
        model: The configuration of another architecture, with its preprocessor, as in a spaCy config. If None, it is
            `Classifier.v1` with the settings above.

    Raises:
        SentimentError: A value is out of range.
        TypeError: There is no such setting.
    """

    steps: _Count = 300
    batch_size: _Count = 32
    ids_per_batch: _WholeNumber = 0
    learning_rate: _Positive = 0.01
    warmup_steps: _WholeNumber = 0
    decay: bool = False
    clip_grad_norm: _NotNegative = 0.0
    epsilon: _NotNegative = 1e-5
    weight_decay: _NotNegative = 1e-5
    penalty: _NotNegative = 0.0
    ratio_power: _NotNegative = 0.0
    embedding_dim: _WholeNumber = 32
    mean: Literal["masked", "plain"] = "masked"
    length_exponent: FiniteFloat = 1.0
    embedding_scale: FiniteFloat = 1.0
    lang: Annotated[str, Field(pattern="^[a-z]{2,8}$")] = "en"
    lexicon: str | None = None
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    dropout: Annotated[FiniteFloat, Field(ge=0, lt=1)] = 0.0
    balanced: bool = True
    preprocessor: str = "spacy_trax_sentiment.SentimentTerms.v1"
    bigram_buckets: int | None = None
    bigram_distance: int | None = None
    min_count: _WholeNumber = 1
    max_ids: _WholeNumber = 0
    pad_to_ladder: bool = True
    row_steps: bool = True
    data_parallel: bool = False
    n_eval_batches: _Count = 8
    evaluate_every: _Count = 10
    calibrate: bool = False
    model: dict[str, Any] | None = None

    @classmethod
    def for_language(cls, lang: str, n_texts: int, **changes: Any) -> "Settings":
        """Return settings for a language: the defaults for English, else those of a logistic regression over terms.

        These were chosen on two thousand texts in each of eight languages. The penalty falls with `n_texts`.
        """
        if lang == "en":
            return cls(**changes)
        own: dict[str, Any] = {
            "lang": lang,
            "steps": 200,
            "batch_size": 512,
            "learning_rate": 0.1,
            "decay": True,
            "epsilon": 1e-8,
            "penalty": _PENALTY_OF_ONE_TEXT / max(n_texts, 1),
            "ratio_power": 0.7,
            "embedding_dim": 0,
            "length_exponent": 0.5,
            "embedding_scale": 0.0,
            "bigram_buckets": 1 << 17,
            "row_steps": False,
            "calibrate": True,
        }
        return cls(**own | changes)


def saved_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as a model saves them, without the folder of the lexicon."""
    return asdict(settings) | {"lexicon": settings.lexicon and Path(settings.lexicon).name}


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


def fit_settings(settings: Settings, n_labels: int) -> Settings:
    """Return settings for a number of labels; raise SentimentError if they do not fit together, or do not fit it."""
    if settings.balanced:
        settings = replace(settings, batch_size=max(round(settings.batch_size / n_labels), 1) * n_labels)
    if settings.embedding_dim == 0:
        settings = replace(settings, embedding_dim=n_labels)
    is_linear = settings.embedding_scale == 0 and settings.embedding_dim == n_labels
    linear = f"0 unless embedding_scale is 0 and embedding_dim is the number of labels, {n_labels}"
    refuse_clashes(
        settings,
        ("penalty", not is_linear, linear),
        ("penalty", settings.row_steps, "0 if row_steps is True, because it pulls at all rows"),
        ("ratio_power", not settings.penalty, "0 if there is no penalty"),
        ("clip_grad_norm", settings.penalty, "0 if there is a penalty"),
        ("data_parallel", settings.row_steps, "False if row_steps is True"),
        ("ids_per_batch", settings.data_parallel, "0 if data_parallel is True"),
        ("lexicon", settings.model is not None, "None if `model` is given, whose preprocessor names the file"),
    )
    return settings


def refuse_clashes(settings: Settings, *rules: tuple[str, object, str]) -> None:
    """Raise SentimentError if a setting is set and clashes. A rule is its name, whether it does, and what is wanted."""
    for name, clashes, wanted in rules:
        if (value := getattr(settings, name)) and clashes:
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted=wanted))
