"""Docs to probabilities (n_docs, n_labels): a Thinc model whose parameters are the weights of the Trax layer.

Training runs the Trax layer under `jax.jit`; prediction runs the same weights folded, in NumPy.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, FloatsXd

from ..errors import Errors, SentimentError
from ..text.arrays import Ragged
from ..text.features import compose
from ..text.lexeme_cache import LexemeCache
from ..text.preprocessor import Preprocessor
from .architecture import MEANS, Architecture, weight_names
from .folded import Folded, LexemeMatrix
from .gradients import begin_update
from .inputs import Tokens, doc_tokens, n_ids, new_attributes, prepare, scored, token_ids
from .padding import pad_ragged, row_bucket
from .parameters import get_architecture, get_weights, layer_weights, set_weights
from .sparse_rows import RowUpdates, batch_rows, take_rows
from .trax_layers import initialized_layer

_SETTINGS = ("embedding_dim", "hidden_width", "mean", "length_exponent", "embedding_scale")


def Classifier(  # noqa: N802 (named as it is registered)
    preprocessor: Preprocessor,
    *,
    embedding_dim: int = 256,
    hidden_width: int = 0,
    mean: str = "masked",
    length_exponent: float = 1.0,
    embedding_scale: float = 1.0,
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Build the additive classifier. Registered as the architecture `spacy_trax_sentiment.Classifier.v1`.

    Args:
        preprocessor: Turns a Doc into terms.
        embedding_dim: The columns of the embedding table.
        hidden_width: The units of a hidden layer after the mean; 0 for none.
        mean: "masked" for the mean over known terms; "plain" for the notebook's, which counts padding in training.
        length_exponent: The power of the number of known terms that a masked mean divides by: from 0, a sum, to 1, a
            mean.
        embedding_scale: The factor for the initial embedding. With 0, terms that training never saw have no effect.
        nO: The number of labels, if it is known beforehand.

    Returns:
        A model from a batch of Docs to float32 probabilities (n_docs, n_labels). Its backprop takes the gradient of
        the loss with respect to the log-probabilities.

    Raises:
        SentimentError: A setting is out of range.
    """
    if mean not in MEANS:
        raise SentimentError(Errors.S042.format(value=mean))
    for name, value, least in (("embedding_dim", embedding_dim, 1), ("hidden_width", hidden_width, 0)):
        if value < least:
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted=f"a number of at least {least}"))
    for name, scale in (("length_exponent", length_exponent), ("embedding_scale", embedding_scale)):
        if not 0 <= scale <= 1:
            raise SentimentError(Errors.S021.format(name=name, value=scale, wanted="a number from 0 to 1"))
    if mean == "plain" and length_exponent != 1:
        wanted = "1, or the mean 'masked'"
        raise SentimentError(Errors.S021.format(name="length_exponent", value=length_exponent, wanted=wanted))
    return Model(
        "trax_classifier",
        forward,
        init=init,
        dims={"nO": nO},
        params=dict.fromkeys(weight_names(hidden_width)),
        shims=[RowUpdates()],
        attrs={
            **new_attributes(preprocessor),
            "architecture": _architecture,
            "weight_names": _weight_names,
            "score": _score,
            "embedding_dim": embedding_dim,
            "hidden_width": hidden_width,
            "mean": mean,
            "length_exponent": length_exponent,
            "embedding_scale": embedding_scale,
        },
    )


def forward(
    model: Model[list[Doc], Floats2d], docs: Sequence[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    """Return the probabilities, and a function from the loss's gradient to nothing that sets the weights' gradients."""
    tokens = doc_tokens(model, docs)
    if not is_train:
        return cast(Floats2d, scored(model, tokens).probabilities), lambda dY: []

    weights = get_weights(model)
    architecture = replace(get_architecture(model), dropout=model.attrs["dropout_rate"])
    ids = token_ids(model, tokens)
    rows, places = batch_rows(ids.values, architecture.n_terms)
    padded = pad_ragged(Ragged(places, ids.lengths), n_rows=row_bucket(len(docs)))
    updates: Any = model.shims[0]
    taken = take_rows(weights["E"], rows, updates.n_rows(len(rows)))
    Y, run_backward = begin_update(architecture, {**weights, "E": taken}, padded)

    def backprop(dY: Floats2d) -> list[Doc]:
        gradients = run_backward(cast(NDArray[Any], dY))
        updates.add(model, "E", rows, gradients.pop("E")[: len(rows)])
        for name, gradient in gradients.items():
            model.inc_grad(name, cast(FloatsXd, gradient))
        return []

    return cast(Floats2d, np.exp(Y[: len(docs)])), backprop


def init(model: Model[list[Doc], Floats2d], X: Sequence[Doc] | None = None, Y: Floats2d | None = None) -> None:
    """Draw the initial weights as Trax does, with a seed from NumPy's generator, after `prepare`."""
    prepare(model, X, Y)
    architecture = get_architecture(model)
    set_weights(model, layer_weights(initialized_layer(architecture, seed=np.random.randint(0, 2**31)), architecture))


def folds(model: Model[Any, Any]) -> bool:
    """Return whether the model's layer folds into a NumPy matrix."""
    return model.attrs.get("score") is _score


def folded_classifier(model: Model[Any, Any]) -> Folded:
    """Return the folded weights of a model that folds."""
    return model.attrs["caches"].folded(model)  # type: ignore[no-any-return]


def lexeme_matrix(model: Model[Any, Any], lexemes: LexemeCache) -> LexemeMatrix:
    """Return the folded weights, per lexeme of the cache, of a model that folds."""
    return model.attrs["caches"].matrix(model, lexemes)  # type: ignore[no-any-return]


def _score(model: Model[Any, Any], tokens: Tokens, has_evidence: NDArray[np.bool_]) -> NDArray[np.float32]:
    matrix = lexeme_matrix(model, tokens.cache)
    scores = matrix.log_probabilities(compose(tokens.cache, tokens.indices))
    if tokens.cache.preprocessor.informal and matrix.folded.log_prior is not None:
        scores[~has_evidence] = matrix.folded.log_prior
    return np.exp(scores).astype(np.float32)


def _weight_names(model: Model[Any, Any]) -> tuple[str, ...]:
    return weight_names(model.attrs["hidden_width"])


def _architecture(model: Model[Any, Any]) -> Architecture:
    return Architecture(n_ids(model), model.get_dim("nO"), **{name: model.attrs[name] for name in _SETTINGS})
