import copy
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
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
from spacy_trax_sentiment.component import TraxSentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component, load

SMALL = {"model": {"embedding_dim": 8}, "pretrained": None}
DATA = [
    ("I love it, great", "positive"),
    ("I hate it, awful", "negative"),
    ("good good stuff", "positive"),
    ("bad stuff really", "negative"),
]


def _examples(nlp: Language, data: Iterable[tuple[str, str]] = DATA) -> list[Example]:
    labels = sorted({label for _, label in data})
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": {name: float(name == label) for name in labels}})
        for text, label in data
    ]


def _blank(config: dict[str, Any] = SMALL) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config=config)
    return nlp


@pytest.fixture(scope="module")
def updated(require_trax: None) -> Language:
    """A pipeline trained by `nlp.update`. Tests must not change it."""
    spacy.util.fix_random_seed(0)
    nlp = _blank()
    examples = _examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    for _ in range(50):
        nlp.update(examples, sgd=optimizer)
    return nlp


def test_update_learns_the_examples(updated: Language) -> None:
    for text, label in DATA:
        assert updated(text).cats[label] > 0.9
    assert updated.evaluate(_examples(updated))["cats_score"] == 1.0


@pytest.mark.usefixtures("require_trax")
def test_update_lowers_the_loss_that_it_reports() -> None:
    nlp = _blank()
    examples = _examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    losses: list[dict[str, float]] = [nlp.update(examples, sgd=optimizer, losses={}) for _ in range(30)]
    assert losses[0]["trax_sentiment"] == pytest.approx(np.log(2), abs=0.3)
    assert losses[-1]["trax_sentiment"] < losses[0]["trax_sentiment"]


def test_the_loss_is_the_negative_log_likelihood_of_labelled_examples(updated: Language) -> None:
    component = find_component(updated)
    scores = np.array([[0.8, 0.2], [0.5, 0.5]], dtype=np.float32)
    positive = component.labels.index("positive")
    examples = [
        Example.from_dict(updated.make_doc("a"), {"cats": {"positive": 1.0, "negative": 0.0}}),
        Example.from_dict(updated.make_doc("b"), {"cats": {}}),
    ]
    loss, gradient = component.get_loss(examples, scores)
    assert loss == pytest.approx(-np.log(scores[0, positive]) / 2)
    np.testing.assert_allclose(gradient[0].sum(), 0, atol=1e-6)
    np.testing.assert_allclose(gradient[1], scores[1] / 2)  # the log-softmax cancels all of it


def test_the_loss_does_not_grow_with_the_batch(updated: Language) -> None:
    component, examples = find_component(updated), _examples(updated)
    scores = component.predict([example.predicted for example in examples])
    loss, _ = component.get_loss(examples, scores)
    assert component.get_loss(examples * 2, np.tile(scores, (2, 1)))[0] == pytest.approx(loss)


@pytest.mark.usefixtures("require_trax")
def test_an_example_without_a_label_teaches_nothing() -> None:
    nlp = _blank()
    optimizer = nlp.initialize(lambda: _examples(nlp))
    before = find_component(nlp).model.to_bytes()
    optimizer.learn_rate = 1.0
    optimizer.L2 = 0.0
    unlabelled = [Example.from_dict(nlp.make_doc("good stuff"), {"cats": {}})]
    model = find_component(nlp).model
    scores, backprop = model.begin_update([example.predicted for example in unlabelled])
    backprop(find_component(nlp).get_loss(unlabelled, scores)[1])
    assert all(np.abs(model.get_grad(name)).max() < 1e-7 for name in ("E", "W", "b"))
    assert model.to_bytes() == before


class _OnlyE:
    """An optimizer that moves the embedding alone, in place."""

    def __call__(self, key: tuple[int, str], weights: Any, gradient: Any) -> tuple[Any, Any]:
        if key[1] == "E":
            weights -= gradient
        return weights, np.zeros_like(gradient)


def test_after_an_update_of_the_embedding_alone_nothing_is_stale(updated: Language) -> None:
    nlp = _blank().from_bytes(updated.to_bytes())
    scorer, doc = TextScorer(nlp), nlp.make_doc("good stuff")
    nlp("good stuff"), scorer(["good stuff"])  # fills the caches
    explained = find_component(nlp).explain(doc).log_odds
    examples = _examples(nlp, [("good stuff", "negative"), ("bad stuff", "positive")])
    for _ in range(3):
        before = nlp("good stuff").cats["positive"]
        nlp.update(examples, sgd=_OnlyE())  # type: ignore[arg-type]
        after = nlp("good stuff").cats
        assert after["positive"] < before
        assert after == _blank().from_bytes(nlp.to_bytes())("good stuff").cats
        np.testing.assert_allclose(scorer(["good stuff"])[0], list(after.values()), atol=1e-6)
        assert find_component(nlp).explain(doc).log_odds != explained


