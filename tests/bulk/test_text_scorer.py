import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.bulk import chunk_cache as chunks
from spacy_trax_sentiment.bulk.chunk_tokenizer import ChunkTokenizer
from spacy_trax_sentiment.bulk.kinds import EXAMPLES
from spacy_trax_sentiment.bulk.whitespace import split
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.lexeme_cache import NO_TERM, LexemeCache
from spacy_trax_sentiment.text.preprocessor import Lexeme
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

PIECES = [":)", ":-(", "( -:-)", ": )", ":", "-", ")", "(-:", ":-)", "o.O", "O", "Of", "8)", "d.", "'em", "a.m.", "Mr."]
PIECES += ["https://t.co/ab5km", "http://a.b/c", "@user_", "@foo5km", "#tag", "word,", "dont.", "don't", "...", "not"]
PIECES += [
    "good",
    "goood!",
    "awful",
    "never",
    "but",
    "love",
    "it",
    "I",
    "\x00",
    "مرحبا",
    "e\u0301",
    "🎉🎉",
    "5km",
    "\u200d",
]
PIECES += [
    "-",
    "-:",
    ":",
    "w/o",
    "(via",
    "good...",
    "sign-ups",
    "1-2",
    "10:30.",
    "$5",
    "“good”",
    "!!!",
    "Jay-Z.",
    "it's",
]
PIECES += ["(", "user", "www.a.co", "(not", "good)", "New", "York", "U.S.", "n't", "’s", "-_-", "\u202e", "٣"]
TOKENIZER = spacy.blank("en").tokenizer
CASES = sorted(case for case in TOKENIZER.rules if not any(map(str.isspace, case)))
SPACES = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85", " \n ", ""])
TEXT = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), SPACES),
    max_size=12,
).map(lambda pieces: "".join(piece + space for piece, space in pieces))
ODD = ["", " \n\t", "🎉🎉 😭", "https://t.co/abc http://x.y", "\x00", "שלום עולם", "e\u0301\u0301", "zzzz qqqq", "@you"]


def _by_nlp(nlp: Language, texts: list[str]) -> np.ndarray:
    return np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)]).reshape(-1, 2)


@pytest.fixture(scope="module")
def scorer(trained: Language) -> TextScorer:
    return TextScorer(trained)


@settings(max_examples=300)
@given(texts=st.lists(TEXT, min_size=1, max_size=6), data=st.data())
def test_scores_are_those_of_docs_alone_in_a_batch_and_in_any_order(
    trained: Language, scorer: TextScorer, texts: list[str], data: st.DataObject
) -> None:
    expected = _by_nlp(trained, texts)
    np.testing.assert_allclose(scorer(texts), expected, atol=1e-6)
    np.testing.assert_allclose(scorer(texts), expected, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([scorer([text]) for text in texts]), expected, atol=1e-6)
    np.testing.assert_allclose([list(trained(text).cats.values()) for text in texts], expected, atol=1e-6)
    order = data.draw(st.permutations(range(len(texts))))
    np.testing.assert_allclose(scorer([texts[i] for i in order]), expected[order], atol=1e-6)
    np.testing.assert_allclose(TextScorer(trained)(texts), expected, atol=1e-6)


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_odd_texts_score_as_their_docs(trained: Language, scorer: TextScorer, text: str) -> None:
    np.testing.assert_allclose(scorer([text]), _by_nlp(trained, [text]), atol=1e-6)


@pytest.mark.parametrize("text", [*ODD, "\ud800 good \udfff", "good " * 50_000], ids=lambda text: repr(text[:12]))
def test_odd_texts_have_finite_scores_that_sum_to_1(scorer: TextScorer, text: str) -> None:
    scores = scorer([text])
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1)


def test_a_million_tokens_score_as_their_doc(trained: Language, scorer: TextScorer) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=trained)
    nlp.max_length = 10_000_000
    text = "good day , not bad " * 200_000
    np.testing.assert_allclose(scorer([text]), _by_nlp(nlp, [text]), atol=1e-6)


@pytest.mark.parametrize("text", ["", " ", "https://t.co/abc", "vvvv zzzz xxxx"])
def test_a_text_without_known_terms_gets_the_label_prior(trained: Language, scorer: TextScorer, text: str) -> None:
    prior = find_component(trained).model.attrs["label_prior"]
    assert scorer([text])[0].tolist() == pytest.approx(prior)


