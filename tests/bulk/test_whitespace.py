import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.strings import hash_string

from spacy_trax_sentiment.bulk.whitespace import split

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
TEXT = st.lists(st.sampled_from(SPACES) | st.text(st.characters(codec="utf-8"), max_size=30)).map("".join)


@pytest.mark.slow
@settings(max_examples=500)
@given(st.lists(TEXT))
def test_chunks_are_those_of_str_split_with_the_hashes_of_spacy(texts: list[str]) -> None:
    expected = [text.split() for text in texts]
    chunks = split(texts)
    assert chunks.n_chunks.tolist() == list(map(len, expected))
    flat = [chunk for of_text in expected for chunk in of_text]
    assert chunks.texts(range(len(flat))) == flat
    assert chunks.keys.tolist() == list(map(hash_string, flat))


@given(st.lists(TEXT))
def test_line_breaks_are_chunks_where_they_are_asked_for(texts: list[str]) -> None:
    gaps = [re.split(r"(\s+)", text) for text in texts]
    expected = [
        ["\n" if each.isspace() else each for each in of_text if each.split() or "\n" in each] for of_text in gaps
    ]
    chunks = split(texts, line_breaks=True)
    assert chunks.n_chunks.tolist() == list(map(len, expected))
    flat = [chunk for of_text in expected for chunk in of_text]
    assert chunks.texts(range(len(flat))) == flat
    assert chunks.keys.tolist() == list(map(hash_string, flat))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"U+{ord(space):04X}")
def test_all_white_space_separates_chunks(space: str) -> None:
    chunks = split([f"é{space}b", space, f"{space}c{space}{space}"])
    assert chunks.n_chunks.tolist() == [2, 0, 1]
    assert chunks.texts([0, 1, 2]) == ["é", "b", "c"]


@pytest.mark.parametrize("near", ["\u0084", "\u00a1", "\u167f", "\u200b", "\u202a", "\u2060", "\u3001", "\ud7ff"])
def test_similar_characters_do_not(near: str) -> None:
    assert split([f"a{near}b"]).texts([0]) == [f"a{near}b"]


def test_anything_but_text_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        split(["a", "\ud800"])
    with pytest.raises(TypeError):
        split(["a", None])  # type: ignore[list-item]


def test_long_chunks_are_hashed_whole() -> None:
    long = ["x" * n for n in (7, 8, 9, 15, 16, 17, 1000)] + ["é" * 4, "😀" * 500]
    assert split([" ".join(long)]).keys.tolist() == list(map(hash_string, long))
