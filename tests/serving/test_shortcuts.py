import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokenizer import Tokenizer

from spacy_trax_sentiment.serving.shortcuts import knows_rules, simple_tokens

TOKENIZER = spacy.blank("en").tokenizer
CASES = sorted(case for case in TOKENIZER.rules if case.isascii() and not any(map(str.isspace, case)))


@settings(max_examples=2000)
@given(
    st.from_regex(r"#?[A-Za-z]{1,12}[.,!?]?", fullmatch=True)
    | st.from_regex(r"@[A-Za-z0-9_]{1,12}", fullmatch=True)
    | st.from_regex(r"https?://t\.co/[A-Za-z0-9]{1,12}", fullmatch=True)
    | st.tuples(st.sampled_from(["", "#"]), st.sampled_from(CASES), st.sampled_from(["", ".", ",", "!"])).map("".join)
    | st.text(min_size=1).filter(lambda text: not any(map(str.isspace, text)))
)
def test_simple_chunks_have_the_tokens_that_spacy_gives_them(chunk: str) -> None:
    tokens = simple_tokens(chunk, TOKENIZER.rules)
    if tokens is not None:
        assert [token.text for token in TOKENIZER(chunk)] == list(tokens)


@pytest.mark.parametrize("case", CASES)
def test_special_cases_are_left_to_the_tokenizer(case: str) -> None:
    for chunk in (case, f"{case}.", f"#{case}", f"#{case}!", f"{case},"):
        tokens = simple_tokens(chunk, TOKENIZER.rules)
        assert tokens is None or [token.text for token in TOKENIZER(chunk)] == list(tokens)


def test_common_chunks_are_simple() -> None:
    for chunk in ("good", "Good,", "#happy", "@user", "@user_9", "https://t.co/abcdefgh1", "end."):
        assert simple_tokens(chunk, TOKENIZER.rules) is not None
    for chunk in ("don't", "5km", ":)", "a-b", "@foo5km", "https://t.co/ab5km", "END.", "é"):
        assert simple_tokens(chunk, TOKENIZER.rules) is None


def test_rules_of_other_tokenizers_are_not_taken_for_known() -> None:
    assert knows_rules(TOKENIZER)
    assert not knows_rules(spacy.blank("de").tokenizer)
    assert not knows_rules(Tokenizer(spacy.blank("en").vocab))
