"""TODO."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from spacy.tokens import Doc
from collections.abc import Sequence
from typing import NamedTuple

from spacy.tokens import Doc


@runtime_checkable  # as confection asks before 1.0, which spaCy 3.8.12 and older bring
class Preprocessor(Protocol):
    """What turns a Doc into terms. It travels with the model as bytes, so that serving reads no corpus."""

    def __call__(self, doc: "Doc") -> list[str]: ...

    def initialize(self) -> None:
        """Read what the preprocessor needs from elsewhere, before the first training text."""

    def to_bytes(self) -> bytes: ...

    def from_bytes(self, data: bytes) -> "Preprocessor": ...


# What a lexeme does to the negation of those after it.
PLAIN, NEGATES, ENDS_NEGATION = 0, 1, 2


# The leaning of a lexeme that contrasts what is before it with what is after it, and of one that concedes the clause
# which it begins.
CONTRASTS, CONCEDES = -1, -2


class Lexeme(NamedTuple):
    """What stands for a token.

    term: Its term; None where nothing stands for it. role: PLAIN, NEGATES or ENDS_NEGATION.
    more: Further terms of the same token, such as classes that it belongs to.
    leaning: From 1 to the preprocessor's `n_leanings`, or 0 for none: which way the token leans; or CONTRASTS or
        CONCEDES.
    """

    term: str | None
    role: int = PLAIN
    more: tuple[str, ...] = ()
    leaning: int = 0

    @property
    def terms(self) -> tuple[str, ...]:
        """All the terms."""
        return () if self.term is None else (self.term, *self.more)


class Lexemes(NamedTuple):
    """Many lexemes, side by side.

    terms: Of each lexeme its first term, then of each its second one, and so on: at least one list of n_lexemes each;
        None where a lexeme has no more.
    roles, leanings: (n_lexemes,) each.
    """

    terms: Sequence[Sequence[str | None]]
    roles: Sequence[int]
    leanings: Sequence[int]