@pytest.mark.parametrize("run", [lambda nlp: nlp("x"), lambda nlp: list(nlp.pipe(["x", ""])), lambda nlp: nlp("")])
def test_an_untrained_component_gives_spacys_own_error(run: Callable[[Language], Any]) -> None:
    with pytest.raises(ValueError, match=r"\[E109\] Component 'trax_sentiment'"):
        run(_blank())


@pytest.mark.parametrize("text", ["", " ", "zzzz qqqq", "@you", "https://t.co/x", "\x00", "👍", "ا" * 50])
def test_odd_texts_get_probabilities(updated: Language, text: str) -> None:
    cats = updated(text).cats
    assert set(cats) == {"positive", "negative"}
    assert sum(cats.values()) == pytest.approx(1)
    assert all(0 <= p <= 1 for p in cats.values())


def test_texts_without_known_terms_all_score_the_same(updated: Language) -> None:
    assert updated("").cats == updated("table").cats == updated("table chair parcels").cats


@settings(max_examples=30)
@given(st.lists(st.text() | st.sampled_from([text for text, _ in DATA]), min_size=1, max_size=6))
def test_a_text_scores_the_same_alone_and_in_a_batch(updated: Language, texts: list[str]) -> None:
    for doc, text in zip(updated.pipe(texts), texts, strict=True):
        assert doc.cats == pytest.approx(updated(text).cats, abs=1e-6)


def _assert_same(nlp: Language, other: Language) -> None:
    for text, _ in DATA:
        assert other(text).cats == nlp(text).cats


def test_a_pipeline_is_saved_to_disk_and_loaded(updated: Language, tmp_path: Path) -> None:
    updated.to_disk(tmp_path)
    _assert_same(updated, spacy.load(tmp_path))
    assert find_component(load(tmp_path)).labels == find_component(updated).labels


def test_a_pipeline_is_turned_into_bytes_and_back(updated: Language) -> None:
    _assert_same(updated, _blank().from_bytes(updated.to_bytes()))


def test_a_component_is_pickled(updated: Language) -> None:
    component = pickle.loads(pickle.dumps(find_component(updated)))
    docs = [updated.make_doc(text) for text, _ in DATA]
    np.testing.assert_array_equal(component.predict(docs), find_component(updated).predict(docs))


def test_pretrained_weights_are_loaded_from_a_pipeline_or_a_component(updated: Language, tmp_path: Path) -> None:
    updated.to_disk(tmp_path)
    _assert_same(updated, _blank({"pretrained": str(tmp_path)}))
    _assert_same(updated, _blank({"pretrained": str(tmp_path / "trax_sentiment")}))


def test_pretrained_weights_are_kept_by_initialize(updated: Language, tmp_path: Path) -> None:
    updated.to_disk(tmp_path)
    nlp = _blank({"pretrained": str(tmp_path)})
    nlp.initialize(lambda: _examples(nlp, DATA[:2]))
    _assert_same(updated, nlp)
    with pytest.raises(SentimentError, match="S037.*neutral"):
        nlp.initialize(lambda: _examples(nlp, [*DATA, ("so so", "neutral")]))


def test_missing_pretrained_weights_are_named_when_used(tmp_path: Path) -> None:
    nlp = _blank({"pretrained": str(tmp_path / "gone")})
    with pytest.raises(SentimentError, match="S036.*gone"):
        nlp("x")
    with pytest.raises(SentimentError, match="S036.*gone"):
        nlp.initialize(lambda: _examples(nlp))


def test_a_saved_pipeline_loads_after_its_pretrained_path_is_gone(updated: Language, tmp_path: Path) -> None:
    updated.to_disk(tmp_path / "first")
    nlp = _blank({"pretrained": str(tmp_path / "first")})
    nlp.to_disk(tmp_path / "second")
    (tmp_path / "first").rename(tmp_path / "moved")
    _assert_same(updated, spacy.load(tmp_path / "second"))


def test_initializing_again_starts_from_the_new_texts(updated: Language) -> None:
    nlp = _blank().from_bytes(updated.to_bytes())
    examples = _examples(nlp, [("wonderful", "positive"), ("dreadful", "negative")])
    optimizer = nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=optimizer)
    assert "wonder" in find_component(nlp).model.attrs["vocabulary"]
    assert "stuff" not in find_component(nlp).model.attrs["vocabulary"]


