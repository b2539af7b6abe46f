import logging
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
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
from spacy_trax_sentiment.bulk.text_scorer import scorer_for
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component, load, save
from spacy_trax_sentiment.training.labelled import LabelledText

PIECES = [":)", ":-(", ":", "-", ")", "(-:", ":-)", "o.O", "O", "Of", "8)", "d.", "'em", "a.m.", "Mr.", "-:", "("]
PIECES += ["https://t.co/ab5km", "http://a.b/c", "@user_", "@foo5km", "#tag", "word,", "dont.", "don't", "...", "not"]
PIECES += ["good", "goood!", "awful", "never", "but", "love", "it", "I", "\x00", "مرحبا", "e\u0301", "🎉🎉", "5km"]
PIECES += ["w/o", "(via", "good...", "sign-ups", "1-2", "10:30.", "$5", "“good”", "!!!", "Jay-Z.", "it's", "user"]
PIECES += ["www.a.co", "(not", "good)", "New", "York", "U.S.", "n't", "’s", "-_-", "\u202e", "\u200d", "٣"]
PIECES += ["( -:-)", ": )"]
SPACES = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85", " \n ", ""])
TEXT = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), SPACES),
    max_size=12,
).map(lambda pieces: "".join(piece + space for piece, space in pieces))
ODD = ["", " \n\t", "🎉🎉 😭", "https://t.co/abc http://x.y", "\x00", "שלום עולם", "e\u0301\u0301", "zzzz qqqq", "@you"]


EMOTICONS = [":)", ":(", ":-)", "(:", "((:", ":))", "8)", ":D", "(-:", "):", ";)", "=)", ": (", "good", "not", " "]


def _with_spaces(emoticon: str) -> st.SearchStrategy[str]:
    """Draw the emoticon with white space between some of its characters."""
    return st.lists(st.sampled_from(["", " "]), min_size=len(emoticon), max_size=len(emoticon)).map(
        lambda spaces: "".join(character + space for character, space in zip(emoticon, spaces, strict=True))
    )


def _by_nlp(nlp: Language, texts: list[str]) -> np.ndarray:
    return np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)]).reshape(-1, 2)


@pytest.fixture(scope="module")
def bundled() -> Language:
    """The pipeline of the bundled model. Tests must not change it."""
    return load("en")


@pytest.fixture(scope="module")
def scorer(bundled: Language) -> TextScorer:
    return TextScorer(bundled)


def test_scores_are_those_of_docs(
    bundled: Language, scorer: TextScorer, short_texts: tuple[list[LabelledText], list[LabelledText]]
) -> None:
    texts = [text for part in short_texts for text, _ in part]
    np.testing.assert_allclose(scorer(texts), _by_nlp(bundled, texts), atol=1e-6)


def test_a_scorer_can_be_sent_to_other_processes(tmp_path: Path) -> None:
    """A bundled model, one with some of its labels, a pipeline that no file holds, and one whose file is gone."""
    changed, path = load("en_ternary", labels=["negative", "positive"]), tmp_path / "model"
    changed.tokenizer.add_special_case("goodnot", [{"ORTH": "good"}, {"ORTH": "not"}])
    save(load("en"), path)
    binary = TextScorer.load("en_ternary", labels=["negative", "positive"])
    scorers = [TextScorer.load(), binary, TextScorer(changed), TextScorer.load(path)]
    path.rename(tmp_path / "elsewhere")
    texts = ["goodnot", "not good at all", "awful 😭", ""]
    assert len(pickle.dumps(scorers[0])) < 1000
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        for scorer in scorers:
            here = pickle.loads(pickle.dumps(scorer))
            assert here.labels == scorer.labels
            np.testing.assert_array_equal(here(texts), scorer(texts))
            np.testing.assert_array_equal(other.submit(scorer, texts).result(), scorer(texts))


