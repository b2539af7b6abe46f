from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.strings import StringStore, hash_string
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_trax_sentiment.model import thinc_model
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text import lexeme_cache as lexemes
from spacy_trax_sentiment.text.lexeme_cache import NO_TERM, LexemeCache, doc_orths, orths_to_rows
from spacy_trax_sentiment.text.preprocessor import ENDS_NEGATION, NEGATES, PLAIN, Lexeme
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor
from spacy_trax_sentiment.text.vocabulary import SPECIAL_TERMS, UNK, build_vocabulary


class Spelled(TokenPreprocessor):
    """A token spells its lexeme: its first letter is the term, the others are further terms; a number is the role."""

    def lexeme(self, text: str) -> Lexeme:
        role = int(text[-1]) if text[-1:].isdigit() else PLAIN
        term, *more = text.rstrip("012") or [None]  # type: ignore[list-item]
        return Lexeme(term, role, tuple(more))


# An id of each letter, from 3 on.
LETTERS = build_vocabulary(["abcde"])


def _remembered(memory: LexemeCache, texts: list[str]) -> list[int]:
    strings = {hash_string(text): text for text in texts}
    rows: list[int] = memory.rows(np.array([hash_string(text) for text in texts], dtype=np.uint64), strings).tolist()
    return rows


def _ids(memory: LexemeCache, rows: list[int], is_negated: bool = False) -> list[list[int]]:
    """RETURNS: The ids of each row."""
    ids, counts = memory.ids_of(np.array(rows, dtype=np.int64), np.full(len(rows), is_negated))
    assert counts.sum() == len(ids)
    return [part.tolist() for part in np.split(ids, np.cumsum(counts)[:-1])] if rows else []


def test_the_terms_of_a_lexeme_begin_with_its_own() -> None:
    assert Lexeme("a", NEGATES, ("b", "c")).terms == ("a", "b", "c")
    assert Lexeme("a").terms == ("a",)
    assert Lexeme(None).terms == Lexeme(None, PLAIN, ("b",)).terms == ()


def test_a_doc_has_the_terms_of_its_tokens() -> None:
    assert Spelled()(Doc(Vocab(), words=["abc", "1", "d0", "x2"])) == ["a", "b", "c", "d", "x"]


@pytest.mark.parametrize(("scope", "buckets", "distance"), [(0, 0, 1), (3, 0, 2), (0, 8, 1), (0, 8, 3), (3, 8, 3)])
def test_an_embedding_has_rows_of_terms_of_negated_ones_and_of_buckets(scope: int, buckets: int, distance: int) -> None:
    preprocessor = Spelled()
    preprocessor.negation_scope, preprocessor.bigram_buckets, preprocessor.bigram_distance = scope, buckets, distance
    assert preprocessor.first_bucket(10) == (20 if scope else 10)
    assert preprocessor.n_ids(10) == preprocessor.first_bucket(10) + distance * buckets


SPELLINGS = st.lists(st.text("abcxyz", max_size=4).flatmap(lambda s: st.sampled_from([s, f"{s}1", f"{s}2"])))


@given(first=SPELLINGS, second=SPELLINGS, is_negated=st.booleans())
def test_a_row_holds_the_ids_of_the_known_terms(first: list[str], second: list[str], is_negated: bool) -> None:
    memory = LexemeCache(Spelled(), LETTERS)
    rows = _remembered(memory, first)
    rows = _remembered(memory, first + second)
    assert memory.indices_of_texts(first + second).tolist() == rows
    for text, row, ids in zip(first + second, rows, _ids(memory, rows, is_negated), strict=True):
        term, role, more, _ = Spelled().lexeme(text)
        if term is None:
            assert row == NO_TERM
            continue
        known = [LETTERS[letter] for letter in (term, *more) if letter in LETTERS]
        # `__UNK__` is never negated.
        assert ids == ([i + len(LETTERS) * is_negated for i in known] or [LETTERS[UNK]])
        hashed = hash_string(term) >> 2 << 2 if term in LETTERS else 0
        assert int(memory.hashes[row]) == hashed | role


def test_what_is_alike_shares_a_row() -> None:
    memory = LexemeCache(Spelled(), LETTERS)
    alike = [
        ["ab", "axb", "abx"],
        ["ab1"],
        ["ba"],
        ["a"],
        ["xa", "ya"],
        ["x", "yz", "yx"],
        ["x1", "yz1"],
        ["", "1", "2"],
    ]
    rows = _remembered(memory, [text for texts in alike for text in texts])
    of_texts = dict(zip([text for texts in alike for text in texts], rows, strict=True))
    shared = [{of_texts[text] for text in texts} for texts in alike]
    assert [len(of_group) for of_group in shared] == [1] * len(alike)
    assert len(set(rows)) == memory.n_rows == len(alike)
    assert of_texts[""] == NO_TERM


