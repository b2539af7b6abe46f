from pathlib import Path
from types import SimpleNamespace

import pytest

from spacy_trax_sentiment.errors import TrainingInterrupted
from spacy_trax_sentiment.training.checkpoints import open_checkpoints

pytestmark = pytest.mark.slow


def test_a_run_that_is_interrupted_before_its_first_step_leaves_nothing(tmp_path: Path) -> None:
    from spacy_trax_sentiment.training.trax_loop.resuming import Keeper

    with open_checkpoints(tmp_path / "m") as checkpoints:
        keeper = Keeper(SimpleNamespace(_callbacks=[]), checkpoints, {})
        keeper.interrupted = True
        with pytest.raises(TrainingInterrupted, match="S127.*nothing was written"):
            keeper.on_step_begin(1)
        assert not checkpoints.saved()
    assert not list(tmp_path.iterdir())
