"""A model's Docs to tokens, and tokens to ids and probabilities: what all architectures share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, SentimentError
from ..text.arrays import Array, Ragged, segment_sums
from ..text.features import end_ratings, have_terms
from ..text.labels import Scored
from ..text.lexeme_cache import LexemeCache
from ..text.preprocessor import Preprocessor
from ..text.token_preprocessor import TokenPreprocessor, by_tokens
from ..text.vocabulary import number_terms
from .caches import ModelCaches

T = TypeVar("T")

_DOCS_AT_A_TIME = 512


class Tokens(NamedTuple):
    """The tokens of texts, as indices of lexemes, int32 (n_tokens,), and the cache that these are indices into."""

    indices: Ragged
    cache: LexemeCache


ScoredBy = Callable[[Model[Any, Any], Sequence[Any]], Scored]
"""Returns the scores of texts, all strings or all Docs, by a model that scores them itself."""


def new_attributes(preprocessor: Preprocessor) -> dict[str, Any]:
    """Return the attributes that models of all architectures have, before the vocabulary is known.

    An architecture adds functions of its own: `architecture` (model -> what decides its layers), `weight_names`
    (model -> the names of its weights) and `score` (model, tokens -> probabilities). One that asks other models has its
    own `score_texts` (model, texts, ScoredBy -> scores) and `parts` (model, Doc -> the models that its scores come
    from, each with the factor of its log-probabilities).
    """
    return {
        "preprocessor": preprocessor,
        "vocabulary": {},
        "dropout_rate": 0.0,
        "label_prior": None,
        "columns": None,
        "caches": ModelCaches(),
        "score_texts": _score_texts,
        "parts": _parts,
    }


def _score_texts(model: Model[Any, Any], texts: Sequence[Any], scored_by: ScoredBy) -> Scored:
    return scored_by(model, texts)


def _parts(model: Model[Any, Any], doc: Doc) -> list[tuple[Model[Any, Any], float]]:
    return [(model, 1.0)]


def scoring_models(model: Model[Any, Any]) -> list[Model[Any, Any]]:
    """Return the models that score texts themselves: those that a cascade asks, else the model."""
    return model.layers or [model]


def prepare(model: Model[list[Doc], Floats2d], X: Sequence[Doc] | None, Y: Floats2d | None) -> None:
    """Set the number of labels, from Y (n_docs, n_labels), and the vocabulary, from the Docs X, unless they are set."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    if not model.attrs["vocabulary"]:
        set_vocabulary(model, X or ())


def set_vocabulary(
    model: Model[Any, Any], docs: Iterable[Doc], min_count: int = 1, max_size: int | None = None
) -> None:
    """Number the terms of the training texts, with the limits of `build_vocabulary`.

    A limit below 1 raises SentimentError.
    """
    for setting, value in (("min_count", min_count), ("max_size", max_size)):
        if value is not None and value < 1:
            raise SentimentError(Errors.S021.format(name=setting, value=value, wanted="a number of at least 1"))
    preprocessor, docs = token_preprocessor(model), iter(docs)
    first = list(islice(docs, 1))
    if first:
        preprocessor.take_language(first[0].vocab.lang)
    preprocessor.initialize()
    model.attrs["vocabulary"] = preprocessor.vocabulary_of(chain(first, docs), min_count, max_size)


def set_terms(model: Model[Any, Any], terms: Any) -> None:
    """Number these terms, or raise SentimentError if they are not a list of different strings."""
    are_terms = isinstance(terms, list) and all(isinstance(term, str) for term in terms)
    if not are_terms or len(set(terms)) < len(terms):
        raise SentimentError(Errors.S025.format(value=repr(terms)[:60]))
    model.attrs["vocabulary"] = number_terms(terms)


def token_preprocessor(model: Model[Any, Any]) -> TokenPreprocessor:
    """Return the model's preprocessor, adapted if it does not work token by token."""
    return by_tokens(model.attrs["preprocessor"])