def test_special_terms_are_not_known_ones() -> None:
    class Special(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme(text, PLAIN, SPECIAL_TERMS)

    memory = LexemeCache(Special(), LETTERS)
    assert _ids(memory, memory.indices_of_texts(["a", *SPECIAL_TERMS]).tolist()) == [[LETTERS["a"]], *[[LETTERS[UNK]]] * 3]


def test_rows_stay_the_same_as_the_memory_grows() -> None:
    preprocessor = SentimentTerms()
    texts = ["good", "not", " ", "@you", "bad", "unseen"]
    many = ["-".join(f"w{i}x") for i in range(6000)]
    memory = LexemeCache(preprocessor, build_vocabulary([["good", "bad", "opinion +", *many]]))
    before = _remembered(memory, texts)
    known = _ids(memory, before), _ids(memory, before, is_negated=True), memory.hashes[before].tolist()
    rows = _remembered(memory, many)
    assert len(memory) == len(texts) + 6000
    assert len(set(rows)) == 6000
    assert _remembered(memory, texts) == memory.indices_of_texts(texts).tolist() == before
    assert (_ids(memory, before), _ids(memory, before, is_negated=True), memory.hashes[before].tolist()) == known
    assert _remembered(memory, many) == memory.indices_of_texts(many).tolist() == rows
    assert len(memory) == len(texts) + 6000
    assert _ids(memory, rows) == [[memory.vocabulary[text]] for text in many]


def test_what_is_unknown_takes_no_room() -> None:
    memory = LexemeCache(SentimentTerms(), build_vocabulary([["good"]]))
    rows = _remembered(memory, ["good", "bad", "worse", "never", ".", "@you"])
    assert len(set(rows)) == 5  # the known one, what has no term, and what is unknown by its role and leaning
    assert rows[1] == rows[2]
    before = memory.n_rows
    _remembered(memory, [f"{a}{b}0" for a in "bcdf" for b in "bcdf"])
    assert memory.n_rows == before + 1  # these do not lean either way


def test_a_lexeme_is_looked_at_once() -> None:
    calls = []

    class Counting(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            calls.append(text)
            return Lexeme(text)

    memory = LexemeCache(Counting(), build_vocabulary([]))
    for _ in range(2):
        _remembered(memory, ["a", "b", "a"])
    assert calls == ["a", "b"]


def test_a_lexeme_that_raises_leaves_the_memory_whole() -> None:
    class Failing(Spelled):
        def lexeme(self, text: str) -> Lexeme:
            if text == "?":
                raise ValueError(text)
            return super().lexeme(text)

    memory = LexemeCache(Failing(), LETTERS)
    rows = _remembered(memory, ["a", "b"])
    with pytest.raises(ValueError, match=r"\?"):
        _remembered(memory, ["c", "d", "?"])
    assert _ids(memory, _remembered(memory, ["e", "d", "c"])) == [[LETTERS[letter]] for letter in "edc"]
    assert _remembered(memory, ["a", "b"]) == rows


def test_threads_share_a_memory() -> None:
    words = [f"{a}{b}{c}" for a in "abcdex" for b in "abcdex" for c in "abcdex012"]
    memory = LexemeCache(Spelled(), LETTERS)

    def look_up(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(words))
        for start in range(0, len(order), 10):
            texts = [words[i] for i in order[start : start + 10]]
            rows = _remembered(memory, texts)
            for text, ids in zip(texts, _ids(memory, rows), strict=True):
                known = [LETTERS[letter] for letter in text if letter in LETTERS]
                assert ids == (known or [LETTERS[UNK]])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look_up, range(8)))
    assert len(memory) == len(words)


def test_hashes_that_fall_into_one_slot_are_told_apart() -> None:
    memory = LexemeCache(Spelled(), LETTERS)
    strings = {1 + (i << 40): term for i, term in enumerate(["a", "b", "c", ""])}
    rows = memory.rows(np.array([*strings, *strings], dtype=np.uint64), strings).tolist()
    assert _ids(memory, rows) == [[3], [4], [5], []] * 2


