"""The Thinc model: Docs to probabilities (n_docs, n_labels). Its parameters are the weights of the Trax layer.

Training runs the Trax layer under `jax.jit`; prediction runs the same weights folded, in NumPy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Model
from thinc.types import Floats2d, FloatsXd

from ..errors import Errors, SentimentError
from ..text.features import compose, composed_ids
from ..text.lexeme_cache import MAX_LEXEMES, LexemeCache, doc_orths, orths_to_rows
from ..text.preprocessor import Preprocessor
from ..text.token_preprocessor import TokenPreprocessor
from ..text.vocabulary import build_vocabulary, terms_to_ids
from .architecture import MEANS, Architecture, LayerArchitecture, weight_names
from .folded import Folded, FoldedCache, LexemeCaches, RowTable, composed_log_probabilities, log_probabilities
from .gradients import begin_update
from .padding import pad_flat, row_bucket
from .sparse_rows import RowUpdates, batch_rows, take_rows
from .trax_layers import initialized_layer

_DOCS_AT_A_TIME = 512


def Classifier(  # noqa: N802 (named as it is registered)
    preprocessor: Preprocessor,
    embedding_dim: int = 256,
    hidden_width: int = 0,
    mean: str = "masked",
    length_exponent: float = 1.0,
    embedding_scale: float = 1.0,
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Build the classifier. Registered as the architecture `spacy_trax_sentiment.Classifier.v1`.

    preprocessor: Turns a Doc into terms.
    embedding_dim: Columns of the embedding table.
    hidden_width: Units of a hidden layer after the mean; 0 means none.
    mean: "masked": over the known terms; "plain": the seed's, which counts padding in training.
    length_exponent: The power of the number of known terms that a masked mean divides by: from 0, a sum, to 1, a mean.
    embedding_scale: The initial embedding, times this. With 0, what no text of the training holds has no effect.
    nO: The number of labels, where it is known beforehand.
    RETURNS: A model from a batch of Docs to float32 probabilities (n_docs, n_labels). The gradient that its backprop
        takes is that of the loss with respect to the log-probabilities.

    Raises SentimentError where a size is below its least value or the mean is unknown.
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
            "embedding_dim": embedding_dim,
            "hidden_width": hidden_width,
            "mean": mean,
            "length_exponent": length_exponent,
            "embedding_scale": embedding_scale,
            "folded": FoldedCache(),
        },
    )


def new_attributes(preprocessor: Preprocessor) -> dict[str, Any]:
    """RETURNS: The attributes of any model here, before its vocabulary is known."""
    return {
        "preprocessor": preprocessor,
        "vocabulary": {},
        "dropout_rate": 0.0,
        "label_prior": None,
        "lexemes": LexemeCaches(),
    }


def forward(
    model: Model[list[Doc], Floats2d], docs: Sequence[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    if not is_train:
        return cast(Floats2d, _doc_probabilities(model, docs)), lambda dY: []

    weights = get_weights(model)
    architecture = replace(get_architecture(model), dropout=model.attrs["dropout_rate"])
    ids, lengths = flat_ids(model, docs)
    rows, places = batch_rows(ids, architecture.n_terms)
    padded = pad_flat(places, lengths, n_rows=row_bucket(len(docs)))
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
    """Give the weights their random initial values, those of Trax; their seed is drawn from NumPy's generator.

    X: Docs to build the vocabulary from, where `set_vocabulary` has not been called.
    Y: An array (n_docs, n_labels), to tell the number of labels.
    """
    prepare(model, X, Y)
    architecture = get_architecture(model)
    set_weights(model, layer_weights(initialized_layer(architecture, seed=np.random.randint(0, 2**31)), architecture))


def prepare(model: Model[list[Doc], Floats2d], X: Sequence[Doc] | None, Y: Floats2d | None) -> None:
    """Know the number of labels and the vocabulary, as `init` says."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    if not model.attrs["vocabulary"]:
        set_vocabulary(model, X or ())


