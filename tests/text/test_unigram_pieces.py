import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import NO_EVIDENCE, PLAIN
from spacy_trax_sentiment.text.unigram_pieces import BEGIN, UnigramPieces
from spacy_trax_sentiment.text.vocabulary import END, UNK
from spacy_trax_sentiment.text.word_pieces import CLS

VOCAB = Vocab()
SCORES = st.dictionaries(st.text(f"{BEGIN}ab字", min_size=1, max_size=4), st.floats(-15, -0.5), min_size=1, max_size=12)
ANY = st.sampled_from("gutech хорψ جيد\u064b\u200f अच्\u200d\u200c好坏!1 \u0301\u2581\ufffd")
SCRIPTS = st.text(ANY | st.characters(exclude_categories=["Cs"]))
NLP = spacy.blank("xx")


def _of(scores: dict[str, float], **settings: Any) -> UnigramPieces:
    saved = UnigramPieces(plain_words=False, **settings)
    saved.pieces, saved.scores = list(scores), list(scores.values())
    return UnigramPieces().from_bytes(saved.to_bytes())


def _read(directory: Path, **settings: Any) -> UnigramPieces:
    preprocessor = UnigramPieces(str(directory / "tokenizer.json"), **settings)
    preprocessor.initialize()
    return preprocessor


@pytest.fixture(scope="module")
def pieces(tiny_multilingual: Path) -> UnigramPieces:
    preprocessor = _read(tiny_multilingual, only_seen=False, max_pieces=16)
    preprocessor.vocabulary_of([])
    return preprocessor


def _best_score(word: str, scores: dict[str, float]) -> float:
    """Return the score of the most probable of all segmentations of a word."""
    unknown = min(scores.values()) - 10
    best = -math.inf
    for n in range(len(word)):
        for cuts in combinations(range(1, len(word)), n):
            parts = [word[a:b] for a, b in zip((0, *cuts), (*cuts, len(word)), strict=True)]
            if all(part in scores or len(part) == 1 for part in parts):
                best = max(best, sum(scores.get(part, unknown) for part in parts))
    return best


@given(SCORES, st.text("abc字", min_size=1, max_size=8))
def test_the_segmentation_is_the_most_probable_of_all(scores: dict[str, float], word: str) -> None:
    marked = BEGIN + word
    found = _of(scores)._pieces_of(marked)
    unknown = min(scores.values()) - 10
    assert sum(scores.get(piece, unknown) for piece in found) == pytest.approx(_best_score(marked, scores))
    assert len("".join(piece if piece != UNK else "?" for piece in found)) == len(marked)


@given(SCORES, st.text("abc字", min_size=1, max_size=8))
def test_a_word_has_the_pieces_that_tokenizers_finds(scores: dict[str, float], word: str) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    unigram = tokenizers.models.Unigram([("<unk>", -0.5), *scores.items()], unk_id=0, byte_fallback=False)
    tokenizer = tokenizers.Tokenizer(unigram)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    encoding = tokenizer.encode(word)
    expected = [UNK if id == 0 else token for id, token in zip(encoding.ids, encoding.tokens, strict=True)]
    if set(expected) <= {UNK, BEGIN}:
        expected = [UNK]  # nothing is known of such a word
    assert list(_of(scores).lexeme(word).terms) == expected


def test_a_token_that_begins_a_word_is_marked_and_punctuation_is_not(pieces: UnigramPieces) -> None:
    tokens = {
        "gut": (f"{BEGIN}gut",),
        "фильм": (f"{BEGIN}фильм",),
        "جيد": (f"{BEGIN}جيد",),
        "अच्छा": (f"{BEGIN}अच्छा",),
        "电影": (f"{BEGIN}电影",),
        "1": (BEGIN, "1"),
        "!": ("!",),
        "...": (".", ".", "."),
        "ｇｕｔ": (f"{BEGIN}gut",),  # by NFKC
        "ѯѯ": (UNK,),
    }
    for text, terms in tokens.items():
        assert pieces.lexeme(text).terms == terms, text
    assert pieces.lexeme("GUT").terms == (UNK,)
    lower = UnigramPieces().from_bytes(pieces.to_bytes())
    lower.lower = True
    assert lower.lexeme("GUT").terms == (f"{BEGIN}gut",)


def test_runs_of_unknown_characters_are_one_piece() -> None:
    preprocessor = _of({BEGIN: -2.0, "a": -1.0, "b": -1.5})
    assert preprocessor.lexeme("xyazzb").terms == (BEGIN, UNK, "a", UNK, "b")


def test_only_known_letters_and_ratings_are_evidence(pieces: UnigramPieces) -> None:
    for text, role in {"gut": PLAIN, "جيد": PLAIN, "好": PLAIN, "12": NO_EVIDENCE, "!": NO_EVIDENCE}.items():
        assert pieces.lexeme(text).role == role, text
    for unknown in ("ѯѯ", "ѯ1", "@someone", "\u0301"):
        assert pieces.lexeme(unknown).role == NO_EVIDENCE, unknown
    assert pieces.lexeme("1/2").role == PLAIN


def test_messages_are_put_in_plain_words_but_english_contractions_stay(pieces: UnigramPieces) -> None:
    assert pieces._plain("wo") == "wo"
    assert pieces._plain("n't") == "n't"
    assert pieces._plain("guuut") == "guut"
    assert pieces._plain(":)") == "smile"