def test_lone_surrogates_count_as_the_replacement_character(scorer: TextScorer) -> None:
    texts = ["\ud800 good \udfff", "not good", "\ud83c\udf89 bad"]
    np.testing.assert_array_equal(scorer(texts), scorer(["\ufffd good \ufffd", "not good", "🎉 bad"]))


@pytest.mark.usefixtures("require_trax")
def test_the_label_prior_is_that_of_the_examples() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    rows = [("good", 1.0), ("fine", 1.0), ("bad", 0.0)]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"positive": value, "negative": 1 - value}})
        for text, value in rows
    ]
    nlp.initialize(lambda: examples)
    assert nlp("").cats == pytest.approx({"positive": 3 / 5, "negative": 2 / 5})


def test_streams_are_lazy_and_in_order(scorer: TextScorer) -> None:
    def endless() -> Any:
        while True:
            yield from ["I love it", "awful"]

    stream = scorer.pipe(endless(), batch_size=3)
    rows = [next(stream) for _ in range(7)]
    np.testing.assert_array_equal(rows, scorer(["I love it", "awful"] * 3 + ["I love it"]))


def test_a_stream_reads_a_batch_at_a_time(scorer: TextScorer) -> None:
    read = []

    def texts() -> Any:
        for i in range(10):
            read.append(i)
            yield f"good {i}"

    stream = scorer.pipe(texts(), batch_size=4)
    assert read == []
    next(stream)
    assert len(read) == 4
    assert len(list(stream)) == 9


def test_what_is_not_a_list_of_str_is_refused(scorer: TextScorer) -> None:
    with pytest.raises(SentimentError, match="S050"):
        scorer("one text")
    with pytest.raises(SentimentError, match="S051.*text 1 is None"):
        scorer(["a", None])  # type: ignore[list-item]
    with pytest.raises(SentimentError, match="S021.*batch_size"):
        scorer.pipe([], batch_size=0)
    assert scorer([]).shape == (0, 2)


def test_an_untrained_component_is_refused() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    with pytest.raises(ValueError, match="E109"):
        TextScorer(nlp)
    with pytest.raises(SentimentError, match="S035"):
        TextScorer(spacy.blank("en"))


@settings(max_examples=60)
@given(texts=st.lists(st.lists(st.sampled_from(CASES) | st.sampled_from(PIECES), max_size=3).map("".join), max_size=4))
def test_special_cases_are_found_as_chunks_need_them(texts: list[str]) -> None:
    lexemes = LexemeCache(SentimentTerms(), build_vocabulary([PIECES]))
    ours = ChunkTokenizer(TOKENIZER)
    for chunk in (chunk for text in texts for chunk in text.split()):
        tokens = [token.text for token in TOKENIZER(chunk)]
        rows, counts = ours.rows([chunk], lexemes)
        assert counts.tolist() == [len(tokens)]
        assert rows.tolist() == lexemes.indices_of_texts(tokens).tolist()


class _Spelled(TokenPreprocessor):
    def lexeme(self, text: str) -> Lexeme:
        return Lexeme(None if text.isspace() else text)


CHUNK_TOKENIZER = ChunkTokenizer(TOKENIZER)


def _parted(case: str) -> st.SearchStrategy[str]:
    """RETURNS: Of the special case, with white space between some of its characters."""
    return st.lists(st.sampled_from(["", "", " "]), min_size=len(case), max_size=len(case)).map(
        lambda spaces: "".join(character + space for character, space in zip(case, spaces, strict=True))
    )


@settings(max_examples=200)
@given(parts=st.lists(st.sampled_from(CASES) | st.sampled_from(CASES).flatmap(_parted) | st.sampled_from(PIECES)))
def test_special_cases_across_chunks_count_as_the_tokenizer_counts_them(parts: list[str]) -> None:
    text = "".join(parts)
    tokens = [token.text for token in TOKENIZER(text) if not token.is_space]
    lexemes = LexemeCache(_Spelled(), build_vocabulary([tokens]))
    memory = chunks.ChunkCache(CHUNK_TOKENIZER, lexemes)
    rows, _, crossing = memory.rows(split([text]))
    if crossing:
        rows, _ = memory.whole_rows([text])
        rows = rows[rows != NO_TERM]
    assert rows.tolist() == lexemes.indices_of_texts(tokens).tolist()


