"""Texts as people write them: what `SentimentTerms` makes of markup, entities, odd apostrophes, ratings and people."""

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.text.features import compose, feature_ids, have_terms
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import ENDS_NEGATION, NEGATES, NO_EVIDENCE, Lexeme
from spacy_trax_sentiment.text.ratings import HIGH, LOW, MIDDLE
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import UNK, build_vocabulary
from spacy_trax_sentiment.text.wordlists import EMOJI

GRADES = (LOW, MIDDLE, HIGH)
TERMS = SentimentTerms()
NLP = spacy.blank("en")
NOTHING = Lexeme(None)
WORDS = st.sampled_from(["great", "awful", "Stunning", "MEH", "table", "naïve"])
APOSTROPHES = st.sampled_from(["'", "\u2019", "\u2018", "\u00b4", "`", "\u02bc", "\u2032", "\uff07", ""])
VERBS = st.sampled_from("do does did is are was were has have had could would should must need".split())
CASES = st.sampled_from([str.lower, str.upper, str.title])
INVISIBLE = st.sampled_from(["\u200b", "\u200c", "\u200d", "\u00ad", "\ufeff", "\u2060", "\ufe0f"])
# Every way has the word between two strings that must not count.
WRAPPINGS = [
    ("", "</b"),
    ("", "</strong"),
    ("class='x'>", "</p"),
    ('href="a">', "</a"),
    ("", "<br/"),
    ("", "/"),
    ("", "!!1"),
]
WRAPPINGS += [
    ("quot;", "&quot"),
    ("amp;", ""),
    ("39;", "&#39"),
    ("&nbsp;", ""),
    ("**", "**"),
    ("_", "_"),
    ("", "](http://x.y"),
]
WRAPPINGS += [("", "\\n"), ("\\n", ""), ("", "..."), ("(", ")"), ("&#x27;", "&#x27")]


def _vocabulary() -> dict[str, int]:
    words = ["great", "awful", "table", "not", "n't", "star", "0", "strong", "b", ".", "😍", ":)", "wonder", "no", "?"]
    return build_vocabulary([[*words, *(f"form {word}" for word in words), *GRADES]])


CACHE = LexemeCache(TERMS, _vocabulary())


def _ids(text: str) -> list[int]:
    tokens = TERMS.tokens([NLP(text)], CACHE)
    return sorted(feature_ids(CACHE, compose(CACHE, tokens)).values.tolist())


def _grades(text: str) -> list[str]:
    terms = {CACHE.vocabulary[grade]: grade for grade in GRADES}
    return [terms[id] for id in _ids(text) if id in terms]


def _negated(text: str) -> list[str]:
    """Return the tokens that a negation reaches."""
    doc = NLP(text)
    tokens = TERMS.tokens([doc], CACHE)
    kept = np.flatnonzero(have_terms(CACHE, tokens))
    return [doc[int(i)].text for i in kept[compose(CACHE, tokens).is_negated]]


@given(WORDS, st.sampled_from(WRAPPINGS))
def test_a_word_counts_without_the_markup_around_it(word: str, around: tuple[str, str]) -> None:
    assert TERMS.lexeme(around[0] + word + around[1]) == TERMS.lexeme(word)


@given(WORDS, st.lists(st.tuples(INVISIBLE, st.integers(0, 8)), max_size=4))
def test_invisible_characters_do_not_count(word: str, added: list[tuple[str, int]]) -> None:
    text = word
    for char, place in added:
        text = text[:place] + char + text[place:]
    assert TERMS.lexeme(text) == TERMS.lexeme(word)


@given(st.sampled_from(["<b>{}</b>", "<strong>{}</strong>", "<i class='x'>{}</i>", "{}<br/>", "<p>{}</p>"]))
def test_names_of_tags_have_no_terms(markup: str) -> None:
    assert TERMS.lexeme("strong").term == "strong"
    assert CACHE.vocabulary["strong"] not in _ids(f"a table, {markup.format('great')} !")
    assert CACHE.vocabulary["great"] in _ids(f"a table, {markup.format('great')} !")


def test_a_tag_does_not_reach_from_one_text_to_the_next() -> None:
    docs = [NLP.make_doc("great <"), NLP.make_doc("strong"), NLP.make_doc("> awful")]
    ids = feature_ids(CACHE, compose(CACHE, TERMS.tokens(docs, CACHE)))
    assert CACHE.vocabulary["strong"] in ids.values


@pytest.mark.parametrize(
    "text", ["~~nice~~", "&nbsp;", "<br/>", "\u200d", "\U0001f3fd", "\ufe0f", "#", " ", "@you", "www.x.y"]
)
def test_what_is_struck_out_or_invisible_is_nothing(text: str) -> None:
    assert TERMS.lexeme(text) == NOTHING


