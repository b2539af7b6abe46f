"""Docs to ids, token by token: preprocessors whose terms depend on the token alone, and an adapter for any other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

import numpy as np
import srsly
from spacy.attrs import ORTH
from spacy.tokens import Doc

from .arrays import Array, Ragged
from .features import compose, context_tokens, feature_ids, have_terms
from .lexeme_cache import MAX_LEXEMES, LexemeCache
from .preprocessor import Lexeme, Lexemes, Preprocessor, saved_with_model
from .vocabulary import build_vocabulary, without_rare_scripts


@saved_with_model
class TokenPreprocessor:
    """A preprocessor whose terms depend on the token alone: a subclass says in `lexeme` what a token stands for.

    `lexeme` is then called once for each distinct token. A token of white space alone must have no term, and the
    settings must be of msgpack's types. A subclass is registered in spaCy's `misc` registry, like any other
    preprocessor.

    Attributes:
        negation_scope: The number of tokens after a negating one whose terms become negated terms, with ids of their
            own; 0 for none.
        bigram_buckets: The ids that pairs of tokens are hashed to, for each distance; 0 for no pairs.
        bigram_distance: The distances at which tokens are paired: 1 for neighbours, 2 to skip one token, too.
        n_leanings: The number of leanings that opinion words can have; 0 for none. Such a word gets one more id, for
            the side of the text's last contrast it is on and for whether it is negated.
        informal: Whether HTML tags, ratings and answers to questions are looked for across tokens, and a line break is
            a token. Then white space that holds one must have the lexeme of "\\n".
    """

    negation_scope: int = 0
    bigram_buckets: int = 0
    bigram_distance: int = 1
    n_leanings: int = 0
    informal: bool = False

    by_token = True
    """Whether the terms depend on the token alone, so that texts can be scored without Docs."""

    @property
    def alike(self) -> frozenset[str]:
        """Which of "mention", "link" and "number" always map to the same terms.

        A mention is an `@` and a name, a number is all digits. `TextScorer` does not look at these one by one.
        """
        return frozenset()

    def lexeme(self, text: str) -> Lexeme:
        """Return what the token `text` stands for, the same each time."""
        raise NotImplementedError

    def lexemes(self, texts: Sequence[str]) -> Iterable[Lexeme]:
        """Return what each token stands for. Override it if many at once are faster."""
        return map(self.lexeme, texts)

    def side_by_side(self, texts: Sequence[str]) -> Lexemes:
        """Return the lexemes of the tokens in the form that a `LexemeCache` takes up."""
        lexemes = list(self.lexemes(texts))
        terms = list(zip_longest(*[lexeme.terms for lexeme in lexemes])) or [(None,) * len(lexemes)]
        return Lexemes(terms, [lexeme.role for lexeme in lexemes], [lexeme.leaning for lexeme in lexemes])

    def __call__(self, doc: Doc) -> list[str]:
        """Return the terms that the vocabulary numbers; negated terms, pairs and sides follow from their ids."""
        return [term for token in doc for term in self.lexeme(token.text).terms]

    def terms(self, docs: Iterable[Doc], max_tokens: int) -> Iterator[Iterable[str]]:
        """Yield the terms of each Doc, looking at each of at most `max_tokens` distinct tokens once."""
        known: dict[str, tuple[str, ...]] = {}
        for doc in docs:
            if len(known) > max_tokens:
                known.clear()
            texts = [token.text for token in doc]
            for text in texts:
                if text not in known:
                    known[text] = self.lexeme(text).terms
            yield (term for text in texts for term in known[text])

    def vocabulary_of(self, docs: Iterable[Doc], min_count: int = 1, max_size: int | None = None) -> dict[str, int]:
        """Return term -> id for the terms of Docs, with the limits of `build_vocabulary`."""
        vocabulary = build_vocabulary(self.terms(docs, MAX_LEXEMES), min_count, max_size)
        return without_rare_scripts(vocabulary) if self.informal else vocabulary

    def tokens(self, docs: Sequence[Doc], cache: LexemeCache) -> Ragged:
        """Return the indices of all tokens' lexemes in the cache, int32 (n_tokens,)."""
        orths = [doc.to_array(ORTH) for doc in docs]
        lengths = np.array(list(map(len, orths)), dtype=np.int64)
        if not orths:
            return Ragged(np.empty(0, dtype=np.int32), lengths)
        return Ragged(cache.indices(np.concatenate(orths), docs[0].vocab.strings), lengths)

    def spans(self, doc: Doc) -> tuple[Array, Array]:
        """Return the first and the last token of the Doc behind each entry of `tokens`, int64 (n_tokens,) twice."""
        places = np.arange(len(doc))
        return places, places

    def ids(self, docs: Sequence[Doc], vocabulary: Mapping[str, int], cache: LexemeCache | None = None) -> Ragged:
        """Return the ids of Docs that share their strings, int64. The cache must be of this vocabulary."""
        cache = LexemeCache(self, vocabulary) if cache is None else cache
        return self.token_ids(self.tokens(docs, cache), cache)

    def token_ids(self, tokens: Ragged, cache: LexemeCache) -> Ragged:
        """Return the ids of each text, int64, from its tokens' indices in the cache."""
        return feature_ids(cache, compose(cache, tokens))

    def id_tokens(self, tokens: Ragged, cache: LexemeCache) -> tuple[Array, Array]:
        """Return the first and the last of the tokens behind each of one text's `token_ids`, int64 (n_ids,) twice.

        Both are -1 for an id that no token stands behind.
        """
        places = np.flatnonzero(have_terms(cache, tokens))
        features = compose(cache, tokens)
        own = np.repeat(places, cache.counts.take(features.indices))
        firsts, lasts = [own], [own]
        for _, one, other in context_tokens(cache, features):
            firsts.append(places[one])
            lasts.append(places[other])
        return np.concatenate(firsts), np.concatenate(lasts)

    def n_ids(self, n_terms: int) -> int:
        """Return the number of ids for a vocabulary's length: those of terms, negated terms, pairs and sides."""
        return self.first_side(n_terms) + 4 * self.n_leanings

    def first_bucket(self, n_terms: int) -> int:
        """Return the id of the first bucket of pairs. The ids of terms and of negated terms come before it."""
        return n_terms * 2 if self.negation_scope else n_terms

    def first_side(self, n_terms: int) -> int:
        """Return the id of a word of leaning 1 before a contrast; the next three are negated, after it, and both."""
        return self.first_bucket(n_terms) + self.bigram_distance * self.bigram_buckets

    def take_language(self, lang: str) -> None:
        """Do nothing: the language, that of the training texts' vocabulary, does not matter."""

    def initialize(self) -> None:
        """Do nothing: no corpus is needed."""

    def to_bytes(self) -> bytes:
        """Return the settings as msgpack."""
        return bytes(srsly.msgpack_dumps(vars(self)))

    def from_bytes(self, data: bytes) -> "TokenPreprocessor":
        """Load the settings."""
        vars(self).update(srsly.msgpack_loads(data))
        return self


