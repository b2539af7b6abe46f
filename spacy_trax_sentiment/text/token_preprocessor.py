"""TODO."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import srsly
from spacy.tokens import Doc

from .preprocessor import Lexeme, Lexemes
from .saving import saved_with_model


@saved_with_model
class TokenPreprocessor:
    """A preprocessor whose terms depend on the tokens alone: a subclass says by `lexeme` what a token stands for.

    It is then served from memory: `lexeme` is called once for each different token. A token of white space alone must
    have no term, and the settings must be msgpack's types. A subclass is registered in spaCy's `misc` as any other.

    negation_scope: The tokens after a negating one whose terms become negated terms, with rows of their own; 0: none.
    bigram_buckets: Rows of the embedding that pairs of tokens are hashed to, for each distance; 0 means no pairs.
    bigram_distance: The distances at which tokens are paired: 1 for neighbours alone, 2 with one token skipped too.
    n_leanings: The kinds of tokens of which it counts whether they come before or after a text's last contrast, and
        whether negated; 0 means none.
    """

    negation_scope: int = 0
    bigram_buckets: int = 0
    bigram_distance: int = 1
    n_leanings: int = 0

    @property
    def alike(self) -> frozenset[str]:
        """The kinds of tokens, of "mention", "link" and "number", of which each stands for the same as any other.

        A mention is an `@` and a name, a number all digits. A TextScorer does not look at these one by one.
        """
        return frozenset()

    def lexeme(self, text: str) -> Lexeme:
        """RETURNS: What the token `text` stands for, the same each time."""
        raise NotImplementedError

    def lexemes(self, texts: Sequence[str]) -> Iterable[Lexeme]:
        """RETURNS: What each of the tokens stands for; a subclass that is quicker for many at once may say how."""
        return map(self.lexeme, texts)

    def side_by_side(self, texts: Sequence[str]) -> Lexemes:
        """RETURNS: As `lexemes`, in a form that is quicker still to look up."""
        lexemes = list(self.lexemes(texts))
        terms = list(zip_longest(*[lexeme.terms for lexeme in lexemes])) or [(None,) * len(lexemes)]
        return Lexemes(terms, [lexeme.role for lexeme in lexemes], [lexeme.leaning for lexeme in lexemes])

    def __call__(self, doc: Doc) -> list[str]:
        """RETURNS: The terms that the vocabulary numbers: plain ones, as all else is found from their ids."""
        return [term for token in doc for term in self.lexeme(token.text).terms]

    def n_rows(self, n_terms: int) -> int:
        """RETURNS: The rows of the embedding, of a vocabulary's length: of terms, negated terms, pairs, and sides."""
        return self.first_side(n_terms) + 4 * self.n_leanings

    def first_bucket(self, n_terms: int) -> int:
        """RETURNS: The id of the first bucket: before it come the ids of terms, and those of negated terms."""
        return n_terms * 2 if self.negation_scope else n_terms

    def first_side(self, n_terms: int) -> int:
        """RETURNS: The id of a token of leaning 1 before a contrast; negated, after it, and both are the next three."""
        return self.first_bucket(n_terms) + self.bigram_distance * self.bigram_buckets

    def initialize(self) -> None:
        pass

    def to_bytes(self) -> bytes:
        return bytes(srsly.msgpack_dumps(vars(self)))

    def from_bytes(self, data: bytes) -> "TokenPreprocessor":
        vars(self).update(srsly.msgpack_loads(data))
        return self
