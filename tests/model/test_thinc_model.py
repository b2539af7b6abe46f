from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from thinc.api import Adam, Model

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.folded import log_probabilities
from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.padding import pad
from spacy_trax_sentiment.model.parameters import get_weights, to_trax_layer
from spacy_trax_sentiment.model.thinc_model import Classifier, folded_classifier
from spacy_trax_sentiment.model.trax_backend import jax
from spacy_trax_sentiment.text.arrays import Ragged
from spacy_trax_sentiment.text.process_tweet import ProcessTweet
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL, terms_to_ids

pytestmark = pytest.mark.slow

TEXTS = ["good day", "bad bad day", "what a good good thing", "nothing at all", "zzz"]
LABELS = np.eye(3, dtype=np.float32)[[0, 1, 0, 2, 1]]


@pytest.fixture
def docs() -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


def _model(docs: list[Doc], **settings: Any) -> Model[list[Doc], Any]:
    np.random.seed(0)
    model = Classifier(ProcessTweet(stop_words=[]), **{"embedding_dim": 6, **settings})
    model.initialize(X=docs[:4], Y=LABELS)
    return model


@pytest.fixture(params=[{}, {"hidden_width": 5}, {"mean": "plain"}, {"length_exponent": 0.5}], ids=str)
def model(request: pytest.FixtureRequest, docs: list[Doc]) -> Model[list[Doc], Any]:
    return _model(docs, **request.param)


def test_parameters_are_the_weights_of_the_trax_layer(model: Model[Any, Any], docs: list[Doc]) -> None:
    layer = to_trax_layer(model)
    shapes = sorted(leaf.shape for leaf in jax.tree_util.tree_leaves(layer.weights))
    assert shapes == sorted(weight.shape for weight in get_weights(model).values())
    Y, _ = model.begin_update(docs)
    np.testing.assert_allclose(Y, np.exp(layer(pad(list(docs_to_ids(model, docs))))), atol=1e-6)


def test_training_and_prediction_give_the_same_probabilities(docs: list[Doc]) -> None:
    model = _model(docs, hidden_width=5)
    Y, _ = model.begin_update(docs)
    np.testing.assert_allclose(model.predict(docs), Y, atol=1e-6)
    np.testing.assert_allclose(Y.sum(axis=1), 1, atol=1e-6)


def test_gradients_equal_finite_differences(model: Model[Any, Any], docs: list[Doc]) -> None:
    def loss() -> float:
        return float(-(LABELS * np.log(model.begin_update(docs)[0])).sum())

    # Larger than the initial weights, so that differences stand out from float32's rounding.
    rng = np.random.default_rng(0)
    for name, value in get_weights(model).items():
        model.set_param(name, rng.normal(size=value.shape).astype(np.float32))
    Y, backprop = model.begin_update(docs)
    backprop(Y - LABELS)
    step = 1e-2
    for name, value in get_weights(model).items():
        gradient = model.get_grad(name)
        direction = rng.normal(size=value.shape).astype(np.float32)
        model.set_param(name, value + step * direction)
        above = loss()
        model.set_param(name, value - step * direction)
        below = loss()
        model.set_param(name, value)
        assert (above - below) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-2, abs=1e-3)


def test_a_step_in_place_changes_the_prediction(model: Model[Any, Any], docs: list[Doc]) -> None:
    before = model.predict(docs)
    optimizer = Adam(0.1)
    for _ in range(3):
        Y, backprop = model.begin_update(docs)
        backprop((Y - LABELS) / len(docs))
        model.predict(docs)  # between a gradient and its step the folded weights are still the earlier ones
        model.finish_update(optimizer)
    after = model.predict(docs)
    assert np.abs(after - before).max() > 1e-2
    np.testing.assert_allclose(after, model.copy().predict(docs))


