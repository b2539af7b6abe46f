"""Terms to ids: a vocabulary is a plain dict, term (str) -> id (int), with ids counting from 0."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

PAD, END, UNK = "__PAD__", "__</e>__", "__UNK__"
SPECIAL_TERMS = (PAD, END, UNK)
PAD_ID = SPECIAL_TERMS.index(PAD)
N_SPECIAL = len(SPECIAL_TERMS)

# The fraction of a vocabulary that Latin terms must be for the others to be left out.
_MOSTLY = 0.95

# Terms to count before the rare ones are forgotten: some 300 MB.
MAX_COUNTED = 1 << 21


def build_vocabulary(
    texts: Iterable[Iterable[str]], min_count: int = 1, max_size: int | None = None, max_counted: int = MAX_COUNTED
) -> dict[str, int]:
    """Return term -> id for the terms of texts: the special terms, then the others in order of first appearance.

    Args:
        texts: The terms of each text.
        min_count: Leave out terms that occur less often.
        max_size: The most terms to keep besides the special ones: the most frequent, and of equals the first.
        max_counted: The most different terms to count at a time. Whenever there are more, those that occurred only
            once are forgotten (after Manku and Motwani 2002, "Approximate Frequency Counts over Data Streams").
    """
    counts: Counter[str] = Counter()
    for terms in texts:
        counts.update(terms)
        if len(counts) > max_counted:
            counts = Counter({term: count for term, count in counts.items() if count > 1})
    kept = {term: count for term, count in counts.items() if count >= min_count and term not in SPECIAL_TERMS}
    if max_size is not None and len(kept) > max_size:
        most = set(sorted(kept, key=kept.__getitem__, reverse=True)[:max_size])
        kept = {term: count for term, count in kept.items() if term in most}
    return number_terms(kept)


def number_terms(terms: Iterable[str]) -> dict[str, int]:
    """Return term -> id: the special terms, then the others in order, each once."""
    return {term: i for i, term in enumerate(dict.fromkeys([*SPECIAL_TERMS, *terms]))}


def terms_to_ids(terms: Iterable[str], vocabulary: Mapping[str, int], unk_token: str = UNK) -> list[int]:
    """Return one id per term; an unknown term gets the id of `unk_token`."""
    unknown = vocabulary[unk_token]
    return [vocabulary.get(term, unknown) for term in terms]


def is_latin(term: str) -> bool:
    """Return whether all letters of a term are Latin ones."""
    return all(char.isascii() or not char.isalpha() or "LATIN" in unicodedata.name(char, "") for char in term)


def without_rare_scripts(vocabulary: dict[str, int]) -> dict[str, int]:
    """Return the vocabulary without terms of other scripts than the Latin one, unless they are more than a twentieth.

    Nothing but chance would be learned from so few.
    """
    latin = [term for term in vocabulary if is_latin(term)]
    return number_terms(latin) if len(latin) >= _MOSTLY * len(vocabulary) else vocabulary