def test_what_stands_at_the_ends_of_neighbouring_texts_is_not_compared() -> None:
    class Counting(ChunkTokenizer):
        n_compared = 0

        def meet(self, before: str, after: str) -> bool:
            self.n_compared += 1
            return super().meet(before, after)

    texts = [case[i:] + " x y " + case[:i] for case in ("a.m.", ":-)", "I'm") for i in range(1, len(case))]
    tokenizer = Counting(TOKENIZER)
    memory = chunks.ChunkCache(tokenizer, LexemeCache(_Spelled(), build_vocabulary([["x"]])))
    memory.rows(split(["", *texts, " "]))
    assert not tokenizer.n_compared
    memory.rows(split([" ".join(texts)]))
    assert tokenizer.n_compared


class _Tokenizer:
    def __init__(self, nlp: Language) -> None:
        self.vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=list(text))


@Language.component("join_all", retokenizes=True)
def _join_all(doc: Doc) -> Doc:
    if len(doc):
        with doc.retokenize() as retokenizer:
            retokenizer.merge(doc[:])
    return doc


def _special_case(nlp: Language) -> None:
    nlp.tokenizer.add_special_case("love it", [{"ORTH": "love it"}])  # type: ignore[union-attr]


def _custom_tokenizer(nlp: Language) -> None:
    nlp.tokenizer = _Tokenizer(nlp)  # type: ignore[assignment]


def _case_of_two_words(nlp: Language) -> None:
    nlp.tokenizer.add_special_case("New York", [{"ORTH": "New York"}])  # type: ignore[union-attr]


def _retokenizing(nlp: Language) -> None:
    nlp.add_pipe("join_all", first=True)


@pytest.mark.parametrize("change", [_special_case, _case_of_two_words, _custom_tokenizer, _retokenizing])
def test_where_chunks_do_not_stand_alone_docs_are_made(
    trained: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    trained.to_disk(tmp_path / "m")
    nlp = spacy.load(tmp_path / "m")
    change(nlp)
    with caplog.at_level(logging.WARNING):
        scorer = TextScorer(nlp)
        texts = ["I love it", "awful food", "New York is good", "", "good"]
        np.testing.assert_array_equal(scorer(texts), _by_nlp(nlp, texts).astype(np.float32))
        scorer(texts)
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("require_trax")
def test_a_preprocessor_that_needs_docs_gets_docs(caplog: pytest.LogCaptureFixture) -> None:
    nlp = spacy.blank("en")
    preprocessor = {"@misc": "spacy_trax_sentiment.ProcessTweet.v1", "stop_words": []}
    nlp.add_pipe(
        "trax_sentiment", config={"model": {"embedding_dim": 8, "preprocessor": preprocessor}, "pretrained": None}
    )
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"positive": value, "negative": 1 - value}})
        for text, value in [("good film", 1.0), ("bad film", 0.0)]
    ]
    nlp.initialize(lambda: examples)
    with caplog.at_level(logging.WARNING):
        scorer = TextScorer(nlp)
        texts = ["good film @you", "bad :(", ""]
        by_nlp = [[doc.cats[label] for label in scorer.labels] for doc in nlp.pipe(texts)]
        np.testing.assert_allclose(scorer(texts), by_nlp, atol=1e-6)
    assert [("ProcessTweet" in record.getMessage()) for record in caplog.records] == [True]


def _memory(scorer: TextScorer) -> chunks.ChunkCache:
    assert scorer._memory is not None
    return scorer._memory