def test_docs_have_rows_of_their_tokens() -> None:
    vocab = Vocab()
    memory = LexemeCache(Spelled(), LETTERS)
    docs = [Doc(vocab, words=words) for words in (["a", "bc", "a"], [], ["1"], ["bc"])]
    rows, lengths = orths_to_rows(memory, list(map(doc_orths, docs)), vocab.strings)
    assert lengths.tolist() == [3, 0, 1, 1]
    assert rows.tolist() == memory.indices_of_texts(["a", "bc", "a", "1", "bc"]).tolist()
    rows, lengths = orths_to_rows(memory, [], StringStore())
    assert (rows.tolist(), lengths.tolist()) == ([], [])


def test_a_pipelines_memory_is_bounded_and_forgetting_changes_no_score(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find_component(trained).model
    texts = [f"I do not love word{i} :) but good food" for i in range(60)]
    expected = [doc.cats for doc in trained.pipe(texts)]
    monkeypatch.setattr(lexemes, "MAX_LEXEMES", 5)
    for text, cats in zip(texts, expected, strict=True):
        assert trained(text.replace("word", "unseen")).cats == pytest.approx(cats, abs=1e-6)
        assert len(thinc_model.lexeme_cache(model)) <= 5 + 10
    assert [doc.cats for doc in trained.pipe(texts, batch_size=7)] == [pytest.approx(c, abs=1e-6) for c in expected]


class Lowered(TokenPreprocessor):
    """What a user may write: lower-cased words."""

    def __init__(self, negation_scope: int = 0, bigram_buckets: int = 0, dropped: list[str] | None = None) -> None:
        self.negation_scope, self.bigram_buckets, self.dropped = negation_scope, bigram_buckets, dropped or []

    def lexeme(self, text: str) -> Lexeme:
        word = text.strip().lower()
        role = NEGATES if word == "not" else ENDS_NEGATION if word == "." else PLAIN
        return Lexeme(None if not word or word in self.dropped else word, role)


SETTINGS: dict[str, Any] = {"negation_scope": 2, "bigram_buckets": 32, "dropped": ["the"]}


@pytest.fixture(scope="module")
def registered() -> None:
    spacy.registry.misc("tests.Lowered.v1", func=Lowered)


def _blank(**settings: Any) -> Language:
    nlp = spacy.blank("en")
    preprocessor = {"@misc": "tests.Lowered.v1", **settings}
    nlp.add_pipe(
        "trax_sentiment", config={"model": {"embedding_dim": 8, "preprocessor": preprocessor}, "pretrained": None}
    )
    return nlp


@pytest.fixture(scope="module")
def lowered(registered: None, require_trax: None) -> Language:
    """A pipeline with a user's preprocessor, trained by `nlp.update`. Not to be changed by a test."""
    spacy.util.fix_random_seed(0)
    nlp = _blank(**SETTINGS)
    data = [("GOOD the film", 1.0), ("not bad", 1.0), ("bad film", 0.0), ("not good .", 0.0)]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"positive": value, "negative": 1 - value}})
        for text, value in data
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    return nlp


def test_a_users_preprocessor_learns(lowered: Language) -> None:
    vocabulary = find_component(lowered).model.attrs["vocabulary"]
    assert set(vocabulary) == {*SPECIAL_TERMS, "good", "film", "not", "bad", "."}
    for text in ("Good film", "NOT bad"):
        assert lowered(text).cats["positive"] > 0.9
    for text in ("Bad the film", "not GOOD ."):
        assert lowered(text).cats["negative"] > 0.9


def test_a_users_settings_are_saved(lowered: Language) -> None:
    other = _blank().from_bytes(lowered.to_bytes())
    preprocessor = find_component(other).model.attrs["preprocessor"]
    assert isinstance(preprocessor, Lowered)
    assert vars(preprocessor) == SETTINGS
    for text in ("Good film", "not good . bad the film", ""):
        assert other(text).cats == lowered(text).cats


def test_settings_survive_bytes() -> None:
    assert vars(Lowered().from_bytes(Lowered(**SETTINGS).to_bytes())) == SETTINGS


def test_a_lexeme_has_to_be_written() -> None:
    with pytest.raises(NotImplementedError):
        LexemeCache(TokenPreprocessor(), build_vocabulary([])).indices_of_texts(["a"]).tolist()


def test_pipelines_may_share_a_memory() -> None:
    memory = LexemeCache(SentimentTerms(), build_vocabulary([["good"]]))
    first, second = StringStore(["good"]), StringStore(["bad", "good"])
    orths = np.array([first["good"]], dtype=np.uint64)
    assert memory.rows(orths, first).tolist() == memory.rows(orths, second).tolist()
    assert _ids(memory, memory.rows(orths, first).tolist()) == [[3]]
