import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokenizer import Tokenizer

from spacy_trax_sentiment.bulk.simple_tokens import knows_rules, simple_tokens, special_cases
from spacy_trax_sentiment.training.labelled import LabelledText

TOKENIZER = spacy.blank("en").tokenizer
CASES = special_cases(TOKENIZER)
TEXTS = sorted(case for case in CASES.tokens if not any(map(str.isspace, case)))
WORDS = ["a", "Ab", "AB", "ABC", "I", "do", "not", "5", "5km", "3rd", "O", "XD", "user_1", "km", "U.S", "gotta", "é"]
WORDS += ["1.5", "10:30", "@user", "@_u", "t.co", "http://t.co/a5", "https://t.co/abc5km", "99", "Mr", "’s", "nt", "ll"]
MARKS = [*"_-/,:#@()\"'’.!?;[]*$%“”‘", "..", "...", "'s", "!!"]


def _agree(chunk: str) -> None:
    tokens = simple_tokens(chunk, CASES)
    assert tokens is None or [token.text for token in TOKENIZER(chunk)] == list(tokens)


@pytest.mark.slow
@settings(max_examples=3000)
@given(
    st.lists(st.sampled_from(WORDS) | st.sampled_from(MARKS) | st.sampled_from(TEXTS), min_size=1, max_size=5).map(
        "".join
    )
    | st.from_regex(r"[\"'(\[*$]?#?@?[A-Za-z0-9_]{1,8}(['’]s)?[.,:;!?\"')\]*]{0,4}", fullmatch=True)
    | st.from_regex(r"[A-Za-z0-9]{1,6}([-,/:]|\.\.+)[A-Za-z0-9]{1,6}[.,!?]?", fullmatch=True)
    | st.from_regex(r"https?://t\.co/[A-Za-z0-9]{1,12}", fullmatch=True)
    | st.text(min_size=1).filter(lambda text: not any(map(str.isspace, text)))
)
def test_simple_chunks_have_the_tokens_that_spacy_gives_them(chunk: str) -> None:
    _agree(chunk)


@pytest.mark.parametrize("case", TEXTS)
def test_special_cases_have_the_tokens_that_spacy_gives_them(case: str) -> None:
    for chunk in (case, f"{case}.", f"#{case}", f"#{case}!", f"{case},", f"({case})", f"a-{case}"):
        _agree(chunk)


def test_chunks_of_a_corpus_have_the_tokens_that_spacy_gives_them(
    tweets: tuple[list[LabelledText], list[LabelledText]],
) -> None:
    chunks = sorted({chunk for part in tweets for text, _ in part for chunk in text.split()})
    simple = [chunk for chunk in chunks if simple_tokens(chunk, CASES) is not None]
    assert len(simple) > 0.9 * len(chunks)
    for chunk in simple:
        _agree(chunk)


def test_common_chunks_are_simple() -> None:
    for chunk in (
        "good",
        "Good,",
        "#happy",
        "@user",
        "@user_9",
        "https://t.co/abcdefgh1",
        "end.",
        "END.",
        "a-b",
        "don't",
    ):
        assert simple_tokens(chunk, CASES) is not None
    for chunk in ("5km", "@foo5km", "https://t.co/ab5km", "night.I", "é", "so:)"):
        assert simple_tokens(chunk, CASES) is None


def test_only_the_rules_that_it_knows_are_known() -> None:
    assert knows_rules(TOKENIZER)
    assert not knows_rules(spacy.blank("de").tokenizer)
    assert not knows_rules(Tokenizer(spacy.blank("en").vocab))
