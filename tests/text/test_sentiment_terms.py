import pickle
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.preprocessor import ENDS_NEGATION, NEGATES, PLAIN, Lexeme
from spacy_trax_sentiment.text.sentiment_terms import MOST_BUCKETS, SentimentTerms
from spacy_trax_sentiment.text.wordlists import NEGATIONS, PEOPLE, SCOPE_ENDS

TERMS = SentimentTerms(informal=False)
BARE = SentimentTerms(informal=False, lexicon=False)
VOCAB = Vocab()
NOTHING = Lexeme(None)

WORDS = [
    "good",
    "goood",
    "LOVED",
    "don’t",
    "n't",
    "never",
    "but",
    "although",
    "Despite",
    "He",
    "Muslim",
    "ies",
    "s",
    "is",
    "sss",
    "#",
    "''",
]
WORDS += [":)", ":D", ":DDD", ":))))", "<3", "</3", "<br", "/>", "</b", "a<b", "*nice*", "_", "(ok)", "f**k", "A+"]
WORDS += [
    "🎉",
    "❤️",
    "👎👎👎",
    "\u200d",
    "e\u0301",
    "\u0301",
    "İ",
    "ß",
    "K",
    "ﬁne",
    "٣",
    "0.5",
    "5km",
    "@you",
    "@",
    " ",
    "\n",
]
TOKENS = st.sampled_from(WORDS) | st.text() | st.text("aeiglnosty", min_size=1) | st.text("<>/br:;()-D3'.*! ")


@pytest.mark.parametrize(
    ("token", "terms"),
    [
        ("loved", "love|form loved|prefix loved|opinion +|valence +3"),
        ("LOVING", "love|form loving|prefix lovin|opinion +|valence +3"),
        ("Happiness", "happi|form happiness|prefix happi|opinion +|valence +3"),
        ("awful", "aw|form awful|prefix awful|opinion -|valence -2"),
        ("table", "tabl|form table|prefix table"),
        ("desk", "desk|form desk"),
        ("s", "s|form s"),
        ("is", "is|form is"),
        ("café", "café|form café"),
        ("A+", "a+|form a+|opinion +"),
        ("it’s", "it's|form it's"),
        ("5km", "5km|form 5km"),
        ("@", "@|form @"),
        ("http", "http|form http"),
        (" good\n", "good|form good|opinion +|valence +2"),
    ],
)
def test_a_token_has_its_stem_form_prefix_and_classes(token: str, terms: str) -> None:
    assert TERMS.lexeme(token).terms == tuple(terms.split("|"))


@pytest.mark.parametrize(
    ("token", "term", "valence"),
    [
        (":)", ":)", 2),
        (":-(", ":-(", -2),
        (":'(", ":'(", -3),
        (":D", ":d", 3),
        (":P", ":p", 2),
        ("O_o", "o_o", -1),
        ("<3", "<3", 2),
        ("</3", "</3", -3),
        (">:(", ">:(", -3),
        (":))))", ":)", 2),
        (":DDD", ":d", 3),
        ("<333", "<3", 2),
    ],
)
def test_emoticons_are_whole_and_have_a_valence(token: str, term: str, valence: int) -> None:
    assert TERMS.lexeme(token)[:3] == (term, PLAIN, (f"form {term}", f"valence {valence:+}"))


@pytest.mark.parametrize(
    ("token", "term", "classes"),
    [
        ("❤️", "❤️", ("valence +3",)),
        ("💔", "💔", ("valence -2",)),
        ("😂", "😂", ("valence +2",)),
        ("😭", "😭", ("valence -2",)),
        ("👎", "👎", ("valence -2",)),
        ("👍👍👍👍", "👍👍", ("valence +2",)),
        ("👇", "👇", ()),
        ("⬆️", "⬆️", ()),
        ("🌵", "🌵", ()),
        ("😀💔", "😀💔", ("valence +1",)),
        ("e\u0301", "e\u0301", ()),
        ("\u0301", "\u0301", ()),
        ("\u200d", "\u200d", ()),
        ("\U000e01ef", "\U000e01ef", ()),
    ],
)
def test_emoji_have_the_valence_of_their_names(token: str, term: str, classes: tuple[str, ...]) -> None:
    assert TERMS.lexeme(token)[:3] == (term, PLAIN, (f"form {term}", *classes))


