"""Tokens to the pieces of a SentencePiece vocabulary, as a multilingual encoder reads them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from spacy.tokens import Doc

from .lexeme_cache import MAX_LEXEMES
from .piece_files import CLS, UNIGRAM, check_scores, read_piece_file
from .plain_words import in_plain_words
from .preprocessor import NO_EVIDENCE, Lexeme, saved_with_model
from .token_preprocessor import TokenPreprocessor
from .vocabulary import SPECIAL_TERMS, UNK, number_terms
from .word_pieces import RATING, WordPieces

# SentencePiece's mark of the beginning of a word: a low block.
BEGIN = "\u2581"

# The log-probability of an unknown character is that much below the lowest of a piece, as in SentencePiece.
_PENALTY = 10.0
# SentencePiece reads these as white space: its own mark, the zero-width non-joiner, and what stands for a lost one.
_SPACES = re.compile("[\u2581\u200c\ufffd]")
_NAMES = frozenset({CLS, "<mask>", *SPECIAL_TERMS})


@saved_with_model
class UnigramPieces(WordPieces):
    """Turns each token into the pieces of a SentencePiece vocabulary that are together the most probable.

    A word is segmented so that the sum of its pieces' log-probabilities is the highest (Kudo 2018, "Subword
    Regularization"; Viterbi's algorithm). Texts are normalized by NFKC, and framed as by `WordPieces`.

    SentencePiece marks the beginning of a word, after white space, by a low block. Here the mark depends on the token
    alone, because each distinct token is looked at once: one that begins with a letter, a digit or a combining
    character has it, and one that begins with punctuation or a symbol does not.

    Registered as `spacy_trax_sentiment.UnigramPieces.v1`.

    Attributes:
        pieces: The vocabulary's pieces, in its order. Those that begin a word begin with a low block, U+2581.
        scores: The log-probability of each piece.
        source: The file that the pieces are read from at initialization: see `__init__`.
        only_seen: Whether only pieces that occur in the training texts are kept, and each single character in them. All
            of XLM-R's 250,000 pieces are 96 MB as int8 at a width of 384.
        lower: Whether texts are lower-cased; accents stay.
        plain_words: Whether emoji, emoticons, links and drawn-out words become plain words: see
            `in_plain_words`. English contractions stay.
        max_pieces: The most ids of a text, the first and the end included.
    """

    def __init__(
        self,
        vocabulary: str | None = None,
        *,
        only_seen: bool = True,
        lower: bool = False,
        plain_words: bool = True,
        max_pieces: int = 256,
    ) -> None:
        """Make a preprocessor whose pieces are read at initialization.

        Args:
            vocabulary: A `tokenizer.json` with a Unigram model: a path, or `package:path` for one in an installed
                package. None if the pieces come with a saved model.
            only_seen, lower, plain_words, max_pieces: See the attributes of the same names.

        Raises:
            SentimentError: `max_pieces` is below 4.
        """
        super().__init__(vocabulary, latin=False, lower=lower, plain_words=plain_words, max_pieces=max_pieces)
        self.only_seen = only_seen
        self.scores: list[float] = []
        self._read: Mapping[str, float] = {}
        self._set_scores({})

    def initialize(self) -> None:
        """Read the pieces. A file that does not hold those of a Unigram model raises SentimentError."""
        if self.pieces:
            return
        file = read_piece_file(self.source, UNIGRAM)
        scores, special = zip(file.pieces, file.scores, strict=True), _NAMES.union(file.names.values())
        self._read = {piece: score for piece, score in scores if piece not in special}
        self._set_scores(self._read)

    def vocabulary_of(self, docs: Iterable[Doc], min_count: int = 1, max_size: int | None = None) -> dict[str, int]:
        """Return piece -> id. If `only_seen`, keep the pieces within the limits, and those of a seen character."""
        if self.only_seen and self._read:
            self._set_scores(self._read)
            counts = Counter(piece for pieces in self.terms(docs, MAX_LEXEMES) for piece in pieces)
            del counts[UNK]
            characters = set("".join(counts))
            kept = [piece for piece in self._read if piece in characters or counts[piece] >= min_count]
            if max_size is not None:
                most = set(sorted(kept, key=counts.__getitem__, reverse=True)[:max_size])
                kept = [piece for piece in kept if piece in most]
            self._set_scores({piece: self._read[piece] for piece in kept})
        return number_terms([CLS, *self.pieces])

    def lexeme(self, text: str) -> Lexeme:
        found = super().lexeme(text)
        pieces = [piece for term, run in groupby(found.terms) for piece in ((UNK,) if term == UNK else run)]
        known = "".join(piece for piece in pieces if piece not in (UNK, BEGIN))
        if not known:
            return found if found.term is None else Lexeme(UNK, NO_EVIDENCE)
        role = found.role if any(map(str.isalpha, known)) or RATING.fullmatch(text.strip()) else NO_EVIDENCE
        # No text keeps more than its first and its last.
        del pieces[self.max_pieces : max(len(pieces) - self.max_pieces, self.max_pieces)]
        return Lexeme(pieces[0], role, tuple(pieces[1:]))

    def from_bytes(self, data: bytes) -> "UnigramPieces":
        """Load the settings and the pieces, or raise ValueError if they cannot be those of a Unigram model."""
        TokenPreprocessor.from_bytes(self, data)
        check_scores(self.pieces, self.scores)
        self._read = {}
        self._set_scores(dict(zip(self.pieces, self.scores, strict=True)))
        return self

    def _set_scores(self, scores: Mapping[str, float]) -> None:
        self.pieces, self.scores, self._score_of = list(scores), list(scores.values()), scores
        self._longest = max(map(len, scores), default=0)
        self._unknown = min(self.scores, default=0.0) - _PENALTY

    def _plain(self, text: str) -> str:
        text = _SPACES.sub(" ", text).strip()
        return in_plain_words(text, english=False) if self.plain_words else text

    def _words_of(self, plain: str) -> list[str]:
        text = unicodedata.normalize("NFKC", plain)
        words = "".join(map(_cleaned, text.lower() if self.lower else text)).split()
        return [BEGIN + word if unicodedata.category(word[0])[0] in "LMN" else word for word in words]

    def _pieces_of(self, word: str) -> Sequence[str]:
        """Return the pieces of a word's most probable segmentation, the unknown term for each unknown character."""
        best, starts = [0.0], [0]  # up to each place the highest sum of scores, and where its last piece starts
        for end in range(1, len(word) + 1):
            start = end - 1
            top = best[start] + self._score_of.get(word[start], self._unknown)
            for earlier in range(end - 2, max(end - self._longest, 0) - 1, -1):
                score = self._score_of.get(word[earlier:end])
                if score is not None and best[earlier] + score >= top:
                    top, start = best[earlier] + score, earlier
            best.append(top)
            starts.append(start)
        pieces, end = [], len(word)
        while end:
            pieces.append(word[starts[end] : end])
            end = starts[end]
        return [piece if piece in self._score_of else UNK for piece in reversed(pieces)]


def _cleaned(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char)[0] == "C" else char
