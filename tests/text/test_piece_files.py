import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.piece_files import UNIGRAM, WORD_PIECE, embedding_rows, read_piece_file
from spacy_trax_sentiment.text.word_pieces import WordPieces

VOCABULARY = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["a", -1.5], ["b", -2]]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


def _written(directory: Path, model: Any) -> str:
    path = directory / "tokenizer.json"
    path.write_text(json.dumps({"model": model}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", [{"type": "Unigram"}, {}])
def test_the_pieces_of_a_unigram_model_have_scores_and_rows(tmp_path: Path, kind: dict[str, str]) -> None:
    source = _written(tmp_path, {**kind, "unk_id": 3, "vocab": VOCABULARY})
    file = read_piece_file(source, UNIGRAM)
    assert list(zip(file.pieces, file.scores, strict=True)) == [tuple(each) for each in VOCABULARY]
    vocabulary = {"b": 4, "__PAD__": 0, "__</e>__": 1, "__UNK__": 2, "[CLS]": 3}
    assert embedding_rows(vocabulary, source).tolist() == [1, 2, 3, 0, 5]


def test_word_pieces_are_the_same_from_either_file(tiny_bert: Path, tmp_path: Path) -> None:
    pieces = (tiny_bert / "vocab.txt").read_text(encoding="utf-8").splitlines()
    numbered = {piece: i for i, piece in enumerate(pieces)}
    source = _written(tmp_path, {"type": "WordPiece", "vocab": dict(sorted(numbered.items()))})
    assert read_piece_file(source, WORD_PIECE) == read_piece_file(str(tiny_bert / "vocab.txt"), WORD_PIECE)
    found = WordPieces(source)
    found.initialize()
    assert "##a" in found.pieces


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "BPE", "vocab": {"a": 0}, "merges": []}, "S227.*of the kind BPE, not Unigram.*UnigramPieces"),
        ({"vocab": {"a": 0}, "merges": []}, "S227.*BPE"),
        ({"type": "WordPiece", "vocab": {"[PAD]": 0}}, r"S054.*\[CLS\] is missing"),
        ({"type": "WordPiece", "vocab": {"a": 0, "b": 2}}, "S054.*not numbered"),
        ({"type": "Unigram", "unk_id": None, "vocab": VOCABULARY}, "S054.*unk_id is None"),
        ({"type": "Unigram", "unk_id": 9, "vocab": VOCABULARY}, "S054.*unk_id is 9"),
        ({"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0]]}, "S054.*</s> is missing"),
        ({"type": "Unigram", "unk_id": 0, "vocab": [["a", float("nan")]]}, "S054.*not a finite number"),
        ({"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0], ["a", 0.0]]}, "S054.*twice"),
        ({"type": "Unigram", "unk_id": 0, "vocab": [["a" * 129, 0.0]]}, "S054.*1 to 128 characters"),
        ({"type": "Unigram", "unk_id": 0}, "S054.*'vocab' is missing"),
        ([], "S054"),
    ],
)
def test_a_tokenizer_that_cannot_be_used_is_refused_by_name(tmp_path: Path, model: Any, message: str) -> None:
    with pytest.raises(SentimentError, match=message) as error:
        read_piece_file(_written(tmp_path, model), UNIGRAM)
    assert "tokenizer.json" in str(error.value)


def test_a_file_of_another_kind_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S227.*WordPiece, not Unigram"):
        read_piece_file(str(tiny_bert / "vocab.txt"), UNIGRAM)
    with pytest.raises(SentimentError, match="S227.*Unigram, not WordPiece"):
        WordPieces(_written(tmp_path, {"unk_id": 3, "vocab": VOCABULARY})).initialize()


@given(st.sampled_from(["type", "vocab", "unk_id"]), JSON)
def test_whatever_a_tokenizer_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    source = _written(tmp_path_factory.mktemp("t"), {"type": "Unigram", "unk_id": 3, "vocab": VOCABULARY, name: value})
    try:
        found = read_piece_file(source, UNIGRAM).kind
    except SentimentError as error:
        found = str(error)[:6]
    assert found in (UNIGRAM, "[S054]", "[S227]")


def test_a_damaged_json_is_refused_by_name(tmp_path: Path) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000, b'{"model": {"vocab"'):
        (tmp_path / "tokenizer.json").write_bytes(content)
        with pytest.raises(SentimentError, match=r"S054.*tokenizer.json"):
            read_piece_file(str(tmp_path / "tokenizer.json"))