@pytest.mark.parametrize(
    ("token", "form"),
    [
        ("coooool", "cool"),
        ("goood", "good"),
        ("looove", "love"),
        ("soooo", "soo"),
        ("cool", "cool"),
        ("aabb", "aabb"),
        ("!!!!", "!!"),
        ("....", ".."),
    ],
)
def test_an_elongation_is_shortened_to_two_characters_or_to_one_if_that_makes_a_word(token: str, form: str) -> None:
    assert f"form {form}" in TERMS.lexeme(token).more
    assert TERMS.lexeme(token) == TERMS.lexeme(form)


@pytest.mark.parametrize(
    ("token", "plain"),
    [
        ("<br", None),
        ("/>", None),
        ("<br/>", None),
        ("<br>good", "good"),
        ("good<br", "good"),
        ("good.", "good"),
        ("*good*", "good"),
        ("_good_", "good"),
        ('"(good)', "good"),
        ("[good]!!!", "good"),
        ("u.s.", "u.s"),
        ("-", "-"),
        ("--", "--"),
        ("``", '"'),
        ("''", '"'),
        ("“", '"'),
    ],
)
def test_markup_and_the_punctuation_around_a_word_are_dropped(token: str, plain: str | None) -> None:
    assert TERMS.lexeme(token) == (NOTHING if plain is None else TERMS.lexeme(plain))


@pytest.mark.parametrize("token", ["@you", " @you", "@_", "@5", "http://a.b", "HTTPS://T.CO/x", "www.a.b", "#", " #"])
def test_mentions_urls_and_the_hash_sign_have_no_term(token: str) -> None:
    assert TERMS.lexeme(token) == NOTHING


