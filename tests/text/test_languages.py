"""Each language brings its stems, negations and letters, and any other works without them."""

import re
from pathlib import Path

import pytest
import spacy
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.features import compose
from spacy_trax_sentiment.text.languages import entries, language
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import ENDS_NEGATION, NEGATES, PLAIN
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms

CODES = sorted(entries())
WITHOUT_ENTRY = ["xx", "is", "vi"]
# A negation, a word it reaches, and a sentence that ends with a word it does not reach.
NEGATED = {
    "de": "das ist nicht gut , aber schön",
    "fr": "ce n est pas bon , mais beau",
    "es": "esto no es bueno , pero bonito",
    "it": "questo non è buono , ma bello",
    "pt": "isto não é bom , mas bonito",
    "nl": "dit is niet goed , maar mooi",
    "ru": "это не хорошо , но красиво",
    "ar": "هذا ليس جيد ، لكن جميل",
    "hi": "यह नहीं अच्छा । लेकिन सुंदर",
    "pl": "to nie dobre , ale ładne",
    "sv": "det är inte bra , men vackert",
    "tr": "hiç iyi , ama güzel",
}


def _terms(lang: str | None, lexicon: bool | str = True) -> SentimentTerms:
    return SentimentTerms(lang=lang, lexicon=lexicon)


def test_english_has_porters_stems_and_the_roles_of_old() -> None:
    assert language("en").stems(["generously", "dying"]) == Stemmer.Stemmer("porter").stemWords(["generously", "dying"])
    assert _terms(None).lexeme("Generously") == _terms("en").lexeme("Generously")


@pytest.mark.parametrize("code", CODES)
def test_each_entry_can_be_used(code: str) -> None:
    entry = language(code)
    assert entry.stemmer is None or entry.stems(["a"])
    for word in (*entry.roles, *entry.sides):
        assert entry.lowered(word) == word
        assert not any(map(str.isspace, word))


@pytest.mark.parametrize(("code", "text"), NEGATED.items())
def test_a_negation_reaches_to_the_end_of_the_clause(code: str, text: str) -> None:
    terms, tokens = _terms(code), text.split()
    vocabulary = {term: i for i, term in enumerate(["__PAD__", "__</e>__", "__UNK__", *terms_of(terms, tokens)])}
    cache = LexemeCache(terms, vocabulary)
    doc = spacy.tokens.Doc(spacy.vocab.Vocab(), tokens)
    negated = compose(cache, terms.tokens([doc], cache)).is_negated.tolist()
    assert len(negated) == len(tokens)
    assert negated[-3 - 1], "the word before the comma is negated"
    assert not negated[-1]


@pytest.mark.parametrize(
    ("code", "text"),
    [("zh", "非 常 好"), ("zh", "特 别 好"), ("nb", "ei god bok"), ("es", "sin embargo me gusta"), ("it", "ne vale")],
)
def test_words_that_only_look_like_negations_negate_nothing(code: str, text: str) -> None:
    terms, tokens = _terms(code), text.split()
    vocabulary = {term: i for i, term in enumerate(["__PAD__", "__</e>__", "__UNK__", *terms_of(terms, tokens)])}
    cache = LexemeCache(terms, vocabulary)
    doc = spacy.tokens.Doc(spacy.vocab.Vocab(), tokens)
    assert not compose(cache, terms.tokens([doc], cache)).is_negated[1:].any()


def test_the_japanese_mark_of_a_subject_is_no_contrast() -> None:
    assert _terms("ja").lexeme("が").leaning == 0
    assert _terms("ja").lexeme("けど").leaning < 0


def terms_of(terms: SentimentTerms, tokens: list[str]) -> list[str]:
    return list(dict.fromkeys(term for token in tokens for term in terms.lexeme(token).terms))


@given(st.sampled_from(WITHOUT_ENTRY), st.text(st.characters(categories=["Ll"]), min_size=1, max_size=3))
def test_a_language_without_an_entry_has_neither_stems_nor_negations(code: str, word: str) -> None:
    facts = language(code).facts()
    assert facts["stemmer"] is None
    assert facts["negations"] == facts["words_for_people"] == 0
    assert language(code).stems([word]) == [word]
    assert _terms(code).lexeme(word).role != NEGATES
    assert _terms(code).lexeme(".").role == ENDS_NEGATION


@given(st.sampled_from([*CODES, *WITHOUT_ENTRY]), st.text(max_size=20))
def test_any_token_of_any_script_has_the_same_terms_alone_and_in_a_batch(code: str, token: str) -> None:
    terms = _terms(code)
    alone = terms.lexeme(token)
    batch = terms.side_by_side([token, "x"])
    assert [of_place[0] for of_place in batch.terms if of_place[0] is not None] == list(alone.terms)
    assert batch.roles[0] == alone.role


@pytest.mark.parametrize(("code", "word"), [("hi", "नहींं"), ("hi", "अच्छी"), ("ar", "جَمِيل"), ("th", "ไม่ดี")])
def test_combining_marks_do_not_split_a_word(code: str, word: str) -> None:
    assert f"form {word}" in _terms(code).lexeme(word).terms


def test_turkish_letters_have_their_own_lower_case() -> None:
    assert "form ısınıyor" in _terms("tr").lexeme("ISINIYOR").terms
    assert "form iyi" in _terms("tr").lexeme("İYİ").terms


@pytest.mark.parametrize(
    ("code", "word", "short"),
    [("es", "holaaaa", "hola"), ("de", "sooooo", "soo"), ("es", "perrrro", "perro"), ("xx", "haaaa", "ha")],
)
def test_drawn_out_letters_count_as_often_as_a_word_may_have_them(code: str, word: str, short: str) -> None:
    assert f"form {short}" in _terms(code).lexeme(word).terms


