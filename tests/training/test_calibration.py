import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.calibration import calibrate, fit_temperature
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
from spacy_trax_sentiment.training.run import train_on
from spacy_trax_sentiment.training.settings import Settings

pytestmark = pytest.mark.slow


def _log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max(axis=1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=1, keepdims=True)))


@pytest.mark.slow
@settings(max_examples=20)
@given(temperature=st.floats(0.2, 5), n_labels=st.sampled_from([2, 3]), seed=st.integers(0, 1000))
def test_the_temperature_with_which_labels_were_drawn_is_found(temperature: float, n_labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = _log_softmax(rng.normal(0, 2, (20_000, n_labels)) * temperature)
    likely = np.exp(_log_softmax(scores / temperature))
    targets = (likely.cumsum(axis=1) < rng.random((len(likely), 1))).sum(axis=1)
    assert fit_temperature(scores, targets) == pytest.approx(temperature, rel=0.15)


def test_calibration_changes_the_confidence_but_not_the_label(trained: Language) -> None:
    nlp = _copy(trained)
    model = find_component(nlp).model
    ids = [np.array([i % len(model.attrs["vocabulary"])], dtype=np.int32) for i in range(3, 200)]
    texts = ["I love it", "awful food", "not good at all", ""]
    before = np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)])
    # Labels that have nothing to do with the texts: whatever a model predicts for them, it is overconfident.
    temperature = calibrate(model, ids, [i % 2 for i in range(len(ids))])
    after = np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)])
    assert temperature > 1
    np.testing.assert_array_equal(before[:3].argmax(axis=1), after[:3].argmax(axis=1))
    assert (abs(after[:3] - 0.5) < abs(before[:3] - 0.5)).all()
    np.testing.assert_allclose(after[3], before[3])  # a text without known terms has the prior


def test_texts_without_a_label_are_ignored(trained: Language) -> None:
    nlp = _copy(trained)
    model = find_component(nlp).model
    ids = [np.array([i], dtype=np.int32) for i in range(3, 23)]
    targets = [i % 2 for i in range(20)]
    first = calibrate(find_component(_copy(nlp)).model, ids, targets)
    assert calibrate(model, [*ids, ids[0]], [*targets, -1]) == pytest.approx(first)


def _copy(nlp: Language) -> Language:
    copy = spacy.blank("en")
    copy.add_pipe("trax_sentiment", config={"pretrained": None})
    return copy.from_bytes(nlp.to_bytes())


def test_training_calibrates_if_asked_to(
    short_texts: tuple[list[LabelledText], list[LabelledText]],
) -> None:
    corpus = Corpus(DEFAULT_LABELS, *short_texts)
    plain = train_on(corpus, Settings(steps=20)).nlp
    calibrated = train_on(corpus, Settings(steps=20, calibrate=True)).nlp
    W, scaled = (find_component(nlp).model.get_param("W") for nlp in (plain, calibrated))
    ratio = np.asarray(scaled) / np.asarray(W)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)
    assert ratio[0, 0] != pytest.approx(1, abs=1e-3)
