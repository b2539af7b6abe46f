"""Terms to ids and back: a vocabulary is a plain dict, term (str) -> id (int), ids counting from 0."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

PAD, END, UNK = "__PAD__", "__</e>__", "__UNK__"
SPECIAL_TERMS = (PAD, END, UNK)
PAD_ID = SPECIAL_TERMS.index(PAD)
N_SPECIAL = len(SPECIAL_TERMS)


# Terms to count before the rare ones are forgotten: some 300 MB.
MAX_COUNTED = 1 << 21


def build_vocabulary(texts: Iterable[Iterable[str]], min_count: int = 1, max_size: int | None = None) -> dict[str, int]:
    """Number terms in order of first appearance, after the special terms.

    texts: The terms of each text.
    min_count: Leave out the terms that occur less often.
    max_size: The most terms to keep, the special ones not counted: those that occur most, and of equals the first.
    RETURNS: term -> id, with `__PAD__` 0, `__</e>__` 1 and `__UNK__` 2.

    Of texts with more than `MAX_COUNTED` different terms, those that had occurred only once each time that so many were
    counted are left out (after Manku and Motwani 2002, "Approximate frequency counts over data streams").
    """
    counts: Counter[str] = Counter()
    for terms in texts:
        for term in terms:
            counts[term] += 1
        if len(counts) > MAX_COUNTED:
            counts = Counter({term: count for term, count in counts.items() if count > 1})
    kept = {term: count for term, count in counts.items() if count >= min_count and term not in SPECIAL_TERMS}
    if max_size is not None and len(kept) > max_size:
        most = set(sorted(kept, key=kept.__getitem__, reverse=True)[:max_size])
        kept = {term: count for term, count in kept.items() if term in most}
    return number_terms(kept)


def number_terms(terms: Iterable[str]) -> dict[str, int]:
    """RETURNS: term -> id: the special terms, and then the others in their order, each once."""
    return {term: i for i, term in enumerate(dict.fromkeys([*SPECIAL_TERMS, *terms]))}


def terms_to_ids(terms: Iterable[str], vocabulary: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """RETURNS: One id per term; a term that the vocabulary lacks gets the id of `unk_token`."""
    unknown = vocabulary[unk_token]
    return [vocabulary.get(term, unknown) for term in terms]


def ids_to_terms(ids: Sequence[int], vocabulary: Mapping[str, int]) -> list[str]:
    """RETURNS: The term of each id. Raises KeyError where an id is not in the vocabulary."""
    term_of = {i: term for term, i in vocabulary.items()}
    return [term_of[i] for i in ids]