@pytest.mark.parametrize("code", ["zh", "ja", "th", "ko"])
def test_characters_and_their_pairs_are_terms_where_they_can_be_words(code: str) -> None:
    assert {"part 好", "part 很好"} <= set(_terms(code).lexeme("很好吃").terms)
    assert "part 好" not in _terms("de").lexeme("很好吃").terms


@given(st.sampled_from([("ar", 5), ("es", 5), ("fi", 4), ("pt", 5)]), st.text(min_size=2, max_size=9))
def test_ngrams_are_within_a_word_and_each_is_there_once(chosen: tuple[str, int], word: str) -> None:
    code, longest = chosen
    parts = [part.removeprefix("part ") for part in language(code).parts(word)]
    assert len(set(parts)) == len(parts)
    assert all(part in f"<{word}>" and 3 <= len(part) <= longest for part in parts)
    assert language("en").parts(word) == language("xx").parts(word) == []


@pytest.mark.parametrize("code", ["de", "es", "xx"])
def test_english_lexicons_and_words_for_people_are_for_english_alone(code: str) -> None:
    assert "opinion +" in _terms("en").lexeme("good").terms
    assert not [term for term in _terms(code).lexeme("good").terms if term.startswith(("opinion", "valence"))]
    assert _terms("en").lexeme("woman").term == "__UNK__" != _terms(code).lexeme("woman").term
    assert "valence +3" in _terms(code).lexeme("😍").terms or "valence +2" in _terms(code).lexeme("😍").terms


@given(st.sampled_from(["de", "ar", "xx"]))
def test_the_language_is_that_of_the_training_texts_unless_it_is_given(code: str) -> None:
    terms, given_one = _terms(None), _terms("fr")
    for each in (terms, given_one):
        each.take_language(code)
    assert (terms.lang, given_one.lang) == (code, "fr")
    loaded = SentimentTerms().from_bytes(terms.to_bytes())
    assert loaded.lang == code
    assert loaded.lexeme("good") == terms.lexeme("good")


words = st.from_regex(re.compile(r"(?:([a-zäöüß])(?!\1)){3,9}"), fullmatch=True)


@given(st.dictionaries(words, st.integers(-4, 4).filter(bool), min_size=1, max_size=5))
def test_a_lexicon_of_ones_own_takes_the_place_of_the_bundled_ones(
    tmp_path_factory: pytest.TempPathFactory, valences: dict[str, int]
) -> None:
    path = tmp_path_factory.mktemp("lexicon") / "words.tsv"
    path.write_text("word\tvalence\n" + "".join(f"{word}\t{value}\n" for word, value in valences.items()), "utf-8")
    for code in ("de", "en"):
        terms = _terms(code, str(path))
        terms.initialize()
        path_of_none = SentimentTerms(lang=code).from_bytes(terms.to_bytes())
        for word, value in valences.items():
            lexeme = path_of_none.lexeme(word)
            if lexeme.term != "__UNK__" and lexeme.role == PLAIN:  # a word for people, in English
                assert f"valence {value:+}" in lexeme.terms
        if "good" not in valences:
            assert "opinion +" not in path_of_none.lexeme("good").terms


@pytest.mark.parametrize("line", ["gut", "gut\tsehr", "gut\t5", "sehr gut\t2", "\t2", "gut\tnan"])
def test_a_line_of_a_lexicon_that_cannot_be_used_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_text(f"schön\t2\n\n{line}\n", "utf-8")
    with pytest.raises(SentimentError, match=r"S191.*words\.tsv, line 3"):
        _terms("de", str(path)).initialize()


def test_a_lexicon_may_repeat_a_word_but_not_contradict_itself(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_text("gut\t2\nGUT\t2.0\n", "utf-8")
    _terms("de", str(path)).initialize()
    path.write_text("gut\t2\nGut\t-2\n", "utf-8")
    with pytest.raises(SentimentError, match=r"S191.*words\.tsv, line 2"):
        _terms("de", str(path)).initialize()


@pytest.mark.parametrize("content", ["", "\n \n", "word\tvalence\n"])
def test_a_lexicon_without_words_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_text(content, "utf-8")
    with pytest.raises(SentimentError, match=r"S190.*words\.tsv.*no words"):
        _terms("de", str(path)).initialize()


@pytest.mark.parametrize(
    ("code", "word", "form"),
    [
        ("hi", "अच्छी", "अच्छे"),  # two forms of a word with combining marks
        ("ar", "جَمِيل", "جميل"),
        ("fa", "بی‌نظیر", "بی‌نظیر"),  # with a joiner, which tokens lose
        ("de", "❤️", "❤"),
        ("de", "😀", "😀"),
        ("de", ":D", ":D"),
        ("en", ":)", ":)"),
    ],
)
def test_a_lexicon_of_ones_own_decides_on_any_word_and_sign(tmp_path: Path, code: str, word: str, form: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_text(f"{word}\t-3\n", "utf-8")
    terms = _terms(code, str(path))
    terms.initialize()
    for each in (word, form):
        assert [term for term in terms.lexeme(each).terms if term.startswith("valence")] == ["valence -3"]


@pytest.mark.parametrize("sign", [":D", ":-D", "=D", "xD", ":P", ":)", "<3"])
@pytest.mark.parametrize("code", ["de", "xx"])
def test_emoticons_are_known_in_every_language(code: str, sign: str) -> None:
    assert _terms(code).lexeme(sign).terms[-1] == _terms("en").lexeme(sign).terms[-1]
    assert "valence" in _terms(code).lexeme(sign).terms[-1]


def test_a_lexicon_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S190.*missing\.tsv"):
        _terms("de", str(tmp_path / "missing.tsv")).initialize()
