"""Terms to ids and back: a vocabulary is a plain dict, term (str) -> id (int), ids counting from 0."""

from collections.abc import Iterable, Mapping, Sequence

PAD, END, UNK = "__PAD__", "__</e>__", "__UNK__"
SPECIAL_TERMS = (PAD, END, UNK)
PAD_ID = SPECIAL_TERMS.index(PAD)
N_SPECIAL = len(SPECIAL_TERMS)


def build_vocabulary(texts: Iterable[Iterable[str]]) -> dict[str, int]:
    """Number every term in order of first appearance, after the special terms.

    texts: The terms of each text.
    RETURNS: term -> id, with `__PAD__` 0, `__</e>__` 1 and `__UNK__` 2.
    """
    vocabulary = {term: i for i, term in enumerate(SPECIAL_TERMS)}
    for terms in texts:
        for term in terms:
            vocabulary.setdefault(term, len(vocabulary))
    return vocabulary


def terms_to_ids(terms: Iterable[str], vocabulary: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """RETURNS: One id per term; a term that the vocabulary lacks gets the id of `unk_token`."""
    unknown = vocabulary[unk_token]
    return [vocabulary.get(term, unknown) for term in terms]


def ids_to_terms(ids: Sequence[int], vocabulary: Mapping[str, int]) -> list[str]:
    """RETURNS: The term of each id. Raises KeyError where an id is not in the vocabulary."""
    term_of = {i: term for term, i in vocabulary.items()}
    return [term_of[i] for i in ids]
