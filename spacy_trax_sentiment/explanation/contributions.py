"""A Doc to the parts that its score is the sum of, each with the tokens that it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from ..model.folded import Folded
from ..model.thinc_model import flat_ids, folded_classifier, lexeme_cache, row_table
from ..text.features import Composed, compose, composed_ids, context_tokens
from ..text.lexeme_cache import NO_TERM, LexemeCache
from ..text.preprocessor import Preprocessor
from ..text.token_preprocessor import TokenPreprocessor

Array = NDArray[Any]


@dataclass(frozen=True)
class Parts:
    """What the score of a Doc is the sum of.

    own: float64 (n_tokens, width + 1): what each token adds by itself: the row of the folded table, the last column of
        which counts terms.
    shared: float64 (n_pairs, width + 1): what two tokens add together. first, last: int64 (n_pairs,): these tokens.
    negated: bool (n_tokens,): the tokens that a negation reaches.
    folded: What the sum of all that becomes a score by. Of a layer that does not fold, `own` and `shared` are the
        shares that integrated gradients give, and this adds nothing to their sum but a bias.
    """

    own: Array
    shared: Array
    first: Array
    last: Array
    negated: Array
    folded: Folded


def doc_contributions(model: Model[Any, Any], doc: Doc, orths: Array) -> Parts:
    """RETURNS: The parts of a Doc's score by the model.

    orths: The Doc's `doc_orths`.

    Raises SentimentError where the layer does not fold and cannot be explained, or needs the `train` extra.
    """
    if not isinstance(model.attrs["preprocessor"], TokenPreprocessor):
        return _parts_of_terms(model, doc)
    memory = lexeme_cache(model)
    rows = memory.rows(orths, doc.vocab.strings)
    composed = compose(memory, rows, np.array([len(rows)]))
    tokens = np.flatnonzero(rows != NO_TERM)
    negated = np.zeros(len(doc), dtype=bool)
    negated[tokens[composed.is_negated]] = True
    if "layer" in model.attrs:
        return _parts_of_layer(model, *_ids_and_tokens(memory, composed, tokens), negated)
    table = row_table(model, memory)
    width = table.folded.table.shape[1]
    own = np.zeros((len(doc), width))
    own[tokens] = table.values(composed)[:, :width]
    shared, firsts, lasts = [np.empty((0, width))], [tokens[:0]], [tokens[:0]]
    for ids, first, last in context_tokens(memory, composed):
        values = table.folded.table[ids]
        if first is last:
            own[tokens[first]] += values
        else:
            shared.append(values)
            firsts.append(tokens[first])
            lasts.append(tokens[last])
    return Parts(own, np.concatenate(shared), np.concatenate(firsts), np.concatenate(lasts), negated, table.folded)


def _ids_and_tokens(memory: LexemeCache, composed: Composed, tokens: Array) -> tuple[Array, Array, Array]:
    """RETURNS: The ids of one text (n,), and the first and the last token of each (n,)."""
    ids, _ = composed_ids(memory, composed)
    counts = memory.counts.take(composed.rows)
    own = np.repeat(tokens, counts)
    pairs = [(tokens[first], tokens[second]) for _, first, second in context_tokens(memory, composed)]
    return ids, np.concatenate([own, *(pair[0] for pair in pairs)]), np.concatenate([own, *(pair[1] for pair in pairs)])


def _parts_of_terms(model: Model[Any, Any], doc: Doc) -> Parts:
    first, last = align(model.attrs["preprocessor"], doc)
    ids, _ = flat_ids(model, [doc])
    negated = np.zeros(len(doc), dtype=bool)
    if "layer" in model.attrs:
        return _parts_of_layer(model, ids, first, last, negated)
    folded = folded_classifier(model)
    return _parted(folded.rows.take(ids, axis=0, mode="clip")[:, : len(folded.bias) + 1], first, last, negated, folded)


def _parts_of_layer(model: Model[Any, Any], ids: Array, first: Array, last: Array, negated: Array) -> Parts:
    from .integrated_gradients import integrated_gradients

    shares, bias = integrated_gradients(model, ids)
    values = np.concatenate([shares, np.zeros((len(shares), 1))], axis=1)
    return _parted(values, first, last, negated, Folded(values[:0], bias, None, None, 0.0))


def _parted(values: Array, first: Array, last: Array, negated: Array, folded: Folded) -> Parts:
    """values: (n, width + 1): what the tokens `first` and `last`, (n,) each, add; alone, where they are one."""
    own, alone = np.zeros((len(negated), values.shape[1])), first == last
    np.add.at(own, first[alone], values[alone])
    return Parts(own, values[~alone], first[~alone], last[~alone], negated, folded)


def align(preprocessor: Preprocessor, doc: Doc) -> tuple[Array, Array]:
    """Find the tokens that the terms of a whole text come from.

    Terms are matched, in order, with those that each token has by itself (Ratcliff and Obershelp's gestalt matching, as
    `difflib` does it). What is left over, such as an emoticon of two tokens, comes from those between its neighbours'.

    RETURNS: int64 (n_terms,) twice: the first and the last token of each term.
    """
    terms = preprocessor(doc)
    alone = [(term, token.i) for token in doc for term in preprocessor(Doc(doc.vocab, [token.text]))]
    first, last = np.zeros(len(terms), dtype=np.int64), np.zeros(len(terms), dtype=np.int64)
    term, token = 0, 0
    matcher = SequenceMatcher(None, terms, [each for each, _ in alone], autojunk=False)
    for block in matcher.get_matching_blocks():  # the last is empty, at the end of both
        tokens = [i for _, i in alone[block.b : block.b + block.size]]
        until = tokens[0] if tokens else len(doc)
        _fill(first, last, slice(term, block.a), token, until, len(doc))
        first[block.a : block.a + block.size] = last[block.a : block.a + block.size] = tokens
        term, token = block.a + block.size, tokens[-1] + 1 if tokens else token
    return first, last


def _fill(first: Array, last: Array, terms: slice, start: int, end: int, n_tokens: int) -> None:
    """Give unmatched terms the tokens from `start` up to `end`; where there are none, the one before."""
    between: Sequence[int] = range(start, end) or [min(max(start - 1, 0), n_tokens - 1)]
    first[terms], last[terms] = between[0], between[-1]
