"""The terms of whole texts and the tokens that they come from."""

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.process_tweet import ProcessTweet
from spacy_trax_sentiment.text.token_preprocessor import align


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The food is good", {"food": (1, 1), "good": (3, 3)}),
        ("good :-) food", {"good": (0, 0), ":-)": (1, 1), "food": (2, 2)}),
        ("see http://a.b/c good", {"see": (0, 0)}),
        ("", {}),
    ],
)
def test_terms_of_whole_texts_find_their_tokens(text: str, expected: dict[str, tuple[int, int]]) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = ProcessTweet(["the", "is"])
    found = zip(*map(np.ndarray.tolist, align(preprocessor, doc)), strict=True)
    assert dict(zip(preprocessor(doc), found, strict=True)) == expected


@pytest.mark.slow
@given(text=st.text(max_size=40))
def test_every_term_has_a_token(text: str) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = ProcessTweet([])
    first, last = align(preprocessor, doc)
    assert len(first) == len(last) == len(preprocessor(doc))
    assert ((first >= 0) & (first <= last) & (last < len(doc))).all()