@pytest.mark.slow
@settings(max_examples=300)
@given(texts=st.lists(TEXT, min_size=1, max_size=6), data=st.data())
def test_scores_are_those_of_docs_alone_in_a_batch_and_in_any_order(
    bundled: Language, scorer: TextScorer, texts: list[str], data: st.DataObject
) -> None:
    expected = _by_nlp(bundled, texts)
    np.testing.assert_allclose(scorer(texts), expected, atol=1e-6)
    np.testing.assert_allclose(scorer(texts), expected, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([scorer([text]) for text in texts]), expected, atol=1e-6)
    np.testing.assert_allclose([list(bundled(text).cats.values()) for text in texts], expected, atol=1e-6)
    order = data.draw(st.permutations(range(len(texts))))
    np.testing.assert_allclose(scorer([texts[i] for i in order]), expected[order], atol=1e-6)
    np.testing.assert_allclose(TextScorer(bundled)(texts), expected, atol=1e-6)


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_odd_texts_score_as_their_docs(bundled: Language, scorer: TextScorer, text: str) -> None:
    np.testing.assert_allclose(scorer([text]), _by_nlp(bundled, [text]), atol=1e-6)


@pytest.mark.parametrize("text", [*ODD, "\ud800 good \udfff", "good " * 50_000], ids=lambda text: repr(text[:12]))
def test_odd_texts_have_finite_scores_that_sum_to_1(scorer: TextScorer, text: str) -> None:
    scores = scorer([text])
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1)


def test_a_million_tokens_score_as_their_doc(bundled: Language, scorer: TextScorer) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=bundled)
    nlp.max_length = 10_000_000
    text = "good day , not bad " * 200_000
    np.testing.assert_allclose(scorer([text]), _by_nlp(nlp, [text]), atol=1e-6)


@pytest.mark.parametrize("text", ["", " ", "https://t.co/abc", "@you"])
def test_a_text_without_known_terms_gets_the_label_prior(bundled: Language, scorer: TextScorer, text: str) -> None:
    prior = find_component(bundled).model.attrs["label_prior"]
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


def test_pipe_is_lazy_and_keeps_the_order(scorer: TextScorer) -> None:
    def endless() -> Any:
        while True:
            yield from ["I love it", "awful"]

    stream = scorer.pipe(endless(), batch_size=3)
    rows = [next(stream) for _ in range(7)]
    np.testing.assert_array_equal(rows, scorer(["I love it", "awful"] * 3 + ["I love it"]))


def test_pipe_reads_a_batch_at_a_time(scorer: TextScorer) -> None:
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


def test_anything_but_texts_is_refused(scorer: TextScorer) -> None:
    with pytest.raises(SentimentError, match="S050"):
        scorer("one text")
    with pytest.raises(SentimentError, match="S050"):
        scorer.pipe("one text")
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


class _Tokenizer:
    def __init__(self, nlp: Language) -> None:
        self.vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=list(text))


