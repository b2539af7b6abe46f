from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.seed import tweet_to_tensor
from spacy_trax_sentiment.text.process_tweet import process_tweet
from spacy_trax_sentiment.text.vocabulary import (
    N_SPECIAL,
    SPECIAL_TERMS,
    UNK,
    build_vocabulary,
    number_terms,
    terms_to_ids,
)
from spacy_trax_sentiment.training.labelled import LabelledText

Tweets = tuple[list[LabelledText], list[LabelledText]]

# NLTK 3.10.4 changed its tweet tokenizer.
NEW_TOKENIZER = tuple(map(int, version("nltk").split(".")[:3])) >= (3, 10, 4)


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


@pytest.fixture(scope="module")
def tweet_vocabulary(tweets: Tweets) -> dict[str, int]:
    return build_vocabulary(process_tweet(tweet.text) for tweet in tweets[0])


def test_the_vocabulary_of_the_seed_has_its_size(tweet_vocabulary: dict[str, int]) -> None:
    assert len(tweet_vocabulary) == (9086 if NEW_TOKENIZER else 9088)


def test_the_first_validation_tweets_have_the_tensors_of_the_seed(tweets: Tweets, tweet_vocabulary: dict[str, int]) -> None:
    first, second = (tweet_to_tensor(tweet.text, tweet_vocabulary) for tweet in tweets[1][:2])
    assert type(first) is list
    if NEW_TOKENIZER:
        assert first == [
            *(1064, 136, 478, 2351, 744, 8147, 1122, 744, 53, 2, 2671, 790, 2, 2, 348, 600, 2, 3488, 1016, 596),
            *(4558, 9, 1064, 157, 2, 2),
        ]
    else:
        assert first[:6] == [1064, 136, 478, 2351, 744, 8148]
    assert second == [443, 2, 303, 566, 56, 9]


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
