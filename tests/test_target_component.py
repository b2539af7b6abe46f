import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Config

from spacy_trax_sentiment import SentimentError, TextScorer, save
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.target_scorer import target_score

NAME = "trax_target_sentiment"
TEXT = "good film, awful smile"
LABELS = ["negative", "neutral", "positive"]
PATTERNS = {"sources": ["patterns"], "patterns": ["film", [{"LOWER": "smile"}]]}
POLES = {"good": "positive", "great": "positive", "bad": "negative", "awful": "negative"}

texts = st.lists(st.sampled_from([*POLES, "film", "smile", ",", "not", "  ", "Ω", "?"]), max_size=30).map(" ".join)


@pytest.fixture(scope="module")
def weights(tiny_targets: Language, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("targets") / "model"
    save(tiny_targets, path)
    return str(path)


@pytest.fixture(scope="module")
def judge(weights: str) -> Language:
    """A pipeline with trained weights. Tests must not change it."""
    return _pipeline(weights)


def _pipeline(pretrained: str | None, **config: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe(NAME, config={"pretrained": pretrained, **PATTERNS, **config})
    return nlp


def _found(doc: Doc, key: str = "targets") -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans[key]]


def _alike(doc: Doc, other: Doc) -> None:
    assert _found(doc) == _found(other)
    assert np.allclose(doc.spans["targets"].attrs["scores"], other.spans["targets"].attrs["scores"], atol=1e-4)


def test_spans_are_labelled_by_what_the_text_says_of_them(judge: Language, weights: str) -> None:
    doc = judge(TEXT)
    assert _found(doc) == [("film", "positive"), ("smile", "negative")]
    scores = doc.spans["targets"].attrs["scores"]
    assert scores.dtype == np.float32
    assert scores.shape == (2, 3)
    assert judge.get_pipe(NAME).labels == tuple(LABELS)
    places = [(span.start_char, span.end_char) for span in doc.spans["targets"]]
    assert np.allclose(scores, TextScorer.load(weights).predict_proba([TEXT], [places]).values, atol=1e-5)
    for span, row in zip(doc.spans["targets"], scores.tolist(), strict=True):
        assert span._.target_sentiment.label == span.label_
        assert span._.target_sentiment.scores == pytest.approx(row, abs=1e-5)
        assert judge.get_pipe(NAME).explain(span) == span._.target_sentiment


@given(st.lists(texts, max_size=12), st.integers(1, 5))
def test_docs_stream_in_order_whatever_the_batch(judge: Language, chosen: list[str], batch_size: int) -> None:
    docs = list(judge.pipe(chosen, batch_size=batch_size))
    assert [doc.text for doc in docs] == chosen
    for doc in docs:
        one = judge(doc.text)
        alone = one.spans["targets"]
        assert [span.start for span in alone] == sorted(token.i for token in doc if token.text in ("film", "smile"))
        assert [span.start for span in doc.spans["targets"]] == [span.start for span in alone]
        assert doc.spans["targets"].attrs["scores"].shape == (len(alone), 3)
        assert np.allclose(doc.spans["targets"].attrs["scores"], alone.attrs["scores"], atol=1e-5)


def test_docs_of_other_vocabularies_and_spans_that_are_there(weights: str) -> None:
    nlp, other = _pipeline(weights, sources=["spans"], spans_key="products"), spacy.blank("en")
    docs = [nlp.make_doc(TEXT), other(TEXT), nlp.make_doc(""), other(TEXT)]
    for doc in docs:
        doc.spans["products"] = [doc[4:5], doc[1:2]] if len(doc) else []
    for doc in nlp.get_pipe(NAME).pipe(docs, batch_size=4):
        expected = [("film", "positive"), ("smile", "negative")] if len(doc) else []
        assert _found(doc, "products") == expected
    assert docs[1][1:2]._.target_sentiment.label == "positive"


def test_spans_and_scores_survive_a_docbin(judge: Language) -> None:
    docs = [judge(TEXT), judge("nothing")]
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    for before, after in zip(docs, DocBin().from_bytes(data).get_docs(judge.vocab), strict=True):
        assert _found(after) == _found(before)
        assert np.array_equal(after.spans["targets"].attrs["scores"], before.spans["targets"].attrs["scores"])
        assert all(span._.target_sentiment.label == span.label_ for span in after.spans["targets"])


def test_processes_give_the_same(judge: Language, tmp_path: Path) -> None:
    judge.to_disk(tmp_path)  # in a process of its own, because JAX cannot be forked
    code = (
        f"import spacy\nnlp = spacy.load({str(tmp_path)!r})\nif __name__ == '__main__':\n"
        f"    for doc in nlp.pipe([{TEXT!r}] * 3, n_process=2, batch_size=1):\n"
        "        print([(span.text, span.label_) for span in doc.spans['targets']], doc.spans['targets'].attrs)"
    )
    (tmp_path / "run.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, str(tmp_path / "run.py")], capture_output=True, text=True)
    assert done.stdout.count(str(_found(judge(TEXT)))) == 3, done.stderr
    assert done.stdout.count("dtype=float32") == 3


def test_a_text_that_says_nothing_is_neutral(weights: str) -> None:
    nlp = _pipeline(weights, patterns=["!"])
    nlp.get_pipe(NAME).load_pending()
    nlp.get_pipe(NAME).model.attrs["label_prior"] = None  # all labels are equally probable, as for bundled models
    doc = nlp("! ?")
    assert _found(doc) == [("!", "neutral")]
    assert doc[0:1]._.target_sentiment.label == "neutral"


def test_two_components_answer_two_questions(weights: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    nlp.add_pipe(NAME, config={"pretrained": weights, **PATTERNS})
    doc = nlp(TEXT)
    assert set(doc.cats) == {"negative", "positive"}
    assert doc._.sentiment.labels == ("negative", "positive")
    film = doc.spans["targets"][0]
    assert film._.sentiment.label is None or film._.sentiment.labels == ("negative", "positive")
    assert film._.target_sentiment.label == "positive"
    blank = Doc(nlp.vocab, ["good", "film"])
    assert blank[1:2]._.target_sentiment.labels == tuple(LABELS)
    assert blank._.sentiment.label == "positive"


@pytest.mark.parametrize("way", ["disk", "bytes", "both"])
def test_saved_pipelines_give_the_same(judge: Language, tmp_path: Path, way: str) -> None:
    if way == "bytes":
        again = _pipeline(None).from_bytes(judge.to_bytes())
    else:
        judge.to_disk(tmp_path)
        again = spacy.load(tmp_path)
    if way == "both":
        again.to_disk(tmp_path / "again")
        again = spacy.load(tmp_path / "again")
    _alike(again(TEXT), judge(TEXT))


def test_a_saved_pipeline_does_not_need_the_weights_that_it_started_with(judge: Language, tmp_path: Path) -> None:
    judge.to_disk(tmp_path)
    config = Config().from_disk(tmp_path / "config.cfg", interpolate=False)
    config["components"][NAME]["pretrained"] = str(tmp_path / "elsewhere")
    config.to_disk(tmp_path / "config.cfg")
    _alike(spacy.load(tmp_path)(TEXT), judge(TEXT))


def test_the_config_says_which_key_to_use(judge: Language, tmp_path: Path) -> None:
    judge.to_disk(tmp_path)
    nlp = spacy.load(tmp_path, config={f"components.{NAME}.spans_key": "other"})
    assert list(nlp(TEXT).spans) == ["other"]


def test_labels_can_be_restricted(weights: str) -> None:
    nlp = _pipeline(weights, restrict_labels=["negative", "positive"])
    scores = nlp(TEXT).spans["targets"].attrs["scores"]
    assert scores.shape == (2, 2)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(SentimentError, match="S086"):
        nlp.update(_examples(nlp))


# Training


def _examples(nlp: Language, key: str = "targets") -> list[Example]:
    examples = []
    for first, of_first in POLES.items():
        for second, of_second in POLES.items():
            text = f"{first} film, {second} smile"
            places = [(text.index(target), text.index(target) + len(target)) for target in ("film", "smile")]
            spans = [(*place, label) for place, label in zip(places, (of_first, of_second), strict=True)]
            examples.append(Example.from_dict(nlp.make_doc(text), {"spans": {key: spans}}))
    return examples


def _untrained(tiny_encoder: dict[str, Any], **config: Any) -> Language:
    return _pipeline(None, model=_model(tiny_encoder), **config)


def _model(tiny_encoder: dict[str, Any]) -> dict[str, Any]:
    return {**tiny_encoder, "width": 16, "frozen_embedding": False, "start": None, "target_head": True}


@pytest.fixture(scope="module")
def trained(tiny_encoder: dict[str, Any], require_trax: None) -> tuple[Language, list[float]]:
    """A pipeline trained by `nlp.update`, and its losses. Tests must not change it."""
    spacy.util.fix_random_seed(0)
    nlp = _untrained(tiny_encoder)
    examples = _examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    losses = [nlp.update(examples, sgd=optimizer, losses={})[NAME] for _ in range(60)]
    return nlp, losses


def test_update_lowers_the_loss_and_learns(trained: tuple[Language, list[float]]) -> None:
    nlp, losses = trained
    assert nlp.get_pipe(NAME).labels == ("positive", "negative")
    assert losses[0] == pytest.approx(np.log(2), abs=0.4)
    assert losses[-1] < 0.1
    assert _found(nlp(TEXT)) == [("film", "positive"), ("smile", "negative")]
    scores = nlp.evaluate(_examples(nlp))
    assert scores["target_acc"] == scores["target_macro_f"] == scores["spans_targets_f"] == 1


def test_gold_spans_are_judged_even_if_they_would_not_be_chosen(trained: tuple[Language, list[float]]) -> None:
    examples = _examples(trained[0])
    component = trained[0].get_pipe(NAME)
    assert component.score(examples)["target_acc"] == 1  # nothing was predicted
    assert target_score(examples, spans_key="targets")["target_acc"] == 0
    assert target_score([], spans_key="targets")["target_macro_f"] is None


def test_the_loss_is_exact(trained: tuple[Language, list[float]]) -> None:
    component = trained[0].get_pipe(NAME)
    (example,) = _examples(trained[0])[:1]
    scores = np.array([[0.8, 0.2], [0.5, 0.5]], dtype=np.float32)
    loss, gradient = component.get_loss([example], scores)
    assert loss == pytest.approx(-np.log(0.8 * 0.5) / 2)
    assert np.allclose(gradient, [[-0.1, 0.1], [-0.25, 0.25]])


def test_saved_after_training_gives_the_same(trained: tuple[Language, list[float]], tmp_path: Path) -> None:
    trained[0].to_disk(tmp_path)
    _alike(spacy.load(tmp_path)(TEXT), trained[0](TEXT))


@pytest.mark.usefixtures("require_trax")
def test_pretrained_weights_can_be_trained_further(weights: str) -> None:
    nlp = _pipeline(weights)
    examples = _examples(nlp)
    before = nlp(TEXT).spans["targets"].attrs["scores"]
    optimizer = nlp.initialize(lambda: examples)
    assert np.array_equal(nlp(TEXT).spans["targets"].attrs["scores"], before)
    losses = [nlp.update(examples, sgd=optimizer, losses={})[NAME] for _ in range(3)]
    assert losses[-1] < losses[0] < 0.7
    assert not np.array_equal(nlp(TEXT).spans["targets"].attrs["scores"], before)


@pytest.mark.usefixtures("require_trax")
def test_examples_without_spans_or_words_or_labels_teach_nothing(trained: tuple[Language, list[float]]) -> None:
    nlp = trained[0]
    component = nlp.get_pipe(NAME)
    weights = component.model.get_param("W_target").copy()
    unlabelled, blank = (Example(nlp.make_doc("good   film"), nlp.make_doc("good   film")) for _ in range(2))
    unlabelled.reference.spans["targets"] = [Span(unlabelled.reference, 2, 3)]
    blank.reference.spans["targets"] = [Span(blank.reference, 1, 2, label="positive")]
    nothing = [Example.from_dict(nlp.make_doc(text), {}) for text in ("", "good film")]
    for examples in ([unlabelled], [blank], nothing, []):
        assert component.update(examples, sgd=nlp.create_optimizer()) == {NAME: 0.0}
    assert np.array_equal(component.model.get_param("W_target"), weights)


@pytest.mark.slow
@pytest.mark.usefixtures("require_trax")
def test_spacy_train(tiny_encoder: dict[str, Any], tmp_path: Path) -> None:
    nlp = _untrained(tiny_encoder, sources=["ents"], patterns=[])
    DocBin(docs=[example.reference for example in _examples(nlp)]).to_disk(tmp_path / "texts.spacy")
    config = nlp.config.copy()
    for name in ("train", "dev"):
        config["corpora"][name]["path"] = str(tmp_path / "texts.spacy")
    config["training"] |= {"max_steps": 60, "eval_frequency": 20}
    config["training"]["optimizer"]["learn_rate"] = 0.01
    config.to_disk(tmp_path / "config.cfg")
    command = [sys.executable, "-m", "spacy", "train", str(tmp_path / "config.cfg"), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    best = spacy.load(tmp_path / "out" / "model-best")
    assert best.meta["performance"]["target_acc"] > 0.9
    assert best.meta["performance"]["target_macro_f"] > 0.9
    scores = best.evaluate(_examples(best))
    assert scores["target_acc"] > 0.9


# Errors


def test_weights_without_a_target_head_are_refused_before_the_first_doc(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S200"):
        _pipeline("en")
    other = spacy.blank("en")
    other.add_pipe("trax_sentiment")
    other.to_disk(tmp_path)
    with pytest.raises(SentimentError, match="S200"):
        _pipeline(None).get_pipe(NAME).from_disk(tmp_path / "trax_sentiment")


def _labelled(*labels: str) -> Callable[[Language], Iterable[Example]]:
    def examples(nlp: Language) -> Sequence[Example]:
        spans = [(5, 9, label) for label in labels]
        return [Example.from_dict(nlp.make_doc("good film"), {"spans": {"targets": spans}})]

    return examples


@pytest.mark.parametrize("labels", [[], ["positive"]])
def test_fewer_than_two_labels_are_refused(tiny_encoder: dict[str, Any], labels: list[str]) -> None:
    nlp = _untrained(tiny_encoder)
    with pytest.raises(SentimentError, match="S210"):
        nlp.initialize(lambda: _labelled(*labels)(nlp))


def test_a_model_without_a_target_head_cannot_be_trained() -> None:
    model = {
        "@architectures": "spacy_trax_sentiment.Classifier.v1",
        "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"},
    }
    nlp = _pipeline(None, model=model)
    with pytest.raises(SentimentError, match="S200"):
        nlp.initialize(lambda: _labelled("positive", "negative")(nlp))


def test_a_blank_component_predicts_nothing(tiny_encoder: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="E109"):
        _untrained(tiny_encoder)(TEXT)


def test_labels_that_the_weights_lack_are_refused(weights: str) -> None:
    nlp = _pipeline(weights)
    with pytest.raises(SentimentError, match="S037"):
        nlp.initialize(lambda: _labelled("positive", "mixed")(nlp))
    with pytest.raises(SentimentError, match="S209"):
        nlp.update(_labelled("mixed")(nlp))


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S036"):
        _pipeline(str(tmp_path / "none"))(TEXT)
    with pytest.raises(SentimentError, match="S036"):
        _pipeline("en_trff")


def test_the_bundled_text_component_is_left_as_it_is(judge: Language, tiny_targets: Language) -> None:
    assert find_component(tiny_targets).labels == judge.get_pipe(NAME).labels
    with pytest.raises(SentimentError, match="S035"):
        find_component(judge)


def test_phrases_are_found_in_every_memory_zone(weights: str) -> None:
    judge = _pipeline(weights, patterns=["awful smile"])
    for _ in range(3):
        with judge.memory_zone():
            assert _found(judge(TEXT)) == [("awful smile", "negative")]


def test_given_spans_keep_their_ids(weights: str) -> None:
    judge = _pipeline(weights, sources=["spans"])
    doc = judge.make_doc(TEXT)
    doc.spans["targets"] = [Span(doc, 1, 2, label="ASPECT", kb_id="Q1", span_id="row7"), Span(doc, 4, 5)]
    film, smile = judge(doc).spans["targets"]
    assert (film.label_, film.kb_id_, film.id_) == ("positive", "Q1", "row7")
    assert (smile.label_, smile.kb_id_, smile.id_) == ("negative", "", "")
