import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.plain_words import LINK, MENTION, in_plain_words


@pytest.mark.parametrize(
    ("token", "plain"),
    [
        ("good", "good"),
        ("n't", "not"),
        ("n’t", "not"),
        ("nt", "not"),
        ("ca", "can"),
        ("WON'T", "will not"),
        ("isn´t", "is not"),
        ("cannot", "cannot"),
        ("soooo", "soo"),
        ("100000", "100000"),
        ("https://example.org/a?b=c", LINK),
        ("WWW.example.org", LINK),
        ("@some_one1", MENTION),
        ("@", "@"),
        (":)", "smile"),
        (":-(", "sad face"),
        ("<3", "love"),
        ("(:", "smile"),
        ("8-)", "smile"),
        (":3", "smile"),
        ("8)", "8)"),
        ("(8", "(8"),
        ("8/3", "8/3"),
        ("=3", "=3"),
        ("\ufffd", "\ufffd"),
        ("\u2500\u2500", "\u2500\u2500"),
        ("80", "80"),
        ("xd", "laughing face"),
        ("🤢", " nauseated face "),
        ("👍🏽", " thumbs up sign "),
        ("❤️", " heavy black heart "),
        ("café", "café"),
        ("great\u200b", "great"),
    ],
)
def test_what_is_typical_of_messages_is_put_in_plain_words(token: str, plain: str) -> None:
    assert in_plain_words(token) == plain


@given(st.text())
def test_any_token_has_plain_words(token: str) -> None:
    assert isinstance(in_plain_words(token), str)
