"""The sentiment of texts toward targets, spans of their tokens: vectors to probabilities (n_targets, n_labels).

One pass of the encoder serves a text and all its targets: the target head is a dense layer on the mean of the target's
vectors beside that of the text's, and runs in NumPy.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..text.arrays import Array, Ragged
from ..text.word_pieces import Reading, TokenSpans, WordPieces
from .columns import narrowed_log_probabilities, narrowed_prior
from .encoder import is_encoder
from .encoder_layer import TARGET_HEAD
from .folded import log_softmax
from .inputs import Tokens, doc_batches_with, doc_tokens, scoring_models, texts_with_evidence, token_ids
from .layer_scores import batches, vectors_of
from .parameters import get_weights


def has_target_head(model: Model[Any, Any]) -> bool:
    """Return whether the model, which is no cascade, can score targets."""
    return is_encoder(model) and bool(model.attrs["layer"].target_head)


def target_model(model: Model[Any, Any]) -> Model[Any, Any]:
    """Return the model that scores targets: the model itself, or the one of a cascade that can.

    SentimentError is raised if there is none.
    """
    found = next(filter(has_target_head, scoring_models(model)), None)
    if found is None:
        raise SentimentError(Errors.S200)
    return found


def add_target_head(model: Model[Any, Any]) -> None:
    """Give an encoder a target head if it has none: one whose probabilities are all equal, to be trained.

    Another model raises SentimentError.
    """
    if not is_encoder(model):
        raise SentimentError(Errors.S201)
    if has_target_head(model):
        return
    model.attrs["layer"] = layer = replace(model.attrs["layer"], target_head=True)
    model.attrs["graph"] = None
    if model.param_names:
        shapes = layer.shapes(len(model.attrs["vocabulary"]), model.get_dim("nO"))
        for name in TARGET_HEAD:
            model.set_param(name, np.zeros(shapes[name], dtype=np.float32))  # type: ignore[arg-type]


def target_probabilities(model: Model[Any, Any], tokens: Tokens, spans: Sequence[TokenSpans]) -> Ragged:
    """Return the probabilities of each text's targets.

    Args:
        model: An encoder with a target head: see `target_model`.
        tokens: The texts' tokens.
        spans: For each text its targets.

    Returns:
        float32 (n_targets, n_labels) for each text, in the order of its targets. A target in a text without evidence of
        a label, or one that is white space alone, has the labels' prior.
    """
    lengths = np.array(list(map(len, spans)), dtype=np.int64)
    found = Ragged(prior(model, int(lengths.sum())), lengths)
    firsts = np.cumsum(lengths) - lengths
    has_evidence = texts_with_evidence(tokens)
    to_read = [each for each in readings(model, tokens, spans) if has_evidence[each.text]]
    run = vectors_of(model)
    for batch, ids in batches([each.ids for each in to_read]):
        for i, vectors in zip(batch.tolist(), run(ids), strict=True):
            reading = to_read[i]
            scores = of_targets(model, vectors[: len(reading.ids)], [each[1:] for each in reading.targets])
            found.values[[firsts[reading.text] + each[0] for each in reading.targets]] = scores
    return found


def readings(model: Model[Any, Any], tokens: Tokens, spans: Sequence[TokenSpans]) -> Iterator[Reading]:
    """Yield what the encoder reads of texts for their targets: see `WordPieces.readings`."""
    preprocessor = model.attrs["preprocessor"]
    if not isinstance(preprocessor, WordPieces):
        raise SentimentError(Errors.S201)
    return preprocessor.readings(*tokens, spans)


def prior(model: Model[Any, Any], n_targets: int) -> NDArray[np.float32]:
    """Return the probabilities of targets about which nothing is known, float32 (n_targets, n_labels)."""
    columns = model.attrs["columns"]
    n_labels = model.get_dim("nO") if columns is None else len(columns)
    prior = narrowed_prior(model.attrs["label_prior"], columns) or [1 / n_labels] * n_labels
    return np.tile(np.array(prior, dtype=np.float32), (n_targets, 1))


def log_probabilities_of_targets(model: Model[Any, Any], texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
    """Return the log-probabilities (n_texts, n_labels) of texts given by their ids, as `target_ids` yields them."""
    scores = np.zeros((len(texts), model.get_dim("nO")), dtype=np.float32)
    run = vectors_of(model)
    for batch, ids in batches(texts):
        for i, vectors in zip(batch.tolist(), run(np.abs(ids)), strict=True):
            places = np.flatnonzero(texts[i] < 0)
            span = int(places[0]), int(places[-1]) + 1
            scores[i] = np.log(of_targets(model, vectors[: len(texts[i])], [span])[0])
    return scores


def of_targets(model: Model[Any, Any], vectors: Array, places: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Return probabilities (n_targets, n_labels) from a reading's vectors (n_ids, width) and the targets' places."""
    weights = get_weights(model)
    of_text = vectors.mean(axis=0)
    pairs = np.array([np.concatenate([vectors[start:end].mean(axis=0), of_text]) for start, end in places])
    scores = pairs.astype(np.float64) @ weights["W_target"] + weights["b_target"]
    return np.exp(narrowed_log_probabilities(log_softmax(scores), model.attrs["columns"])).astype(np.float32)


def target_ids(
    model: Model[Any, Any], docs: Iterable[Doc], spans: Iterable[tuple[int, int] | None]
) -> Iterator[NDArray[np.int32]]:
    """Yield the ids of each Doc to train on: with a target, from a character to another, those of its pieces negative.

    One without a target, or whose target has no piece, is a text as ever.
    """
    for batch, chosen in doc_batches_with(docs, spans):
        tokens = doc_tokens(model, batch)
        of_batch = [[] if span is None else [token_span(doc, *span)] for doc, span in zip(batch, chosen, strict=True)]
        texts = token_ids(model, tokens).split()
        for reading in readings(model, tokens, of_batch):
            for _, ids in _signed(reading):
                texts[reading.text] = ids
        yield from (ids.astype(np.int32) for ids in texts)


def target_rows(
    model: Model[Any, Any], docs: Iterable[Doc], spans: Iterable[TokenSpans]
) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """Yield a row to train on for each target of Docs that has a piece: all that is read for it, its own ids negative.

    Before the ids come the number of the Doc, and that of the target in it.
    """
    for number, (doc, of_doc) in enumerate(zip(docs, spans, strict=True)):
        for reading in readings(model, doc_tokens(model, [doc]), [of_doc]):
            for target, ids in _signed(reading):
                yield number, target, ids


def _signed(reading: Reading) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield the number of each target of a reading, and the ids with those of the target negative."""
    for target, start, end in reading.targets:
        ids = reading.ids.astype(np.int32)
        ids[start:end] *= -1
        yield target, ids


def token_span(doc: Doc, start: int, end: int) -> tuple[int, int]:
    """Return the first token of a span of characters and the one after its last. A token that it cuts is in it.

    Characters that are not in the text, or none at all, raise SentimentError.
    """
    if not 0 <= start < end <= len(doc.text):
        raise SentimentError(Errors.S202.format(start=start, end=end, length=len(doc.text)))
    span = cast(Span, doc.char_span(start, end, alignment_mode="expand"))
    return span.start, span.end