@pytest.mark.usefixtures("require_trax")
def test_the_same_seed_gives_the_same_weights() -> None:
    def train() -> bytes:
        spacy.util.fix_random_seed(7)
        nlp = _blank()
        examples = _examples(nlp)
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(3):
            nlp.update(examples, sgd=optimizer, drop=0.2)
        return bytes(find_component(nlp).model.to_bytes())

    assert train() == train()


def _printed_by(code: str, *arguments: Path) -> str:
    """Return what the code prints in a Python process of its own, which must succeed."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_two_processes_give_the_same_scores(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "m")
    # In a process of its own: forking this one, in which JAX runs threads, may hang.
    code = (
        "import json, spacy, sys\n"
        "if __name__ == '__main__':\n"
        "    nlp = spacy.load(sys.argv[1])\n"
        "    texts = ['I love this film', 'awful food'] * 20\n"
        "    print(json.dumps([d.cats for d in nlp.pipe(texts, n_process=2, batch_size=5)] == "
        "[nlp(t).cats for t in texts]))"
    )
    assert _printed_by(code, tmp_path / "m") == "true"


def test_serving_imports_neither_trax_nor_jax_nor_tensorflow(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "m")
    code = (
        "import sys, spacy, spacy_trax_sentiment\n"
        "nlp = spacy.load(sys.argv[1])\n"
        "assert nlp('a lovely day').cats and list(nlp.pipe(['a', 'b']))\n"
        "print(sorted({'trax', 'jax', 'jaxlib', 'tensorflow'} & set(sys.modules)))"
    )
    assert _printed_by(code, tmp_path / "m") == "[]"


def test_add_pipe_finds_the_component_without_an_import_and_without_nltk() -> None:
    code = (
        "import sys, spacy\n"
        "nlp = spacy.blank('en')\n"
        "nlp.add_pipe('trax_sentiment')\n"
        "print(sorted({'nltk', 'trax', 'matplotlib', 'pyarrow'} & set(sys.modules)))"
    )
    assert _printed_by(code) == "[]"


def test_the_factory_declares_what_it_assigns_and_scores() -> None:
    meta = Language.get_factory_meta("trax_sentiment")
    assert meta.assigns == ["doc.cats"]
    assert meta.default_score_weights["cats_score"] == 1.0
    assert isinstance(_blank().get_pipe("trax_sentiment"), TraxSentiment)


def test_a_directory_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S033"):
        load(tmp_path / "none")
    with pytest.raises(SentimentError, match="S034"):
        load(tmp_path)
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(SentimentError, match="S035"):
        load(tmp_path / "blank")


def test_the_tokenizers_cache_is_enlarged_if_that_is_asked_for() -> None:
    assert spacy.blank("en").tokenizer.max_cache_size == 10_000  # type: ignore[union-attr]
    assert _blank().tokenizer.max_cache_size == 100_000  # type: ignore[union-attr]
    assert _blank({**SMALL, "tokenizer_cache_size": None}).tokenizer.max_cache_size == 10_000  # type: ignore[union-attr]
    nlp = spacy.blank("en")
    nlp.tokenizer.max_cache_size = 500_000  # type: ignore[union-attr]
    nlp.add_pipe("trax_sentiment", config=SMALL)
    assert nlp.tokenizer.max_cache_size == 500_000  # type: ignore[union-attr]


def test_a_tokenizer_of_another_kind_is_left_alone() -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=list(text))  # type: ignore[assignment]
    nlp.add_pipe("trax_sentiment", config=SMALL)
    assert [token.text for token in nlp.make_doc("ab")] == ["a", "b"]


def test_the_vocabulary_can_be_limited_or_given(updated: Language) -> None:
    component = find_component(_blank())
    preprocessor = component.model.attrs["preprocessor"]
    counts = Counter(term for example in _examples(updated) for term in preprocessor(example.reference))
    component.initialize(lambda: _examples(updated), min_count=2)
    often = [term for term, count in counts.items() if count >= 2]
    assert {"good", "opinion -"} < set(often) < set(counts)
    assert list(component.model.attrs["vocabulary"])[3:] == often
    component = find_component(_blank())
    component.initialize(lambda: _examples(updated), max_size=1)
    assert list(component.model.attrs["vocabulary"])[3:] == [counts.most_common(1)[0][0]]
    component = find_component(_blank())
    component.initialize(lambda: _examples(updated), vocabulary=["a", "b"])
    assert list(component.model.attrs["vocabulary"])[3:] == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_count": 0}, "S021.*min_count is 0"),
        ({"max_size": 0}, "S021.*max_size is 0"),
        ({"vocabulary": ["a", "a"]}, "S025"),
        ({"vocabulary": {"a": 1}}, "S025"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused(updated: Language, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        find_component(_blank()).initialize(lambda: _examples(updated), **settings)


@pytest.mark.usefixtures("require_trax")
def test_any_labels_get_probabilities_that_sum_to_one() -> None:
    nlp = _blank()
    examples = _examples(nlp, [*DATA, ("so so", "neutral")])
    nlp.initialize(lambda: examples)
    for text in ("so so", "", "zzz"):
        cats = nlp(text).cats
        assert set(cats) == {"negative", "neutral", "positive"}
        assert sum(cats.values()) == pytest.approx(1)


def test_the_architecture_serves_spacys_own_textcat(updated: Language, tmp_path: Path) -> None:
    model = find_component(updated).model
    config = {"@architectures": "spacy_trax_sentiment.Classifier.v1", "embedding_dim": 8}
    config["preprocessor"] = {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"}
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    textcat: Any = nlp.add_pipe("textcat", config={"model": config})
    examples = _examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    for _ in range(50):
        nlp.update(examples, sgd=optimizer)
    for text, label in DATA:
        assert nlp(text).cats[label] > 0.9
    nlp.to_disk(tmp_path)
    for text, _ in DATA:
        assert spacy.load(tmp_path)(text).cats == nlp(text).cats
    assert textcat.model.param_names == model.param_names


def test_a_sourced_component_knows_the_strings_of_its_new_pipeline(updated: Language) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=updated)
    text = "good neverseenbefore stuff"
    (doc,) = nlp.pipe([text])
    assert "neverseenbefore" not in updated.vocab.strings
    assert doc.cats == nlp(text).cats


def test_docs_of_several_vocabularies_are_scored_together() -> None:
    nlp = load("en")
    docs = [nlp.make_doc("I love it"), spacy.blank("en").make_doc("zorblax awful"), nlp.make_doc("zorblax")]
    expected = [dict(nlp(doc.text).cats) for doc in docs]
    assert [doc.cats for doc in nlp.pipe(docs)] == [pytest.approx(each) for each in expected]


def test_a_copy_and_an_unpickled_component_explain_docs_too() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    for other in (pickle.loads(pickle.dumps(nlp)), copy.deepcopy(nlp)):
        assert other("love it").copy()._.sentiment.label == "positive"
    code = "import pickle, sys; nlp = pickle.load(sys.stdin.buffer); print(nlp('love it')._.sentiment.label)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(nlp), capture_output=True, check=True)
    assert done.stdout.strip() == b"positive"


def test_weights_of_another_preprocessor_are_refused() -> None:
    preprocessor = {"@misc": "spacy_trax_sentiment.WordPieces.v1"}
    model = {"@architectures": "spacy_trax_sentiment.Classifier.v1", "preprocessor": preprocessor}
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"model": model})
    with pytest.raises(SentimentError, match=r"S088.*WordPieces\.v1"):
        nlp("I love it")


def test_what_was_learned_is_not_rounded_when_it_is_saved(require_trax: None) -> None:
    nlp = spacy.blank("en")
    component: Any = nlp.add_pipe("trax_sentiment")
    examples = [Example.from_dict(nlp.make_doc("I love it"), {"cats": {"positive": 0.0, "negative": 1.0}})]
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 1e-5
    nlp.update(examples, sgd=optimizer)
    again = spacy.blank("en")
    again.add_pipe("trax_sentiment", config={"pretrained": None}).from_bytes(component.to_bytes())
    for name, value in get_weights(component.model).items():
        np.testing.assert_array_equal(get_weights(again.get_pipe("trax_sentiment").model)[name], value)


def test_the_type_to_save_as_can_be_set_before_the_weights_are_loaded(tmp_path: Path) -> None:
    component: Any = spacy.blank("en").add_pipe("trax_sentiment")
    component.cfg["weights_dtype"] = "int8"
    component.to_disk(tmp_path, exclude=["vocab"])
    assert np.load(tmp_path / "E.npy").dtype == np.int8


def test_pretrained_weights_may_be_of_a_component_of_another_name(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", name="mood")
    nlp.to_disk(tmp_path / "m")
    other = spacy.blank("en")
    other.add_pipe("trax_sentiment", config={"pretrained": str(tmp_path / "m")})
    assert other("I love it").cats == nlp("I love it").cats


@pytest.mark.parametrize(
    ("pretrained", "positive", "code"), [("en", "posituve", "E920"), ("en_ternary", "positive", "E919")]
)
def test_a_positive_label_is_one_of_two(pretrained: str, positive: str, code: str) -> None:
    nlp = spacy.blank("en")
    component: Any = nlp.add_pipe("trax_sentiment", config={"pretrained": pretrained})
    examples = [Example.from_dict(nlp.make_doc("good"), {"cats": {"positive": 1.0, "negative": 0.0}})]
    with pytest.raises(SentimentError, match=code):
        component.initialize(lambda: examples, positive_label=positive)