def set_vocabulary(
    model: Model[list[Doc], Floats2d], docs: Iterable[Doc], min_count: int = 1, max_size: int | None = None
) -> None:
    """Number the terms of the training texts. min_count, max_size: As in `build_vocabulary`."""
    preprocessor: Preprocessor = model.attrs["preprocessor"]
    preprocessor.initialize()
    if not isinstance(preprocessor, TokenPreprocessor):
        model.attrs["vocabulary"] = build_vocabulary(map(preprocessor, docs), min_count, max_size)
        return
    terms_of = _TermsOf(preprocessor)
    terms = ((term for token in doc for term in terms_of[token.text]) for doc in docs)
    model.attrs["vocabulary"] = build_vocabulary(terms, min_count, max_size)
    lexeme_cache(model).rows_of_texts([text for text in terms_of if text])  # remembered, as training needs them soon


class _TermsOf(dict[str, tuple[str, ...]]):
    """The terms of each token's text that was asked for, so far as there is room: each is looked at once."""

    def __init__(self, preprocessor: TokenPreprocessor) -> None:
        self._preprocessor = preprocessor

    def __missing__(self, text: str) -> tuple[str, ...]:
        if len(self) >= MAX_LEXEMES:
            self.clear()
        self[text] = terms = self._preprocessor.lexeme(text).terms
        return terms


def set_label_prior(model: Model[Any, Any], counts: Sequence[int]) -> None:
    """Say what a text of which no term is known scores: the share of each label among the texts trained on.

    counts: The texts of each label. One is added to each (Laplace's rule), so that no share is 0.
    """
    total = sum(counts) + len(counts)
    model.attrs["label_prior"] = [(count + 1) / total for count in counts]


def docs_to_ids(model: Model[list[Doc], Floats2d], docs: Iterable[Doc]) -> Iterator[NDArray[np.int32]]:
    """YIELDS: The ids of each Doc's terms. Of the Docs, no more than some hundred are held at a time."""
    # Docs of a batch share their strings.
    groups = (group for _, group in groupby(docs, key=lambda doc: doc.vocab))
    for batch in chain.from_iterable(minibatch(group, _DOCS_AT_A_TIME) for group in groups):  # type: ignore[no-untyped-call]
        flat, lengths = flat_ids(model, batch)
        yield from np.split(flat.astype(np.int32), np.cumsum(lengths)[:-1])


def lexeme_cache(model: Model[Any, Any]) -> LexemeCache:
    """RETURNS: What a model whose preprocessor is a TokenPreprocessor remembers of lexemes."""
    memory: LexemeCache = model.attrs["lexemes"].get(model.attrs["preprocessor"], model.attrs["vocabulary"])
    return memory


def row_probabilities(
    model: Model[Any, Any], memory: LexemeCache, rows: NDArray[Any], lengths: NDArray[Any]
) -> NDArray[np.float32]:
    """RETURNS: float32 (n_texts, n_labels), of the rows of all texts' tokens and the number of each text's tokens."""
    composed = compose(memory, rows, lengths)
    if "layer" in model.attrs:
        return probabilities(model, *composed_ids(memory, composed))
    return np.exp(composed_log_probabilities(row_table(model, memory), composed)).astype(np.float32)


def probabilities(model: Model[Any, Any], ids: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.float32]:
    """Score texts by the folded weights; by Trax, where the layer does not fold.

    ids, lengths: As those of `log_probabilities`.
    RETURNS: float32 (n_texts, n_labels).
    """
    if "layer" in model.attrs:
        from .custom_layer import layer_probabilities

        return layer_probabilities(model, ids, lengths)
    return np.exp(log_probabilities(folded_classifier(model), ids, lengths)).astype(np.float32)


def folded_classifier(model: Model[Any, Any]) -> Folded:
    """RETURNS: The classifier folded for serving, kept until its weights change."""
    a = model.attrs
    folded: Folded = a["folded"].get(get_weights(model), a["mean"], a["label_prior"], a["length_exponent"])
    return folded


def row_table(model: Model[Any, Any], memory: LexemeCache) -> RowTable:
    """RETURNS: The rows of the memory by the folded classifier."""
    rows: RowTable = model.attrs["folded"].rows(folded_classifier(model), memory)
    return rows


def get_architecture(model: Model[Any, Any]) -> Any:
    """RETURNS: What decides the model's Trax layers, without dropout: an Architecture, or of another layer than ours a
    LayerArchitecture.
    """
    a = model.attrs
    n_terms = len(a["vocabulary"])
    if isinstance(a["preprocessor"], TokenPreprocessor):
        n_terms = a["preprocessor"].n_rows(n_terms)
    if "layer" in a:
        return LayerArchitecture(a["layer"], n_terms, model.get_dim("nO"))
    names = ("embedding_dim", "hidden_width", "mean", "length_exponent", "embedding_scale")
    return Architecture(n_terms, model.get_dim("nO"), **{name: a[name] for name in names})


