import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.process_tweet import ProcessTweet, process_tweet, strip_emoticons

FOLLOW_FRIDAY = (
    "#FollowFriday @France_Inte @PKuchly57 @Milipol_Paris for being top engaged members in my community this week :)"
)


@pytest.mark.usefixtures("stop_words_corpus")
@pytest.mark.parametrize(
    ("tweet", "terms"),
    [
        (FOLLOW_FRIDAY, ["followfriday", "top", "engag", "member", "commun", "week", ":)"]),
        ("@happypuppy, is Maria happy?", ["maria", "happi"]),
    ],
)
def test_process_tweet_gives_the_terms_of_the_seed(tweet: str, terms: list[str]) -> None:
    assert process_tweet(tweet) == terms


@pytest.mark.parametrize(
    ("tweet", "terms"),
    [
        ("$AAPL up", ["up"]),
        ("RT  good", ["good"]),
        ("so RT good", ["so", "rt", "good"]),
        ("good https://t.co/x y z", ["good"]),
        ("good http://t.co/x y\n\nbad", ["good", "bad"]),
        ("#good day", ["good", "day"]),
        ("soooooo GOOD", ["sooo", "good"]),
        ("good () !", ["good"]),
        ("", []),
    ],
)
def test_process_tweet_removes_tickers_links_and_the_like(tweet: str, terms: list[str]) -> None:
    assert process_tweet(tweet, stop_words=()) == terms


def test_process_tweet_drops_the_stop_words_it_is_given() -> None:
    assert process_tweet("this is not good", {"this", "is"}) == ["not", "good"]


@given(st.text())
def test_process_tweet_takes_any_text(tweet: str) -> None:
    terms = process_tweet(tweet, stop_words={"the"})
    assert "the" not in terms
    assert not any(term == "#" for term in terms)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [("so happy :)", "so happy"), (":-( no :D yes", "no yes"), ("nothing: here", "nothing: here"), (":)", "")],
)
def test_stripping_emoticons_leaves_the_words(text: str, stripped: str) -> None:
    assert strip_emoticons(text) == stripped


def test_the_preprocessor_applies_process_tweet_to_the_text_of_a_doc() -> None:
    nlp = spacy.blank("en")
    assert ProcessTweet(stop_words=["is"])(nlp.make_doc("@you, is Maria happy?")) == ["maria", "happi"]


@pytest.mark.usefixtures("stop_words_corpus")
def test_the_preprocessor_reads_stop_words_when_initialized_and_saves_them() -> None:
    preprocessor = ProcessTweet()
    assert preprocessor.stop_words is None
    preprocessor.initialize()
    loaded = ProcessTweet(stop_words=[]).from_bytes(preprocessor.to_bytes())
    assert loaded.stop_words == preprocessor.stop_words
    assert "the" in (loaded.stop_words or ())