@given(VERBS, APOSTROPHES, CASES)
def test_negations_are_known_in_capitals_and_with_any_apostrophe(verb: str, mark: str, case: object) -> None:
    written = f"{verb}n{mark}t"
    lexeme = TERMS.lexeme(case(written))  # type: ignore[operator]
    assert lexeme == TERMS.lexeme("n't")
    assert lexeme.role == NEGATES


@given(VERBS, APOSTROPHES, CASES)
def test_a_negation_reaches_the_words_after_it_however_it_is_written(verb: str, mark: str, case: object) -> None:
    text = case(f"it {verb}n{mark}t great")  # type: ignore[operator]
    assert [word.lower() for word in _negated(text)] == ["great"]


@pytest.mark.parametrize("end", [" :)", " 😍", "\n", ".", " ❤️", "\r\n", " </3"])
def test_a_negation_ends_at_a_face_a_line_break_and_a_sentence(end: str) -> None:
    assert _negated(f"not a table{end} great") == ["a", "table"]
    assert _negated("not a table great") == ["a", "table", "great"]


@pytest.mark.parametrize("answer", ["No", "None", "nope"])
def test_an_answer_negates_nothing(answer: str) -> None:
    assert _negated(f"Any trouble? {answer} great hosts") == []
    assert _negated(f"{answer} great hosts") == (["great", "hosts"] if answer != "nope" else [])


def test_a_question_of_another_text_is_not_answered() -> None:
    tokens = TERMS.tokens([NLP("Any trouble?"), NLP("no great table")], CACHE)
    assert compose(CACHE, tokens).is_negated.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("1 star", LOW),
        ("zero stars", LOW),
        ("2-star hotel", LOW),
        ("three stars", MIDDLE),
        ("5 stars", HIGH),
        ("four stars", HIGH),
        ("10 stars", HIGH),
        ("2/10", LOW),
        ("5/10", MIDDLE),
        ("8.5/10", HIGH),
        ("8,5/10", HIGH),
        ("5 / 5", HIGH),
        ("2 out of 10", LOW),
        ("1 out of 5 stars", LOW),
        ("1 of 5 stars", LOW),
        ("5 of 5 stars", HIGH),
        ("1 / 5 stars", LOW),
        ("3 out of 5-star", MIDDLE),
        ("9 out of 10 people", HIGH),
        ("100/100", HIGH),
        ("★★☆☆☆", LOW),
        ("★★★★☆", HIGH),
        ("⭐⭐⭐⭐⭐", HIGH),
        ("⭐ ⭐", LOW),
        ("two thumbs up", HIGH),
        ("Thumbs down!", LOW),
    ],
)
def test_ratings_have_a_grade(text: str, grade: str) -> None:
    assert _grades(text) == [grade]


@pytest.mark.parametrize(
    "text", ["9/11", "24/7", "11/10", "the star", "5 hotels", "out of 10", "1/2", "up 5", "1 of 2", "⭐"]
)
def test_other_numbers_have_no_grade(text: str) -> None:
    assert _grades(text) == []


@given(st.sampled_from([5, 10]), st.data())
def test_a_better_rating_never_has_a_worse_grade(scale: int, data: st.DataObject) -> None:
    worse, better = sorted(data.draw(st.lists(st.integers(0, scale), min_size=2, max_size=2)))
    plain = ("{}/{}", "{} out of {}", "{} / {}")
    for form in (*plain, *(f"{each} stars" for each in plain[1:]), "{} of {} stars"):
        (of_worse,), (of_better,) = (_grades(form.format(n, scale)) for n in (worse, better))
        assert GRADES.index(of_worse) <= GRADES.index(of_better)


@given(
    st.lists(
        st.sampled_from(["5", "10", "five", "/", "-", "out", "of", "stars", "★", "☆", "thumbs", "up", "down", "x"])
    )
)
def test_parts_of_ratings_in_any_order_have_no_more_grades_than_ends_of_ratings(tokens: list[str]) -> None:
    assert len(_grades(" ".join(tokens))) <= sum(
        token not in ("/", "-", "out", "of", "thumbs", "x") for token in tokens
    )


def test_a_rating_does_not_reach_from_one_text_to_the_next() -> None:
    docs = [NLP("I have 5"), NLP("stars")]
    ids = feature_ids(CACHE, compose(CACHE, TERMS.tokens(docs, CACHE)))
    assert not {CACHE.vocabulary[grade] for grade in GRADES} & set(ids.values.tolist())


