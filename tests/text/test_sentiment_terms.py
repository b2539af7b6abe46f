import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.lexemes import ENDS_NEGATION, NEGATES, PLAIN
from spacy_trax_sentiment.text.sentiment_terms import MOST_BUCKETS, NEGATIONS, SCOPE_ENDS, SentimentTerms

TERMS = SentimentTerms()
VOCAB = Vocab()


def _terms(text: str, terms: SentimentTerms = TERMS) -> list[str]:
    return terms(Doc(VOCAB, words=text.split()))


@pytest.mark.parametrize(
    ("token", "term"),
    [
        ("loved", "love"),
        ("s", "s"),
        ("is", "is"),
        ("LOVING", "love"),
        ("Happiness", "happi"),
        ("café", "café"),
        ("cool", "cool"),
        ("coooool", "cool"),
        ("looove", "loov"),
        ("!!!!", "!!"),
        ("👍👍👍👍", "👍👍"),
        (":)", ":)"),
        (":-(", ":-("),
        (":))))", ":))"),
        (":D", ":d"),
        ("<3", "<3"),
        ("🎉", "🎉"),
        ("!", "!"),
        ("#happy", "#happy"),
        ("5km", "5km"),
        ("1st", "1st"),
        ("it’s", "it's"),
        ("@", "@"),
        ("http", "http"),
        (" good\n", "good"),
    ],
)
def test_the_term_of_a_token(token: str, term: str) -> None:
    assert TERMS.lexeme(token) == (term, PLAIN if token != "!" else ENDS_NEGATION)


@pytest.mark.parametrize("token", ["@you", "@_", "@5", "http://a.b", "HTTPS://T.CO/x", "www.a.b", "#"])
def test_mentions_urls_and_the_hash_sign_have_no_term(token: str) -> None:
    assert TERMS.lexeme(token) == (None, PLAIN)


@pytest.mark.parametrize("token", ["", " ", "  ", "\n", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85"])
def test_white_space_has_no_term(token: str) -> None:
    assert TERMS.lexeme(token) == (None, PLAIN)


@pytest.mark.parametrize("token", ["0", "7", "2024", "3.5", "1,000", "12:30", "10/10", "50%", "٣", "2²"])
def test_every_number_is_one_term(token: str) -> None:
    assert TERMS.lexeme(token) == ("0", PLAIN)


@pytest.mark.parametrize("token", [*sorted(NEGATIONS), "NOT", "N'T", "n’t", "Never"])
def test_negations_negate(token: str) -> None:
    assert TERMS.lexeme(token).role == NEGATES


@pytest.mark.parametrize("token", [*sorted(SCOPE_ENDS), "BUT", "Yet"])
def test_a_clauses_end_ends_negation(token: str) -> None:
    assert TERMS.lexeme(token).role == ENDS_NEGATION


@pytest.mark.parametrize("token", ["good", "notable", "butter", ":)", "3", "@not", "https://no.no"])
def test_other_tokens_leave_negation_alone(token: str) -> None:
    assert TERMS.lexeme(token).role == PLAIN


@given(st.text())
def test_any_token_has_one_term_or_none(token: str) -> None:
    term, role = TERMS.lexeme(token)
    assert term is None or (term and term == term.strip())
    assert role in (PLAIN, NEGATES, ENDS_NEGATION)
    assert TERMS.lexeme(token) == (term, role)
    if not token.strip():
        assert term is None


@pytest.mark.parametrize(
    ("text", "scope", "terms"),
    [
        ("I do n't like it , but I love it", 5, "i do n't like_NEG it_NEG , but i love it"),
        ("I do n't like it but I love it", 5, "i do n't like_NEG it_NEG but i love it"),
        ("not a b c d e f", 5, "not a_NEG b_NEG c_NEG d_NEG e_NEG f"),
        ("not a b c", 2, "not a_NEG b_NEG c"),
        ("not a b c", 0, "not a b c"),
        ("not never a b", 1, "not never_NEG a_NEG b"),
        ("not a . b not", 5, "not a_NEG . b not"),
        ("not @you a # b c", 2, "not a_NEG b_NEG c"),
        ("a not", 5, "a not"),
        ("", 5, ""),
    ],
)
def test_terms_are_negated_up_to_the_clauses_end(text: str, scope: int, terms: str) -> None:
    assert _terms(text, SentimentTerms(scope, 0)) == terms.split()


def test_spacys_tokens_of_a_contraction_are_negated() -> None:
    doc = spacy.blank("en")("I don't like it, but I love it. @you 24 https://t.co/abc #happy  :)")
    expected = "i do n't like_NEG it_NEG , but i love it . 0 happi :)"
    assert TERMS(doc) == expected.split()


@pytest.mark.parametrize(("scope", "buckets"), [(0, 0), (1000, MOST_BUCKETS)])
def test_settings_in_range_are_kept(scope: int, buckets: int) -> None:
    terms = SentimentTerms(5, 5).from_bytes(SentimentTerms(scope, buckets).to_bytes())
    assert (terms.negation_scope, terms.bigram_buckets) == (scope, buckets)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("negation_scope", -1),
        ("negation_scope", 1001),
        ("bigram_buckets", -1),
        ("bigram_buckets", MOST_BUCKETS + 1),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(SentimentError, match=f"S021.*{name} is {value}"):
        SentimentTerms(**{name: value})