def test_the_memory_is_bounded(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MAX_CHUNKS", 50)
    scorer = TextScorer(trained)
    texts = [f"good word{i} not bad" for i in range(500)]
    for i in range(0, 500, 10):
        scorer(texts[i : i + 10])
        assert len(_memory(scorer)) <= 50 + 40
    np.testing.assert_allclose(list(scorer.pipe(texts, 7)), _by_nlp(trained, texts), atol=1e-6)


def test_what_was_seen_again_is_kept(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MAX_CHUNKS", 8)
    scorer = TextScorer(trained)
    for text in ("often good", "often bad a b c d e f g"):
        scorer([text])
    full = _memory(scorer)
    assert full.is_full()
    scorer(["new"])
    assert _memory(scorer) is not full
    assert len(_memory(scorer)) == 2  # "often", "new"
    np.testing.assert_allclose(scorer(["often good new"]), _by_nlp(trained, ["often good new"]), atol=1e-6)


def test_a_memory_half_full_remembers_no_mentions_links_and_numbers(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_CHUNKS", 20)
    scorer = TextScorer(trained)
    scorer([f"word{i}x" for i in range(11)])
    n_before = len(_memory(scorer))
    texts = [f"good @user{i} bad https://t.co/a{i} not {i}{i}" for i in range(50)]
    np.testing.assert_allclose(scorer(texts), _by_nlp(trained, texts), atol=1e-6)
    assert len(_memory(scorer)) == n_before + len(["good", "bad", "not", *EXAMPLES])


def test_crossings_are_found_anew_when_they_were_too_many(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MAX_CHUNKS", 4)
    scorer = TextScorer(trained)
    texts = [f"good {case[:i]} {case[i:]} bad" for case in ("a.m.", ":-)", "I'm", "o_O") for i in range(1, len(case))]
    for _ in range(3):
        np.testing.assert_allclose(scorer(texts), _by_nlp(trained, texts), atol=1e-6)


def test_chunks_of_many_tokens_are_forgotten_too(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MAX_CHUNKS", 50)
    scorer = TextScorer(trained)
    texts = [f"good {'bad/' * 100}{i}" for i in range(6)]
    for text in [text for text in texts for _ in range(2)]:
        np.testing.assert_allclose(scorer([text]), _by_nlp(trained, [text]), atol=1e-6)
        assert _memory(scorer)._n_rows <= 50 * 4 + 250


def test_unseen_words_do_not_grow_the_pipelines_vocabulary(trained: Language) -> None:
    scorer = TextScorer(trained)
    size = len(trained.vocab.strings)
    scorer([f"unseen{i}x" for i in range(1000)])
    assert len(trained.vocab.strings) == size


def test_threads_may_share_a_scorer_and_a_pipeline(trained: Language) -> None:
    scorer = TextScorer(trained)
    texts = [[f"good {i} :) not w{i * j} bad, o.O {j}" for i in range(50)] for j in range(24)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(scorer, texts))
        docs = list(pool.map(lambda batch: [trained(text).cats["positive"] for text in batch], texts))
    for batch, scores, positives in zip(texts, together, docs, strict=True):
        np.testing.assert_allclose(scores, TextScorer(trained)(batch), atol=1e-6)
        np.testing.assert_allclose(scores[:, 1], positives, atol=1e-6)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same_scores(trained: Language, tmp_path: Path, method: str) -> None:
    trained.to_disk(tmp_path / "m")
    # A script of its own: forking this process, in which JAX runs threads, may hang.
    script = tmp_path / "run.py"
    script.write_text(
        "import multiprocessing, sys, numpy as np, spacy\n"
        "from spacy_trax_sentiment import TextScorer\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method('{method}')\n"
        "    nlp = spacy.load(sys.argv[1])\n"
        "    texts = ['I love this film', 'awful food', 'not good at all', ''] * 10\n"
        "    alone = [list(nlp(text).cats.values()) for text in texts]\n"
        "    piped = [list(doc.cats.values()) for doc in nlp.pipe(texts, n_process=2, batch_size=5)]\n"
        "    np.testing.assert_allclose(piped, alone, atol=1e-6)\n"
        "    np.testing.assert_allclose(TextScorer(nlp)(texts), alone, atol=1e-6)\n"
    )
    subprocess.run([sys.executable, str(script), str(tmp_path / "m")], check=True, capture_output=True, text=True)


def test_a_scorer_is_loaded_from_a_directory(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "m")
    scorer = TextScorer.load(tmp_path / "m")
    assert scorer.labels == ("negative", "positive")
    np.testing.assert_array_equal(scorer(["I love it"]), TextScorer(trained)(["I love it"]))
    with pytest.raises(SentimentError, match="S033"):
        TextScorer.load(tmp_path / "none")