@given(st.from_regex(r"[0-9]{1,9}(?:[.,][0-9]{1,3})?", fullmatch=True))
def test_a_number_is_no_evidence(number: str) -> None:
    lexeme = TERMS.lexeme(number)
    assert (lexeme.terms, lexeme.role) == (("0",), NO_EVIDENCE)


@pytest.mark.parametrize("mark", ["…", "。。。", "a", "I", "/", "=", "\u2602", '"', "..", "-", "!", "?", "12", "#"])
def test_a_mark_a_number_or_a_single_letter_is_no_evidence(mark: str) -> None:
    lexeme = TERMS.lexeme(mark)
    assert lexeme.terms in ((UNK,), ()) or (lexeme.role in (NO_EVIDENCE, ENDS_NEGATION) and lexeme.leaning <= 0)


def test_words_of_a_rare_script_are_left_out_of_the_vocabulary() -> None:
    english = [NLP.make_doc(f"word{i:02} this table") for i in range(60)]
    assert "стол" not in TERMS.vocabulary_of([*english, NLP.make_doc("это стол")])
    assert "стол" in TERMS.vocabulary_of([NLP.make_doc("это стол")])
    assert "стол" in SentimentTerms(informal=False).vocabulary_of([*english, NLP.make_doc("это стол")])


@pytest.mark.parametrize(
    "word",
    ["Polish", "muslims", "Nigeria", "transgender", "Black", "deaf", "elderly", "Turk", "Fatima", "she", "Catholics"],
)
def test_words_for_people_are_unknown(word: str) -> None:
    assert TERMS.lexeme(word) == Lexeme(UNK)
    assert _ids(f"a great {word}") == _ids("a great qwrtz")


@pytest.mark.parametrize("name", ["Joy", "Grace", "Rob"])
def test_names_that_are_words_too_keep_their_terms(name: str) -> None:
    assert UNK not in TERMS.lexeme(name).terms


def test_every_listed_emoji_has_the_sign_of_its_valence() -> None:
    for valence, listed in EMOJI.items():
        for emoji in listed.split():
            [sign] = {int(term.split()[1]) > 0 for term in TERMS.lexeme(emoji).terms if term.startswith("valence")}
            assert sign == (float(valence) > 0), emoji


def test_emoji_have_the_sign_that_vader_gives_them() -> None:
    vader = pytest.importorskip("vaderSentiment.vaderSentiment", reason="the extra `bench` is not installed")
    analyzer = vader.SentimentIntensityAnalyzer()
    wrong = []
    for emoji in analyzer.emojis:
        compound = analyzer.polarity_scores(emoji)["compound"]
        classes = [
            term for token in NLP(emoji) for term in TERMS.lexeme(token.text).terms if term.startswith("valence")
        ]
        if compound and np.sign(compound) != np.sign(sum(int(term.split()[1]) for term in classes)):
            wrong.append(emoji)
    assert wrong == []


@pytest.mark.parametrize("face", ["😍", ":)", "🤦🏽", "💯", "🙍🏻\u200d♂️"])
def test_a_face_ends_a_negation_and_is_evidence(face: str) -> None:
    first = TERMS.lexeme(NLP(face)[0].text)
    assert first.role == ENDS_NEGATION
    assert first.leaning in (1, 2)


@given(st.text(), st.sampled_from(["lower", "upper"]))
def test_any_token_has_the_same_lexeme_alone_and_side_by_side(text: str, case: str) -> None:
    texts = [getattr(text, case)(), "great", text + "\\ngreat\\nawful\\nbad\\nfine"]
    lexemes = TERMS.side_by_side(texts)
    for i, each in enumerate(texts):
        alone = TERMS.lexeme(each)
        assert tuple(term for of_place in lexemes.terms if (term := of_place[i]) is not None) == alone.terms
        assert (lexemes.roles[i], lexemes.leanings[i]) == (alone.role, alone.leaning)


def test_saved_settings_without_it_stay_formal() -> None:
    formal = SentimentTerms(informal=False)
    assert not SentimentTerms().from_bytes(formal.to_bytes()).informal
    assert formal.lexeme("Polish").term == "people american"


@pytest.mark.parametrize(
    ("text", "label"), [("★☆☆☆☆", "negative"), ("9 / 10", "positive"), ("9/10", "positive"), ("⭐", None)]
)
def test_a_rating_alone_is_evidence(text: str, label: str | None) -> None:
    nlp = load("en")
    assert TextScorer(nlp).predict([text]) == [label]
    assert nlp(text)._.sentiment.label == label
    assert (nlp(text)._.sentiment.n_known > 0) == (label is not None)
