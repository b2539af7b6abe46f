import unicodedata
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import NO_EVIDENCE, PLAIN
from spacy_trax_sentiment.text.vocabulary import END, UNK
from spacy_trax_sentiment.text.word_pieces import CLS, WordPieces

VOCAB = Vocab()
_CHINESE = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2CEAF), (0x2F800, 0x2FA1F)]
TEXTS = st.text(st.sampled_from("abgod nt#@!.,/'é中Ω0\u200b\t") | st.characters(), max_size=30)


@pytest.fixture(scope="module")
def pieces(tiny_bert: Path) -> WordPieces:
    preprocessor = WordPieces(str(tiny_bert / "vocab.txt"), plain_words=False, max_pieces=16)
    preprocessor.initialize()
    return preprocessor


def _terms(preprocessor: WordPieces, *words: str) -> list[str]:
    vocabulary = preprocessor.vocabulary_of([])
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    return [terms[i] for i in preprocessor.ids([Doc(VOCAB, words=list(words))], vocabulary).values.tolist()]


def _as_bert(word: str, known: list[str]) -> list[str]:
    """Return the pieces of a word as BERT's own tokenizer (Devlin et al.) finds them, written down by its algorithm."""
    cleaned = "".join(
        " " if char.isspace() else "" if unicodedata.category(char)[0] == "C" or char == "\ufffd" else char
        for char in unicodedata.normalize("NFD", word.lower())
        if unicodedata.category(char) != "Mn"
    )
    spaced = ""
    for char in cleaned:
        is_mark = (char.isascii() and not char.isalnum()) or unicodedata.category(char)[0] == "P"
        is_chinese = any(first <= ord(char) <= last for first, last in _CHINESE)
        spaced += f" {char} " if is_mark or is_chinese else char
    found: list[str] = []
    for part in spaced.split():
        start, of_part = 0, []
        while start < len(part):
            prefix = "##" if start else ""
            ends = [end for end in range(len(part), start, -1) if prefix + part[start:end] in known]
            if not ends:
                of_part = [UNK]
                break
            of_part.append(prefix + part[start : ends[0]])
            start = ends[0]
        found += of_part
    return found


@given(TEXTS)
def test_a_token_has_the_pieces_that_bert_finds(pieces: WordPieces, text: str) -> None:
    # Several unknown words within a token are one unknown piece here, and none beside known ones.
    expected = [piece for piece in _as_bert(text, pieces.pieces) if piece != UNK]
    found = [term for term in pieces.lexeme(text).terms if term != UNK]
    assert found == expected


def test_a_text_begins_with_cls_and_ends_with_the_end(pieces: WordPieces) -> None:
    assert _terms(pieces, "goodness") == [CLS, "good", "##n", "##e", "##s", "##s", END]
    assert _terms(pieces, "Ωmega", "bad") == [CLS, UNK, "bad", END]
    assert _terms(pieces, " ") == _terms(pieces) == [CLS, END]
    assert _terms(pieces, "a" * 101, "b") == [CLS, UNK, "b", END]


@given(st.integers(0, 40), st.integers(4, 20))
def test_a_long_text_keeps_its_head_and_its_tail(pieces: WordPieces, n: int, most: int) -> None:
    preprocessor = WordPieces(max_pieces=most, plain_words=False).from_bytes(pieces.to_bytes())
    preprocessor.max_pieces = most
    words = [chr(97 + i % 26) for i in range(n)]
    head, tail = (most - 1) // 2, (most - 2) // 2
    kept = words if n <= most - 2 else words[:head] + words[n - tail :]
    assert _terms(preprocessor, *words) == [CLS, *kept, END]


@given(st.lists(st.lists(st.sampled_from(["good", "badly", "Ω", " ", "a", "@", "x1y"]), max_size=12), max_size=5))
def test_each_piece_is_of_its_token_and_texts_do_not_touch(pieces: WordPieces, texts: list[list[str]]) -> None:
    vocabulary = pieces.vocabulary_of([])
    cache = LexemeCache(pieces, vocabulary)
    docs = [Doc(VOCAB, words=words) for words in texts]
    together = pieces.ids(docs, vocabulary, cache).split()
    for doc, ids in zip(docs, together, strict=True):
        assert ids.tolist() == pieces.ids([doc], vocabulary, cache).values.tolist()
        first, last = pieces.id_tokens(pieces.tokens([doc], cache), cache)
        assert np.array_equal(first, last)
        assert (first[0], first[-1], len(first)) == (-1, -1, len(ids))
        for token in set(first[1:-1].tolist()):
            alone = pieces.ids([Doc(VOCAB, words=[doc[token].text])], vocabulary, cache).values[1:-1]
            if len(ids) < 16:
                assert ids[first == token].tolist() == alone.tolist()


def test_plain_words_are_evidence_but_numbers_links_and_mentions_are_not(tiny_bert: Path) -> None:
    preprocessor = WordPieces(str(tiny_bert / "vocab.txt"))
    preprocessor.initialize()
    evidence = {"good": PLAIN, ":)": PLAIN, "9/10": PLAIN, "😭": PLAIN, "n't": PLAIN}
    no_evidence = dict.fromkeys(("12", "…", "!", "@someone", "https://example.org", "3/a"[:1]), NO_EVIDENCE)
    for text, role in (evidence | no_evidence).items():
        assert preprocessor.lexeme(text).role == role, text


def test_pieces_of_other_scripts_are_left_out_unless_they_are_wanted(tiny_bert: Path) -> None:
    source = str(tiny_bert / "vocab.txt")
    for latin in (True, False):
        preprocessor = WordPieces(source, latin=latin)
        preprocessor.initialize()
        assert ("стол" in preprocessor.pieces) is not latin
        assert "[unused1]" not in preprocessor.pieces


def test_the_pieces_are_saved(pieces: WordPieces) -> None:
    loaded = WordPieces().from_bytes(pieces.to_bytes())
    loaded.initialize()  # which finds nothing to do
    assert vars(loaded) == vars(pieces)


def test_a_vocabulary_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S053.*vocab.txt"):
        WordPieces().initialize()
    with pytest.raises(SentimentError, match=r"S054.*nothing.txt"):
        WordPieces(str(tmp_path / "nothing.txt")).initialize()
    (tmp_path / "vocab.txt").write_text("[PAD]\na\n")
    with pytest.raises(SentimentError, match=r"S054.*\[CLS\] is missing"):
        WordPieces(str(tmp_path / "vocab.txt")).initialize()
    with pytest.raises(SentimentError, match=r"S055.*pip install --no-deps no-such-package"):
        WordPieces("no_such_package:vocab.txt").initialize()
    with pytest.raises(SentimentError, match="S021.*max_pieces"):
        WordPieces(max_pieces=3)


def test_english_docs_have_pieces(pieces: WordPieces, tiny_bert: Path) -> None:
    preprocessor = WordPieces(str(tiny_bert / "vocab.txt"))
    preprocessor.initialize()
    doc = spacy.blank("en")("The film wasn't bad :)")
    assert preprocessor(doc) == ["the", "film", "was", "not", "bad", "smile"]
