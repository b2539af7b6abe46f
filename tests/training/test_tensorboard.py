from pathlib import Path

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.tensorboard import Summaries

pytestmark = pytest.mark.slow


def scalars(directory: Path) -> dict[tuple[str, str, int], float]:
    """Return the values that TensorFlow reads from the files, by folder, name and step."""
    from tensorflow.compat.v1.train import summary_iterator

    return {
        (path.parent.name, value.tag, event.step): value.simple_value
        for path in sorted(directory.rglob("events.out.*"))
        for event in summary_iterator(str(path))
        for value in event.summary.value
    }


def test_each_evaluation_is_written_at_its_step(tmp_path: Path) -> None:
    history = [Progress(1, 0.7, 0.8, 0.5), Progress(10, 0.5, 0.6, 0.75), Progress(20, 0.25, 0.5, 1.0)]
    with Summaries(tmp_path / "a" / "b", 10) as summaries:
        for step in range(1, 21):
            # Like the Loop, which reports what was measured before this step.
            known = [each for each in history if each.step < step]
            figures = known[-1][1:] if known else (float("nan"),) * 3
            summaries.on_step(Progress(step, *figures))
        summaries.write(history[-1])
        summaries.write(history[-1])
    found = scalars(tmp_path)
    assert len(found) == 9
    for step, loss, dev_loss, accuracy in history:
        assert found["train", "metrics/loss", step] == pytest.approx(loss)
        assert found["eval", "metrics/loss", step] == pytest.approx(dev_loss)
        assert found["eval", "metrics/accuracy", step] == pytest.approx(accuracy)
    assert not [path for path in tmp_path.rglob("*") if ".pkl" in path.name]


def test_a_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SentimentError, match="S102.*file"):
        Summaries(tmp_path / "file", 10)