def lexeme_cache(model: Model[Any, Any]) -> LexemeCache:
    """Return the cache for the model's next tokens: see `ModelCaches.lexemes`."""
    caches: ModelCaches = model.attrs["caches"]
    return caches.lexemes(model)


def doc_tokens(model: Model[Any, Any], docs: Sequence[Doc]) -> Tokens:
    """Return the tokens of Docs that share their strings."""
    cache = lexeme_cache(model)
    return Tokens(token_preprocessor(model).tokens(docs, cache), cache)


def token_ids(model: Model[Any, Any], tokens: Tokens) -> Ragged:
    """Return the ids of each text, int64."""
    return token_preprocessor(model).token_ids(*tokens)


def docs_to_ids(model: Model[Any, Any], docs: Iterable[Doc]) -> Iterator[NDArray[np.int32]]:
    """Yield the ids of each Doc. At most some hundred Docs are held at a time."""
    for batch in doc_batches(docs):
        ids = token_ids(model, doc_tokens(model, batch))
        yield from Ragged(ids.values.astype(np.int32), ids.lengths).split()


def doc_batches(docs: Iterable[Doc]) -> Iterator[list[Doc]]:
    """Yield the Docs in batches of some hundred that share their strings."""
    groups = (group for _, group in groupby(docs, key=lambda doc: doc.vocab))
    return chain.from_iterable(minibatch(group, _DOCS_AT_A_TIME) for group in groups)  # type: ignore[no-untyped-call]


def doc_batches_with(docs: Iterable[Doc], values: Iterable[T]) -> Iterator[tuple[list[Doc], list[T]]]:
    """Yield the batches of `doc_batches`, each with the values that belong to its Docs, one to a Doc."""
    remaining = iter(values)
    for batch in doc_batches(docs):
        yield batch, list(islice(remaining, len(batch)))


def evidence(tokens: Tokens) -> Array:
    """Return whether each token is evidence of a label, bool (n_tokens,). The name of an HTML tag is none."""
    indices, cache = tokens
    has_term = have_terms(cache, indices)
    found = cache.is_evidence.take(indices.values) & has_term
    if cache.preprocessor.informal:
        found[has_term] |= end_ratings(cache, indices.kept(has_term))
    return np.asarray(found)


def texts_with_evidence(tokens: Tokens) -> NDArray[np.bool_]:
    """Return whether each text has any evidence of a label, bool (n_texts,): see `evidence`."""
    return segment_sums(evidence(tokens), tokens.indices.lengths) > 0


def docs_with_evidence(model: Model[Any, Any], docs: Sequence[Doc]) -> NDArray[np.bool_]:
    """Return whether each of the Docs, which share their strings, has any evidence for a model that was asked."""
    if not model.layers:
        return texts_with_evidence(doc_tokens(model, docs))
    parts = model.attrs["parts"]
    return np.array([any(docs_with_evidence(each, [doc])[0] for each, _ in parts(model, doc)) for doc in docs])


def scored(model: Model[Any, Any], tokens: Tokens) -> Scored:
    """Return the scores of texts from their tokens."""
    has_evidence = texts_with_evidence(tokens)
    return Scored(model.attrs["score"](model, tokens, has_evidence), has_evidence)


def docs_scored(model: Model[Any, Any], docs: Sequence[Doc]) -> Scored:
    """Return the scores of Docs that share their strings, by whichever models the architecture asks."""

    def scored_by(each: Model[Any, Any], some: Sequence[Doc]) -> Scored:
        return scored(each, doc_tokens(each, some))

    found: Scored = model.attrs["score_texts"](model, docs, scored_by)
    return found


def n_ids(model: Model[Any, Any]) -> int:
    """Return the number of ids of the model's vocabulary and preprocessor: the rows of an embedding table."""
    return token_preprocessor(model).n_ids(len(model.attrs["vocabulary"]))
