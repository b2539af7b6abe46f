"""The interface of a preprocessor, which turns a Doc into terms and says what each token stands for."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from spacy.tokens import Doc
from thinc.model import deserialize_attr, serialize_attr

# The role of a lexeme: what it does to the negation of the tokens after it, or that it has terms but, like a bare
# number, is no evidence of any label by itself.
PLAIN, NEGATES, ENDS_NEGATION, NO_EVIDENCE = 0, 1, 2, 3

# The leaning of a lexeme that contrasts what precedes it with what follows ("but"), and of one that concedes the
# clause it begins ("although"). A positive leaning is that of an opinion word.
CONTRASTS, CONCEDES = -1, -2
# Likewise of "?", of a "no" that may answer it, and of the marks around the name of an HTML tag. `ratings.py` has more.
ASKS, ANSWERS, OPENS_TAG, CLOSES_TAG = -20, -21, -22, -23


@runtime_checkable  # confection before 1.0, which spaCy 3.8.12 and older bring, checks it by isinstance
class Preprocessor(Protocol):
    """Turns a Doc into terms. It is saved with the model as bytes, so that serving reads no corpus.

    A class that subclasses `TokenPreprocessor` is served much faster, because each distinct token is looked at once.
    """

    def __call__(self, doc: Doc) -> list[str]: ...

    def initialize(self) -> None:
        """Read what the preprocessor needs from elsewhere, before the first training text."""

    def to_bytes(self) -> bytes: ...

    def from_bytes(self, data: bytes) -> "Preprocessor": ...


class Lexeme(NamedTuple):
    """The terms and the role of a token.

    Attributes:
        term: Its term; None if it stands for nothing.
        role: PLAIN, NEGATES, ENDS_NEGATION or NO_EVIDENCE.
        more: Further terms of the same token, such as its lexicon classes.
        leaning: Which way an opinion word leans, from 1 to `n_leanings`; below 0 what else the token does, such as
            CONTRASTS; or 0.
    """

    term: str | None
    role: int = PLAIN
    more: tuple[str, ...] = ()
    leaning: int = 0

    @property
    def terms(self) -> tuple[str, ...]:
        """All its terms."""
        return () if self.term is None else (self.term, *self.more)


class Lexemes(NamedTuple):
    """Many lexemes side by side.

    Attributes:
        terms: The first term of each lexeme, then the second of each, ...: a list of n_lexemes each; None for none.
        roles, leanings: Those of each lexeme, (n_lexemes,).
    """

    terms: Sequence[Sequence[str | None]]
    roles: Sequence[int]
    leanings: Sequence[int]


class TokenTerms(Protocol):
    """The part of a preprocessor that the cache and the features of a batch use: see `TokenPreprocessor`."""

    negation_scope: int
    bigram_buckets: int
    bigram_distance: int
    n_leanings: int
    informal: bool

    def side_by_side(self, texts: Sequence[str], /) -> Lexemes: ...

    def first_bucket(self, n_terms: int, /) -> int: ...

    def first_side(self, n_terms: int, /) -> int: ...


T = TypeVar("T", bound=type)


def saved_with_model(preprocessor: T) -> T:
    """Decorate a preprocessor class, so that Thinc saves and loads its instances by `to_bytes` and `from_bytes`."""
    serialize_attr.register(preprocessor, lambda _, value, name, model: bytes(value.to_bytes()))
    deserialize_attr.register(preprocessor, lambda default, value, name, model: default.from_bytes(value))
    return preprocessor