@given(st.lists(SCRIPTS, max_size=4))
def test_texts_of_any_script_have_ids(pieces: UnigramPieces, texts: list[str]) -> None:
    vocabulary = pieces.vocabulary_of([])
    docs = [NLP.make_doc(text) for text in texts]
    cache = LexemeCache(pieces, vocabulary)
    for doc, ids in zip(docs, pieces.ids(docs, vocabulary, cache).split(), strict=True):
        assert len(ids) <= 16
        assert (ids[0], ids[-1]) == (vocabulary[CLS], vocabulary[END])
        first, last = pieces.id_tokens(pieces.tokens([doc], cache), cache)
        assert np.array_equal(first, last)
        assert len(first) == len(ids)
        of_tokens = [(i, i + 1) for i in range(len(doc))]
        for reading in pieces.readings(pieces.tokens([doc], cache), cache, [of_tokens]):
            assert all(0 < start < end < len(reading.ids) for _, start, end in reading.targets)


@given(st.text("gutech", min_size=1, max_size=80), st.integers(4, 12))
def test_a_long_token_is_cut_as_a_long_text_is(pieces: UnigramPieces, word: str, most: int) -> None:
    def ids(preprocessor: UnigramPieces) -> list[int]:
        vocabulary = preprocessor.vocabulary_of([])
        preprocessor_ids: list[int] = preprocessor.ids([Doc(VOCAB, words=[word, "!"])], vocabulary).values.tolist()
        return preprocessor_ids

    few, many = (UnigramPieces().from_bytes(pieces.to_bytes()) for _ in range(2))
    few.max_pieces, many.max_pieces = most, 1000
    whole, head = ids(many), (most - 2 + 1) // 2
    body = whole[1:-1]
    cut = body if len(body) <= most - 2 else [*body[:head], *body[len(body) - (most - 2 - head) :]]
    assert ids(few) == [whole[0], *cut, whole[-1]]


def _docs(*texts: str) -> list[Doc]:
    return [Doc(VOCAB, words=text.split()) for text in texts]


def test_only_seen_pieces_are_kept_and_single_characters(tiny_multilingual: Path) -> None:
    preprocessor = _read(tiny_multilingual)
    vocabulary = preprocessor.vocabulary_of(_docs("gut gut film", "电影 !"), min_count=2)
    assert list(vocabulary)[3] == CLS
    assert {f"{BEGIN}gut", "f", "g", "!", "电", "影"} <= set(vocabulary)
    assert not {f"{BEGIN}film", f"{BEGIN}电影", "х", f"{BEGIN}хорошо", "<mask>", "<s>"} & set(vocabulary)
    assert preprocessor.lexeme("film").terms == (BEGIN, "f", "i", "l", "m")  # of the pieces that are left
    again = preprocessor.vocabulary_of(_docs("фильм"))
    assert f"{BEGIN}фильм" in again  # which were not seen the first time
    assert "g" not in again


def test_the_most_frequent_pieces_are_kept_within_max_size(tiny_multilingual: Path) -> None:
    preprocessor = _read(tiny_multilingual)
    vocabulary = preprocessor.vocabulary_of(_docs("gut gut film film film", "good"), max_size=2)
    assert list(vocabulary)[4:] == [piece for piece in (f"{BEGIN}gut", f"{BEGIN}film") if piece in vocabulary]
    assert len(vocabulary) == 6


def test_all_pieces_are_kept_if_that_is_wanted(tiny_multilingual: Path) -> None:
    model = json.loads((tiny_multilingual / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    preprocessor = _read(tiny_multilingual, only_seen=False)
    vocabulary = preprocessor.vocabulary_of(_docs("gut"))
    assert len(vocabulary) == len(model["vocab"]) - 1  # the mask


def test_the_pieces_and_scores_are_saved(pieces: UnigramPieces) -> None:
    loaded = UnigramPieces().from_bytes(pieces.to_bytes())
    loaded.initialize()  # which finds nothing to do
    assert loaded.to_bytes() == pieces.to_bytes()
    assert loaded.vocabulary_of([]) == pieces.vocabulary_of([])
    for text in ("gutes", "ફિલ્મ", "好电影", "ech"):
        assert loaded.lexeme(text) == pieces.lexeme(text)


@pytest.mark.parametrize(
    "changed",
    [
        {"scores": []},
        {"scores": [1.0, float("nan")]},
        {"scores": [1.0, float("-inf")]},
        {"scores": [1.0, True]},
        {"scores": [1.0, "2"]},
        {"scores": [1.0, 10**18]},
        {"scores": 3},
        {"pieces": ["a", "a"]},
        {"pieces": ["a", 1]},
        {"pieces": ["a", ""]},
        {"pieces": ["a", "b" * 129]},
        {"pieces": None},
    ],
)
def test_saved_pieces_that_cannot_be_right_are_refused(changed: dict[str, Any]) -> None:
    settings = {"pieces": ["a", "b"], "scores": [-1.0, -2.0], "max_pieces": 8}
    assert UnigramPieces().from_bytes(srsly.msgpack_dumps(settings)).lexeme("ab").terms == (UNK, "a", "b")
    with pytest.raises(ValueError, match=r"score|piece"):
        UnigramPieces().from_bytes(srsly.msgpack_dumps(settings | changed))


def test_a_vocabulary_is_needed() -> None:
    with pytest.raises(SentimentError, match=r"S053.*tokenizer.json for UnigramPieces"):
        UnigramPieces().initialize()
    with pytest.raises(SentimentError, match=r"S054.*nothing.json"):
        UnigramPieces("nothing.json").initialize()