@pytest.mark.parametrize("token", ["", " ", "  ", "\n", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85"])
def test_white_space_has_no_term(token: str) -> None:
    assert TERMS.lexeme(token) == NOTHING


@pytest.mark.parametrize("token", ["0", "7", "2024", "3.5", "1,000", "12:30", "10/10", "50%", "٣", "2²", "111111"])
def test_every_number_is_one_term(token: str) -> None:
    assert TERMS.lexeme(token)[:3] == ("0", PLAIN, ())


@pytest.mark.parametrize("group", PEOPLE, ids=lambda group: group.split()[0])
def test_words_for_people_have_only_the_term_of_their_group(group: str) -> None:
    words = group.split()
    expected = [Lexeme(f"people {words[0]}")] * len(words)
    assert [TERMS.lexeme(word.title()) for word in words] == expected
    assert list(TERMS.lexemes(words)) == expected
    assert not NEGATIONS.intersection(words)


def test_no_word_is_in_two_groups_of_people() -> None:
    words = " ".join(PEOPLE).split()
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("token", [*sorted(NEGATIONS), "NOT", "N'T", "n’t", "Never"])
def test_negations_negate(token: str) -> None:
    assert TERMS.lexeme(token).role == NEGATES


@pytest.mark.parametrize("token", [*sorted(SCOPE_ENDS), "BUT", "Yet"])
def test_the_end_of_a_clause_ends_negation(token: str) -> None:
    assert TERMS.lexeme(token).role == ENDS_NEGATION


@pytest.mark.parametrize("token", ["good", "notable", "butter", ":)", "3", "@not", "https://no.no", "he"])
def test_other_tokens_do_not_affect_negation(token: str) -> None:
    assert TERMS.lexeme(token).role == PLAIN


@pytest.mark.parametrize("terms", [TERMS, BARE], ids=["lexicon", "bare"])
@given(token=TOKENS)
def test_any_token_has_terms_or_none(terms: SentimentTerms, token: str) -> None:
    lexeme = terms.lexeme(token)
    assert lexeme.term != ""
    assert lexeme.role in (PLAIN, NEGATES, ENDS_NEGATION)
    assert len(set(lexeme.terms)) == len(lexeme.terms)
    # All terms but the stem begin with their class and a space.
    classes = [term.split(" ")[0] for term in lexeme.more]
    assert classes in ([], ["form"], *(["form", *rest] for rest in _CLASSES))
    if not token.strip():
        assert lexeme == NOTHING
    assert terms.lexeme(token) == lexeme


_CLASSES = [["prefix"] * p + ["opinion"] * o + ["valence"] * v for p in (0, 1) for o in (0, 1) for v in (0, 1)]


@pytest.mark.parametrize("terms", [TERMS, BARE], ids=["lexicon", "bare"])
@given(tokens=st.lists(TOKENS))
def test_many_lexemes_at_once_are_the_same_as_one_by_one(terms: SentimentTerms, tokens: list[str]) -> None:
    by_place, roles, leanings = terms.side_by_side(tokens)
    assert [len(of_place) for of_place in by_place] == [len(tokens)] * len(by_place)
    for i, token in enumerate(tokens):
        found = tuple(of_place[i] for of_place in by_place if of_place[i] is not None)
        assert (found, roles[i], leanings[i]) == (terms.lexeme(token).terms, *terms.lexeme(token)[1::2])


def test_a_subclass_may_say_what_tokens_stand_for() -> None:
    class Shouted(SentimentTerms):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme("!") if text.isupper() else super().lexeme(text)

    assert Shouted().side_by_side(["GOOD", "good"]).terms[0] == ("!", "good")
    assert not Shouted().alike


@pytest.mark.parametrize("part", ["a", "ab", "<", "<br", ".", "é", "\u0301", "👍", "1", "#", "a ", "http", "_a-"])
def test_a_very_long_token_has_terms(part: str) -> None:
    token = part * (100_000 // len(part))
    assert TERMS.lexeme(token) == next(iter(TERMS.lexemes([token])))


def test_the_terms_of_a_doc_are_plain_ones() -> None:
    doc = spacy.blank("en")("I don't like it, @you 24 https://t.co/abc #happy  :)")
    expected = "i|form i|do|form do|n't|form n't|like|form like|opinion +|valence +2|it|form it|,|form ,|0"
    expected += "|happi|form happy|prefix happy|opinion +|valence +3|:)|form :)|valence +2"
    assert TERMS(doc) == expected.split("|")


def test_without_the_lexicon_there_are_no_classes_of_words() -> None:
    doc = Doc(VOCAB, words=["loved", "awful", ":)", "looove", "He"])
    expected = "love|form loved|prefix loved|aw|form awful|prefix awful|:)|form :)|loov|form loove|prefix loove"
    assert BARE(doc) == [*expected.split("|"), "people he"]


SETTINGS: list[dict[str, Any]] = [
    {"negation_scope": 0, "bigram_buckets": 0, "bigram_distance": 1},
    {"negation_scope": 1000, "bigram_buckets": MOST_BUCKETS, "bigram_distance": 4},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("lexicon", [True, False])
def test_settings_and_lexicon_are_saved(settings: dict[str, Any], lexicon: bool) -> None:
    saved = SentimentTerms(**settings, lexicon=lexicon)
    before = saved.to_bytes()
    saved.lexeme("loved")  # the look-up tables made from the lexicon are not saved
    assert saved.to_bytes() == before
    loaded = SentimentTerms(lexicon=not lexicon)
    loaded.lexeme("loved")
    assert loaded.from_bytes(before) is loaded
    assert {name: getattr(loaded, name) for name in settings} == settings
    assert loaded.to_bytes() == before
    for other in (loaded, pickle.loads(pickle.dumps(saved))):
        assert list(other.lexemes(WORDS)) == list(saved.lexemes(WORDS))


def test_a_saved_lexicon_is_used_in_place_of_the_bundled_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TERMS.to_bytes()
    monkeypatch.setattr("spacy_trax_sentiment.text.lexicon.bundled_words", lambda: {"positive": "desk"})
    other = SentimentTerms(informal=False)
    assert other.lexeme("desks").more == ("form desks", "prefix desks", "opinion +")
    assert other.from_bytes(data).lexeme("desk").more == ("form desk",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("negation_scope", -1),
        ("negation_scope", 1001),
        ("bigram_buckets", -1),
        ("bigram_buckets", MOST_BUCKETS + 1),
        ("bigram_distance", 0),
        ("bigram_distance", 5),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(SentimentError, match=f"S021.*{name} is {value}"):
        SentimentTerms(**{name: value})