class _Only:
    """An optimizer that moves one parameter, in place, and leaves the others as they are."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, key: tuple[int, str], weights: Any, gradient: Any) -> tuple[Any, Any]:
        if key[1] == self.name:
            weights -= gradient
        return weights, np.zeros_like(gradient)


@pytest.mark.parametrize("name", ["E", "W", "b"])
def test_a_step_of_one_parameter_alone_changes_the_prediction(docs: list[Doc], name: str) -> None:
    model = _model(docs)
    for _ in range(2):
        before, E = model.predict(docs), model.get_param("E")
        Y, backprop = model.begin_update(docs)
        backprop(Y - LABELS)
        model.finish_update(_Only(name))  # type: ignore[arg-type]
        assert model.get_param("E") is E  # the arrays are the same, only their values changed
        after = model.predict(docs)
        assert np.abs(after - before).max() > 1e-4
        np.testing.assert_array_equal(after, model.copy().predict(docs))


def test_other_parameters_are_used_and_put_back(docs: list[Doc]) -> None:
    model = _model(docs)
    before = model.predict(docs)
    with model.use_params({(model.id, "b"): np.array([5, 0, 0], dtype=np.float32)}):
        assert (model.predict(docs)[:, 0] > 0.9).all()
    np.testing.assert_array_equal(model.predict(docs), before)


def test_bytes_round_trip_into_a_model_of_another_size(model: Model[Any, Any], docs: list[Doc]) -> None:
    other = Classifier(ProcessTweet(), embedding_dim=3, hidden_width=2)
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(other.predict(docs), model.predict(docs))


def test_dropout_is_honoured_in_training_and_absent_from_prediction(docs: list[Doc]) -> None:
    model = _model(docs, embedding_dim=64)
    predicted = model.predict(docs)
    model.attrs["dropout_rate"] = 0.5
    first, second = model.begin_update(docs)[0], model.begin_update(docs)[0]
    assert np.abs(first - second).max() > 1e-5
    np.testing.assert_array_equal(model.predict(docs), predicted)


def test_the_seed_of_numpys_generator_determines_the_initial_weights(docs: list[Doc]) -> None:
    first, again = _model(docs), _model(docs)
    for name, value in get_weights(first).items():
        np.testing.assert_array_equal(again.get_param(name), value)


@pytest.mark.parametrize(
    "settings",
    [
        {"embedding_dim": 0},
        {"hidden_width": -1},
        {"mean": "median"},
        {"length_exponent": -0.1},
        {"length_exponent": 1.1},
        {"length_exponent": float("nan")},
        {"embedding_scale": -0.1},
        {"embedding_scale": 1.5},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(SentimentError, match=f"{name}.*{value}"):
        Classifier(ProcessTweet(), **settings)


def test_a_plain_mean_divides_only_by_the_number_of_terms() -> None:
    with pytest.raises(SentimentError, match=r"S021.*length_exponent is 0\.5.*'masked'"):
        Classifier(ProcessTweet(), mean="plain", length_exponent=0.5)


def test_the_length_exponent_is_saved_and_served(docs: list[Doc]) -> None:
    model = _model(docs, length_exponent=0.5)
    before = model.predict(docs)
    other = Classifier(ProcessTweet())
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(other.predict(docs), before)
    other.attrs["length_exponent"] = 1.0
    assert np.abs(other.predict(docs) - before).max() > 1e-4


@pytest.mark.parametrize("settings", [{}, {"mean": "plain"}, {"hidden_width": 5}], ids=str)
def test_a_preprocessor_of_whole_texts_scores_by_the_ids_of_its_terms(
    docs: list[Doc], settings: dict[str, Any]
) -> None:
    model = _model(docs, **settings)
    preprocessor, vocabulary = model.attrs["preprocessor"], model.attrs["vocabulary"]
    assert not isinstance(preprocessor, TokenPreprocessor)
    expected = [terms_to_ids(preprocessor(doc), vocabulary) for doc in docs]
    assert [ids.tolist() for ids in docs_to_ids(model, docs)] == expected
    assert model.get_param("E").shape[0] == len(vocabulary)
    scores = log_probabilities(folded_classifier(model), Ragged.of(expected))
    np.testing.assert_allclose(model.predict(docs), np.exp(scores), atol=1e-6)


def test_a_preprocessor_or_vocabulary_that_is_replaced_is_used(docs: list[Doc]) -> None:
    model = _model(docs)
    before = model.predict(docs)
    model.attrs["vocabulary"] = {term: i for i, term in enumerate(["__PAD__", "__</e>__", "__UNK__", "bad", "good"])}
    assert [ids.tolist() for ids in docs_to_ids(model, docs[:1])] == [[4, 2]]
    assert np.abs(model.predict(docs) - before).max() > 1e-4
    model.attrs["preprocessor"] = ProcessTweet(stop_words=["good"])
    assert [ids.tolist() for ids in docs_to_ids(model, docs[:1])] == [[2]]


def test_ids_that_training_never_saw_have_no_effect_if_the_embedding_starts_at_zero(docs: list[Doc]) -> None:
    preprocessor = SentimentTerms(bigram_buckets=1 << 10)
    model = Classifier(preprocessor, embedding_dim=3, embedding_scale=0.0)
    model.initialize(X=docs[:4], Y=LABELS)
    optimizer = Adam(0.1)
    for _ in range(3):
        Y, backprop = model.begin_update(docs)
        backprop((Y - LABELS) / len(docs))
        model.finish_update(optimizer)
    E = model.get_param("E")
    trained = set(np.flatnonzero(E.any(axis=1)).tolist())
    held = {i for ids in docs_to_ids(model, docs) for i in ids if i >= N_SPECIAL}
    assert trained == held
    assert len(trained) < len(E) / 10
