import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.vocabulary import (
    N_SPECIAL,
    SPECIAL_TERMS,
    UNK,
    build_vocabulary,
    number_terms,
    terms_to_ids,
)


def test_terms_are_numbered_in_order_of_first_appearance_after_the_special_ones() -> None:
    assert build_vocabulary([["b", "a"], ["a", "c"]]) == {
        "__PAD__": 0,
        "__</e>__": 1,
        "__UNK__": 2,
        "b": 3,
        "a": 4,
        "c": 5,
    }


@given(st.lists(st.lists(st.text())))
def test_each_known_term_has_an_id_of_its_own(texts: list[list[str]]) -> None:
    vocabulary = build_vocabulary(texts)
    by_id = {i: term for term, i in vocabulary.items()}
    assert sorted(by_id) == list(range(len(vocabulary)))
    for terms in texts:
        assert [by_id[i] for i in terms_to_ids(terms, vocabulary)] == terms


@given(st.lists(st.text()))
def test_unknown_terms_get_the_id_of_the_unknown_token(terms: list[str]) -> None:
    vocabulary = build_vocabulary([])
    expected = [SPECIAL_TERMS.index(term) if term in SPECIAL_TERMS else 2 for term in terms]
    assert terms_to_ids(terms, vocabulary) == expected


def test_the_unknown_token_may_be_named() -> None:
    assert terms_to_ids(["x"], {"?": 7}, unk_token="?") == [7]
    with pytest.raises(KeyError):
        terms_to_ids(["x"], {"a": 0})


def test_rare_terms_are_left_out_and_the_most_frequent_kept() -> None:
    texts = [["a", "b", "c"], ["c", "b", "d"], ["c", "e", "e"]]
    assert list(build_vocabulary(texts, min_count=2))[N_SPECIAL:] == ["b", "c", "e"]
    assert list(build_vocabulary(texts, max_size=2))[N_SPECIAL:] == ["b", "c"]
    assert list(build_vocabulary(texts, min_count=3, max_size=2))[N_SPECIAL:] == ["c"]
    assert list(build_vocabulary(texts).values()) == list(range(N_SPECIAL + 5))


def test_special_terms_are_numbered_once() -> None:
    assert number_terms(["a", UNK, "b"]) == {**{term: i for i, term in enumerate(SPECIAL_TERMS)}, "a": 3, "b": 4}


def test_if_there_are_too_many_terms_those_that_occurred_once_are_forgotten() -> None:
    texts = [["once", "twice", "twice", "thrice"], ["thrice", "thrice", "more", "more", "more"], ["last"]]

    def counted(texts: list[list[str]], min_count: int = 1) -> list[str]:
        return list(build_vocabulary(texts, min_count, max_counted=4))[N_SPECIAL:]

    assert counted(texts[:2]) == ["once", "twice", "thrice", "more"]
    assert counted(texts) == ["twice", "thrice", "more"]
    assert counted(texts, min_count=3) == ["thrice", "more"]
    assert counted([*texts, ["last"]]) == ["twice", "thrice", "more", "last"]
