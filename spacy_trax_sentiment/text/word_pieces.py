"""Tokens to the pieces of a subword vocabulary, as a BERT encoder reads them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import srsly
from spacy.tokens import Doc

from ..errors import Errors, SentimentError
from .arrays import Array, Ragged, ranges, segment_sums
from .lexeme_cache import LexemeCache
from .piece_files import CLS, WORD_PIECE, read_piece_file
from .plain_words import LINK, MENTION, in_plain_words
from .preprocessor import NO_EVIDENCE, PLAIN, Lexeme, saved_with_model
from .token_preprocessor import TokenPreprocessor
from .vocabulary import END, N_SPECIAL, SPECIAL_TERMS, UNK, is_latin, number_terms

_CLS_ID = N_SPECIAL
_END_ID = SPECIAL_TERMS.index(END)

RATING = re.compile(r"\d+(?:[.,]\d+)?/\d+")

_CONTINUES = "##"
# Longer words become the unknown piece, as in BERT.
_LONGEST_WORD = 100
_UNUSED = re.compile(r"\[unused\d+\]")
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ceaf\U0002f800-\U0002fa1f]")


TokenSpans = Sequence[tuple[int, int]]
"""For each target the first of its tokens and the one after its last, counted in its text."""


class Reading(NamedTuple):
    """The part of a text that the encoder reads for some of its targets.

    Attributes:
        text: The number of the text.
        window: The piece that it begins with; None if it is what is read for the text as a whole.
        ids: The ids, int64 (n_ids,).
        targets: For each target its number in the text, and the first of its ids and the one after its last.
    """

    text: int
    window: int | None
    ids: Array
    targets: list[tuple[int, int, int]]


@saved_with_model
class WordPieces(TokenPreprocessor):
    """Turns each token into the pieces of a vocabulary: the longest that match, from left to right.

    This is BERT's WordPiece (Devlin et al. 2019; Wu et al. 2016), applied to each token by itself. A text begins with
    `[CLS]` and ends with the vocabulary's end, which stands for BERT's `[SEP]`. A text of more than `max_pieces` keeps
    its first and its last ones, in equal numbers: opinions stand at either end more often than between.

    Registered as `spacy_trax_sentiment.WordPieces.v1`.

    Attributes:
        pieces: The vocabulary's pieces, in its order. Those that continue a word begin with `##`.
        source: The file that the pieces are read from at initialization: see `__init__`.
        latin: Whether `initialize` leaves out the pieces with letters of other scripts than the Latin one.
        lower: Whether texts are lower-cased and their accents removed.
        plain_words: Whether emoji, emoticons, links and drawn-out words become plain words: see `in_plain_words`.
        max_pieces: The most ids of a text, `[CLS]` and the end included.
    """

    def __init__(
        self,
        vocabulary: str | None = None,
        *,
        latin: bool = True,
        lower: bool = True,
        plain_words: bool = True,
        max_pieces: int = 256,
    ) -> None:
        """Make a preprocessor whose pieces are read at initialization.

        Args:
            vocabulary: A file with one piece per line, as BERT's `vocab.txt`, or a `tokenizer.json` with a WordPiece
                model: a path, or `package:path` for one in an installed package. None if the pieces come with a saved
                model.
            latin, lower, plain_words, max_pieces: See the attributes of the same names.

        Raises:
            SentimentError: `max_pieces` is below 4.
        """
        if max_pieces < 4:
            raise SentimentError(Errors.S021.format(name="max_pieces", value=max_pieces, wanted="at least 4"))
        self.source, self.latin, self.lower, self.plain_words = vocabulary, latin, lower, plain_words
        self.max_pieces = max_pieces
        self.pieces: list[str] = []
        self._known: frozenset[str] = frozenset()

    @property
    def alike(self) -> frozenset[str]:
        return frozenset({"mention", "link"}) if self.plain_words else frozenset()

    def initialize(self) -> None:
        """Read the pieces.

        Raises:
            SentimentError: There is no such file, or it does not hold the pieces of a BERT vocabulary.
        """
        if self.pieces:
            return
        file = read_piece_file(self.source, WORD_PIECE)
        special = set(file.names.values())
        kept = (piece for piece in file.pieces if piece not in special and not _UNUSED.fullmatch(piece))
        self._set_pieces([piece for piece in kept if not self.latin or is_latin(piece)])

    def vocabulary_of(self, docs: Iterable[Doc], min_count: int = 1, max_size: int | None = None) -> dict[str, int]:
        """Return piece -> id. The Docs and limits do not count, because the encoder brings its pieces."""
        return number_terms([CLS, *self.pieces])

    def lexeme(self, text: str) -> Lexeme:
        plain = in_plain_words(text.strip()) if self.plain_words else text.strip()
        says_something = any(map(str.isalpha, plain)) and plain not in (LINK, MENTION)
        role = PLAIN if says_something or RATING.fullmatch(plain) else NO_EVIDENCE
        pieces = [piece for word in self._words_of(plain) for piece in self._pieces_of(word)]
        return Lexeme(pieces[0], role, tuple(pieces[1:])) if pieces else Lexeme(None)

    def token_ids(self, tokens: Ragged, cache: LexemeCache) -> Ragged:
        pieces = cache.ids_of(tokens.values, np.zeros(len(tokens.values), dtype=bool))
        return _framed(Ragged(pieces.values, segment_sums(pieces.lengths, tokens.lengths)), self.max_pieces)

    def readings(self, tokens: Ragged, cache: LexemeCache, spans: Sequence[TokenSpans]) -> Iterator[Reading]:
        """Yield what to read of texts for their targets, spans of tokens: each target is in one reading of its text.

        A text that is not too long is read once, as ever. So is a longer one for the targets in what it keeps; any
        other target is read in a window around it, one of those that begin at every half of a window's length. A target
        without any piece, such as white space, is in no reading.
        """
        pieces = cache.ids_of(tokens.values, np.zeros(len(tokens.values), dtype=bool))
        of_texts = Ragged(pieces.values, segment_sums(pieces.lengths, tokens.lengths)).split()
        counts = Ragged(pieces.lengths, tokens.lengths).split()
        for text, (ids, n_pieces, of_text) in enumerate(zip(of_texts, counts, spans, strict=True)):
            ends = np.append(0, np.cumsum(n_pieces)).tolist()
            windows: dict[int | None, list[tuple[int, int, int]]] = {}
            for target, (start, end) in enumerate(of_text):
                if ends[start] < ends[end]:
                    window, first, last = _placed(ends[start], ends[end], len(ids), self.max_pieces - 2)
                    windows.setdefault(window, []).append((target, first, last))
            for window, ranges_of in windows.items():
                chosen = ids if window is None else ids[window : window + self.max_pieces - 2]
                framed = _framed(Ragged(chosen, np.array([len(chosen)])), self.max_pieces).values
                yield Reading(text, window, framed, ranges_of)

    def id_tokens(self, tokens: Ragged, cache: LexemeCache) -> tuple[Array, Array]:
        counts = cache.counts.take(tokens.values)
        places = np.repeat(np.arange(len(counts)), counts)
        pieces = Ragged(places, segment_sums(counts, tokens.lengths))
        of_ids = _framed(pieces, self.max_pieces, (-1, -1)).values
        return of_ids, of_ids

    def to_bytes(self) -> bytes:
        saved = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return bytes(srsly.msgpack_dumps(saved))

    def from_bytes(self, data: bytes) -> "WordPieces":
        super().from_bytes(data)
        self._set_pieces(self.pieces)
        return self

    def _set_pieces(self, pieces: list[str]) -> None:
        self.pieces, self._known = pieces, frozenset(pieces)

    def _words_of(self, plain: str) -> list[str]:
        """Split a token at marks and Chinese characters, each a word of its own, as BERT does."""
        if self.lower and not (plain.isascii() and plain.islower()):
            plain = unicodedata.normalize("NFD", plain.lower())
            plain = "".join(char for char in plain if unicodedata.category(char) != "Mn")
        if plain.isascii() and plain.isalnum():
            return [plain]
        return "".join(map(_separated, plain)).split()

    def _pieces_of(self, word: str) -> Sequence[str]:
        """Return the longest pieces that make up a word; the unknown term if there are none."""
        if word in self._known:
            return (word,)
        pieces, start, prefix = [], 0, ""
        if len(word) > _LONGEST_WORD:
            return (UNK,)
        while start < len(word):
            end = next((end for end in range(len(word), start, -1) if prefix + word[start:end] in self._known), None)
            if end is None:
                return (UNK,)
            pieces.append(prefix + word[start:end])
            start, prefix = end, _CONTINUES
        return pieces


def _placed(start: int, end: int, n_pieces: int, most: int) -> tuple[int | None, int, int]:
    """Return the window that a target's pieces are read in, None for the text as ever, and their places among its ids.

    The first id is not a piece.
    """
    head = (most + 1) // 2
    if n_pieces <= most or end <= head:
        return None, start + 1, end + 1
    dropped = n_pieces - most
    if start >= head + dropped:
        return None, start - dropped + 1, end - dropped + 1
    step = max(most // 2, 1)
    window = max((start + end) // 2 - step // 2, 0) // step * step
    return window, max(start - window, 0) + 1, min(end - window, most) + 1


def _separated(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category[0] == "C" or char == "\ufffd":
        return ""
    is_mark = category[0] == "P" or (char.isascii() and not char.isalnum())
    return f" {char} " if is_mark or _CHINESE.match(char) else char


def _framed(pieces: Ragged, max_pieces: int, ends: Sequence[int] = (_CLS_ID, _END_ID)) -> Ragged:
    """Put the first and last id around each text's, and leave out the middle of a text that is too long."""
    most, (values, lengths) = max_pieces - 2, pieces
    if lengths.max(initial=0) > most:
        head = (most + 1) // 2
        place = ranges(np.zeros_like(lengths), lengths)
        from_end = np.repeat(lengths, lengths) - place
        values, lengths = pieces.kept(
            (np.repeat(lengths, lengths) <= most) | (place < head) | (from_end <= most - head)
        )
    last = np.cumsum(lengths + 2) - 1
    framed = np.empty(len(values) + 2 * len(lengths), dtype=np.int64)
    framed[last - lengths - 1], framed[last] = ends
    framed[ranges(last - lengths, lengths)] = values
    return Ragged(framed, lengths + 2)