def has_weights(model: Model[Any, Any]) -> bool:
    """RETURNS: Whether the model has been initialized or loaded."""
    return any(model.has_param(name) for name in model.param_names)


def get_weights(model: Model[Any, Any]) -> dict[str, Any]:
    """RETURNS: The float32 weights by name. Raises KeyError where the model has none yet, as any Thinc model does."""
    a = model.attrs
    names = sorted(model.param_names) if "layer" in a else weight_names(a["hidden_width"])
    return {name: model.get_param(name) for name in names}


def set_weights(model: Model[Any, Any], weights: Mapping[str, Any]) -> None:
    """Set the model's parameters to copies of the weights, and forget gradients of earlier ones."""
    for name, value in weights.items():
        # A JAX array's buffer must not be written, and Thinc's optimizers update in place.
        model.set_param(name, cast(FloatsXd, np.array(value, dtype=np.float32)))
        if model.has_grad(name):
            # Of E without rows, as RowUpdates makes it of its own.
            shape = (0, value.shape[1]) if name == "E" else value.shape
            model.set_grad(name, cast(FloatsXd, np.zeros(shape, dtype=np.float32)))


def change_labels(model: Model[Any, Any], before: Sequence[str], labels: Sequence[str]) -> None:
    """Give a model that has weights other outputs. What a label scored it scores still; a new one scores 0, before the
    softmax.

    before: The labels of its outputs. labels: Those that they are to have, `before` among them.
    """
    weights = get_weights(model)
    columns = [labels.index(label) for label in before]
    for name in ("W", "b"):
        widened = np.zeros((*weights[name].shape[:-1], len(labels)), dtype=np.float32)
        widened[..., columns] = weights[name]
        weights[name] = widened
    for name in weights:
        model.set_param(name, None)  # Thinc lets the dimension change of a model without parameters alone
    model.set_dim("nO", len(labels), force=True)
    set_weights(model, weights)


def to_trax_layer(model: Model[Any, Any]) -> Any:
    """RETURNS: A fresh Trax layer, int32 ids (n_texts, length) -> log-probabilities, with copies of the weights."""
    from .trax_backend import jax

    architecture, weights = get_architecture(model), get_weights(model)
    layer = initialized_layer(architecture)
    leaves = [weights[name].copy() for name in architecture.names(layer)]
    layer.weights = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(layer.weights), leaves)
    return layer


def layer_weights(layer: Any, architecture: Any) -> dict[str, Any]:
    """RETURNS: The weights of a Trax layer by name."""
    from .trax_backend import jax

    return dict(zip(architecture.names(layer), jax.tree_util.tree_leaves(layer.weights), strict=True))


def _doc_probabilities(model: Model[Any, Any], docs: Sequence[Doc]) -> NDArray[np.float32]:
    """RETURNS: float32 (n_docs, n_labels)."""
    if isinstance(model.attrs["preprocessor"], TokenPreprocessor):
        return row_probabilities(model, lexeme_cache(model), *_doc_rows(model, docs))
    return probabilities(model, *flat_ids(model, docs))


def flat_ids(model: Model[Any, Any], docs: Sequence[Doc]) -> tuple[NDArray[Any], NDArray[Any]]:
    """RETURNS: The ids of all Docs, one after the other, and how many each has, (n_docs,)."""
    preprocessor, vocabulary = model.attrs["preprocessor"], model.attrs["vocabulary"]
    if isinstance(preprocessor, TokenPreprocessor):
        memory = lexeme_cache(model)
        return composed_ids(memory, compose(memory, *_doc_rows(model, docs)))
    ids = [terms_to_ids(preprocessor(doc), vocabulary) for doc in docs]
    lengths = np.array([len(text) for text in ids], dtype=np.int64)
    return np.array([i for text in ids for i in text], dtype=np.int64), lengths


def _doc_rows(model: Model[Any, Any], docs: Sequence[Doc]) -> tuple[NDArray[Any], NDArray[Any]]:
    strings = docs[0].vocab.strings if docs else StringStore()
    return orths_to_rows(lexeme_cache(model), list(map(doc_orths, docs)), strings)