def test_anything_but_texts_is_refused_where_docs_are_made_too() -> None:
    nlp = load("en")
    nlp.tokenizer = _Tokenizer(nlp)  # type: ignore[assignment]
    with pytest.raises(SentimentError, match="S051.*text 1 is None"):
        TextScorer(nlp)(["a", None])  # type: ignore[list-item]
    assert TextScorer(nlp)([]).shape == (0, 2)


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
def test_docs_are_made_if_chunks_do_not_stand_alone(
    bundled: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    bundled.to_disk(tmp_path / "m")
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


@pytest.mark.parametrize("max_chunks", [4, 8, 20, 50])
def test_a_small_cache_changes_no_score(bundled: Language, max_chunks: int) -> None:
    scorer = TextScorer(bundled, max_chunks=max_chunks)
    texts = [f"good word{i} @user{i} not bad https://t.co/a{i} {i}{i}" for i in range(200)]
    texts += [f"good {case[:i]} {case[i:]} :):" for case in ("a.m.", ":-)", "I'm", "o_O") for i in range(1, len(case))]
    texts += [f"good {'bad/' * 100}{i}" for i in range(6)]
    expected = _by_nlp(bundled, texts)
    for _ in range(2):
        np.testing.assert_allclose(list(scorer.pipe(texts, 7)), expected, atol=1e-6)


@settings(max_examples=200)
@given(parts=st.lists(st.sampled_from(EMOTICONS) | st.sampled_from(EMOTICONS).flatmap(_with_spaces), max_size=6))
def test_emoticons_across_white_space_score_as_their_docs(
    bundled: Language, scorer: TextScorer, parts: list[str]
) -> None:
    text = "".join(parts)
    np.testing.assert_allclose(scorer([text]), _by_nlp(bundled, [text]), atol=1e-6)


def test_unseen_words_do_not_grow_the_pipelines_vocabulary(bundled: Language) -> None:
    scorer = TextScorer(bundled)
    size = len(bundled.vocab.strings)
    scorer([f"unseen{i}x" for i in range(1000)])
    assert len(bundled.vocab.strings) == size


def test_threads_may_share_a_scorer_and_a_pipeline(bundled: Language) -> None:
    scorer = TextScorer(bundled)
    texts = [[f"good {i} :) not w{i * j} bad, o.O {j}" for i in range(50)] for j in range(24)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(scorer, texts))
        docs = list(pool.map(lambda batch: [bundled(text).cats["positive"] for text in batch], texts))
    for batch, scores, positives in zip(texts, together, docs, strict=True):
        np.testing.assert_allclose(scores, TextScorer(bundled)(batch), atol=1e-6)
        np.testing.assert_allclose(scores[:, 1], positives, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same_scores(bundled: Language, tmp_path: Path, method: str) -> None:
    bundled.to_disk(tmp_path / "m")
    # Run in another process, because forking this one, in which JAX has threads, may hang.
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


def test_a_scorer_is_loaded_from_a_directory(bundled: Language, tmp_path: Path) -> None:
    bundled.to_disk(tmp_path / "m")
    scorer = TextScorer.load(tmp_path / "m")
    assert scorer.labels == ("negative", "positive")
    np.testing.assert_array_equal(scorer(["I love it"]), TextScorer(bundled)(["I love it"]))
    with pytest.raises(SentimentError, match="S033"):
        TextScorer.load(tmp_path / "none")


def test_the_labels_of_the_highest_probabilities_are_predicted(scorer: TextScorer) -> None:
    texts = ["I love it", "awful food", "not good at all"]
    probabilities = scorer.predict_proba(texts)
    assert scorer.classes_ == scorer.labels == ("negative", "positive")
    assert scorer.predict(texts) == [scorer.labels[i] for i in probabilities.argmax(axis=1)]
    assert scorer.predict([]) == []
    np.testing.assert_array_equal(scorer(texts), probabilities)


def test_a_process_has_one_scorer_per_model() -> None:
    assert scorer_for("en") is scorer_for("en")
    assert scorer_for("en_ternary").labels == ("negative", "neutral", "positive")
    with pytest.raises(SentimentError):
        scorer_for("no_such_model")


NO_EVIDENCE = ["", "@user", "https://example.org/x", "привет мир", "qwrtzpl", "\u00a7 \u00b6"]


@pytest.mark.parametrize(("model", "expected"), [("en", None), ("en_ternary", "neutral")])
def test_texts_without_evidence_are_not_negative(model: str, expected: str | None) -> None:
    nlp = load(model)
    scorer = TextScorer(nlp)
    assert scorer.predict(NO_EVIDENCE) == [expected] * len(NO_EVIDENCE)
    for text, row in zip(NO_EVIDENCE, scorer(NO_EVIDENCE).tolist(), strict=True):
        sentiment = nlp(text)._.sentiment
        assert (sentiment.label, sentiment.n_known) == (expected, 0)
        assert sentiment.probability == (None if expected is None else pytest.approx(row[1]))
        assert row == pytest.approx([1 / len(row)] * len(row))


def test_a_scorer_keeps_the_tokenizer_that_it_was_made_with() -> None:
    nlp = load("en")
    scorer = TextScorer(nlp)
    expected = scorer(["not good, sadly"])
    other = TextScorer(nlp)
    nlp.tokenizer = lambda text: Doc(nlp.vocab, [text])  # type: ignore[assignment]
    np.testing.assert_array_equal(other(["not good, sadly"]), expected)


def test_threads_may_score_targets_with_one_scorer(tiny_targets: Language) -> None:
    texts = [f"word{i} good film{i}, awful smile" for i in range(200)]
    spans = [(text.index("smile"), len(text)) for text in texts]
    scorer = TextScorer(tiny_targets)
    expected = scorer.scored_targets(texts, spans).probabilities
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: scorer.scored_targets(texts, spans).probabilities, range(8)):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    with tiny_targets.memory_zone():  # as around other work with the pipeline
        np.testing.assert_allclose(scorer.scored_targets(texts, spans).probabilities, expected, atol=1e-6)
