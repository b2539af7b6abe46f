"""Files of subword pieces, BERT's `vocab.txt` and a `tokenizer.json`, to the pieces in the order of the embedding."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import Errors, SentimentError, reason_of
from .arrays import Array
from .resources import find_resource
from .vocabulary import END, PAD, UNK

CLS = "[CLS]"
WORD_PIECE, UNIGRAM = "WordPiece", "Unigram"

# The names of the terms that stand for nothing in a text. A Unigram's unknown piece is known by its number.
BERT_NAMES = {CLS: CLS, PAD: "[PAD]", END: "[SEP]", UNK: "[UNK]"}
_UNIGRAM_NAMES = {CLS: "<s>", PAD: "<pad>", END: "</s>"}

# A longer piece would make long words slow. SentencePiece's have at most 16 characters unless that is changed.
LONGEST_PIECE = 128
_HIGHEST_SCORE = 1e6


class PieceFile(NamedTuple):
    """The content of a file of pieces.

    Attributes:
        kind: WORD_PIECE, UNIGRAM, or the name of a kind that no preprocessor reads.
        pieces: The pieces, in the order of the embedding's rows.
        scores: The log-probability of each piece of UNIGRAM; else empty.
        names: What CLS and the special terms are called there.
    """

    kind: str
    pieces: list[str]
    scores: list[float]
    names: Mapping[str, str]


def read_piece_file(source: str | None, kind: str | None = None) -> PieceFile:
    """Read a `vocab.txt`, or a `tokenizer.json` by its ending, with pieces of a kind; None for either kind.

    A file that is missing, damaged, or of another kind raises SentimentError.
    """
    if source is None:
        raise SentimentError(Errors.S053)
    path = find_resource(source)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            found = _of_tokenizer(json.loads(text)["model"])
        else:
            found = PieceFile(WORD_PIECE, text.removesuffix("\n").split("\n"), [], BERT_NAMES)
        missing = set(found.names.values()).difference(found.pieces)
        if missing:
            raise ValueError(f"{min(missing)} is missing")
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else reason_of(error)
        raise SentimentError(Errors.S054.format(path=source, reason=reason)) from None
    wanted = (WORD_PIECE, UNIGRAM) if kind is None else (kind,)
    if found.kind not in wanted:
        raise SentimentError(Errors.S227.format(path=source, found=found.kind[:40], wanted=" or ".join(wanted)))
    return found


def embedding_rows(vocabulary: Mapping[str, int], source: str) -> Array:
    """Return the row of the embedding for each id of a vocabulary, int64 (n_terms,), by a file of all pieces."""
    file = read_piece_file(source)
    row = dict(zip(file.pieces, range(len(file.pieces)), strict=True))
    try:
        return np.array([row[file.names.get(term, term)] for term in sorted(vocabulary, key=vocabulary.__getitem__)])
    except KeyError as error:
        raise SentimentError(Errors.S054.format(path=source, reason=f"{error} is missing")) from None


def check_scores(pieces: Any, scores: Any) -> None:
    """Raise ValueError unless these are different pieces of a Unigram model, and a log-probability of each."""
    if not isinstance(pieces, list) or not isinstance(scores, list) or len(pieces) != len(scores):
        raise ValueError("there is not one score for each piece")
    if not all(isinstance(piece, str) and 0 < len(piece) <= LONGEST_PIECE for piece in pieces):
        raise ValueError(f"a piece is not a text of 1 to {LONGEST_PIECE} characters")
    if len(set(pieces)) < len(pieces):
        raise ValueError("a piece occurs twice")
    if not all(type(score) in (int, float) and abs(score) <= _HIGHEST_SCORE for score in scores):
        raise ValueError("a score is not a finite number")


def _of_tokenizer(model: Mapping[str, Any]) -> PieceFile:
    """Return the pieces of the `model` in a tokenizer.json; older ones do not name its kind."""
    vocabulary = model["vocab"]
    untold = UNIGRAM if isinstance(vocabulary, list) else "BPE" if "merges" in model else WORD_PIECE
    kind = str(model.get("type") or untold)
    if kind == UNIGRAM:
        pieces, scores = [piece for piece, _ in vocabulary], [score for _, score in vocabulary]
        check_scores(pieces, scores)
        unknown = model["unk_id"]
        if type(unknown) is not int or not 0 <= unknown < len(pieces):
            raise ValueError(f"unk_id is {str(unknown)[:40]}")
        return PieceFile(kind, pieces, scores, {**_UNIGRAM_NAMES, UNK: pieces[unknown]})
    if kind == WORD_PIECE:
        pieces = sorted(vocabulary, key=vocabulary.__getitem__)
        if [vocabulary[piece] for piece in pieces] != list(range(len(pieces))):
            raise ValueError("the pieces are not numbered from 0 on")
        return PieceFile(kind, pieces, [], BERT_NAMES)
    return PieceFile(kind, [], [], {})