class WholeDocTerms(TokenPreprocessor):
    """Adapts a preprocessor that has `__call__(doc) -> terms` alone: each term it returns counts as a token."""

    by_token = False

    def __init__(self, preprocessor: Preprocessor) -> None:
        self.preprocessor = preprocessor

    def __call__(self, doc: Doc) -> list[str]:
        return self.preprocessor(doc)

    def lexeme(self, text: str) -> Lexeme:
        return Lexeme(text)

    def terms(self, docs: Iterable[Doc], max_tokens: int) -> Iterator[Iterable[str]]:
        return map(self.preprocessor, docs)

    def tokens(self, docs: Sequence[Doc], cache: LexemeCache) -> Ragged:
        terms = list(map(self.preprocessor, docs))
        lengths = np.array(list(map(len, terms)), dtype=np.int64)
        return Ragged(cache.indices_of_texts([term for of_doc in terms for term in of_doc]), lengths)

    def spans(self, doc: Doc) -> tuple[Array, Array]:
        return align(self.preprocessor, doc)

    def initialize(self) -> None:
        self.preprocessor.initialize()


def by_tokens(preprocessor: Preprocessor) -> TokenPreprocessor:
    """Return the preprocessor itself if it works token by token, else adapted."""
    return preprocessor if isinstance(preprocessor, TokenPreprocessor) else WholeDocTerms(preprocessor)


def align(preprocessor: Preprocessor, doc: Doc) -> tuple[Array, Array]:
    """Return the first and the last token that each term of a whole text comes from, int64 (n_terms,) twice.

    Terms are matched, in order, with those that each token has by itself (Ratcliff and Obershelp's gestalt pattern
    matching, by `difflib`). Others, such as an emoticon of two tokens, come from the tokens between their neighbours'.
    """
    terms = preprocessor(doc)
    alone = [(term, token.i) for token in doc for term in preprocessor(Doc(doc.vocab, [token.text]))]
    first, last = np.zeros(len(terms), dtype=np.int64), np.zeros(len(terms), dtype=np.int64)
    term, token = 0, 0
    matcher = SequenceMatcher(None, terms, [each for each, _ in alone], autojunk=False)
    for block in matcher.get_matching_blocks():  # the last one is empty, at the end of both
        tokens = [i for _, i in alone[block.b : block.b + block.size]]
        until = tokens[0] if tokens else len(doc)
        # Unmatched terms come from the tokens in between; if there are none, from the one before.
        between: Sequence[int] = range(token, until) or [min(max(token - 1, 0), len(doc) - 1)]
        first[term : block.a], last[term : block.a] = between[0], between[-1]
        first[block.a : block.a + block.size] = last[block.a : block.a + block.size] = tokens
        term, token = block.a + block.size, tokens[-1] + 1 if tokens else token
    return first, last
