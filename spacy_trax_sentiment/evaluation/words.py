"""A model and texts to the strongest words: how far each word alone moves the log-odds of a label."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from ..model.folded import Folded, dense, relu
from ..model.inputs import docs_to_ids
from ..model.thinc_model import folded_classifier, folds
from ..text.arrays import Array
from ..text.vocabulary import N_SPECIAL

_CLITIC = re.compile(r"\w*['’]\w+")  # "n't", "'s": parts of words, which spaCy's tokenizer splits off


class Word(NamedTuple):
    """A word in lower case, how strongly it speaks for a label, and how often it occurs in the texts.

    The weight is the sum of the folded rows of all its terms. With two labels it is the log-odds of the label against
    the other; with more, its log-probability less the labels' mean.
    """

    text: str
    weight: float
    occurrences: int


def strongest_words(
    model: Model[Any, Any], labels: Sequence[str], docs: Iterable[Doc], *, n: int = 15, min_count: int = 2
) -> dict[str, list[Word]]:
    """Return the `n` words that speak most strongly for each label, strongest first; none if the model does not fold.

    A word counts with all its terms: stem, form, prefix, lexicon classes. Words with the same terms count as one, under
    their most frequent spelling. Little is known of words that occur less than `min_count` times: they are left out.
    """
    if not folds(model):
        return {}
    words = _words(model, docs, min_count)
    weights = word_weights(folded_classifier(model), [ids for _, ids, _ in words])
    found = {}
    for column, label in enumerate(labels):
        order = np.argsort(-weights[:, column], kind="stable")[:n]
        found[label] = [
            Word(words[i][0], float(weights[i, column]), words[i][2]) for i in order if weights[i, column] > 0
        ]
    return found


def word_weights(folded: Folded, ids: Sequence[Array]) -> Array:
    """Return the `Word.weight` of words, given by their terms' ids, for each label, float64 `(n_words, n_labels)`."""
    width = len(folded.bias)
    rows = np.array([folded.matrix[of_word, :-1].sum(axis=0, dtype=np.float64) for of_word in ids]).reshape(-1, width)
    if folded.output is not None:
        bias = np.asarray(folded.bias, dtype=np.float64)
        rows = dense(relu(rows + bias), *folded.output) - dense(relu(bias), *folded.output)
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(2 * centred if rows.shape[1] == 2 else centred)


def _words(model: Model[Any, Any], docs: Iterable[Doc], min_count: int) -> list[tuple[str, Array, int]]:
    """Return each word, the ids of its known terms, and how often it occurs."""
    seen = Counter(token.lower_ for doc in docs for token in doc if not token.is_space)
    spellings = [word for word, _ in seen.most_common() if not _CLITIC.fullmatch(word)]
    vocab = Vocab()
    by_terms: dict[tuple[int, ...], str] = {}
    counts: Counter[str] = Counter()
    for word, ids in zip(spellings, docs_to_ids(model, (Doc(vocab, [word]) for word in spellings)), strict=True):
        if known := tuple(ids[ids >= N_SPECIAL].tolist()):
            counts[by_terms.setdefault(known, word)] += seen[word]
    return [(name, np.array(ids), counts[name]) for ids, name in by_terms.items() if counts[name] >= min_count]
