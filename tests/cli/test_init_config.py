from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_trax_sentiment.component import DEFAULT_MODEL
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.settings import PRESETS


@pytest.mark.parametrize(("name", "preset"), [("default", "default"), ("seed", "seed")])
def test_a_printed_config_is_filled_and_has_the_presets_settings(
    run: Callable[..., Any], name: str, preset: str
) -> None:
    printed = run("init-config", name).out
    assert printed.startswith("# ")
    config = Config().from_str(printed)
    settings = PRESETS[preset]
    assert config["training"]["seed"] == settings.seed
    assert config["training"]["batcher"]["size"] == settings.batch_size
    assert config["training"]["optimizer"]["learn_rate"] == settings.learning_rate
    model = find_component(load_model_from_config(config, auto_fill=False)).model
    assert model.attrs["embedding_dim"] == settings.embedding_dim
    assert model.attrs["mean"] == settings.mean


def test_the_default_config_is_the_default_component(run: Callable[..., Any]) -> None:
    model = Config().from_str(run("init-config").out)["components"]["trax_sentiment"]["model"]
    for name in ("embedding_dim", "hidden_width", "mean"):
        assert model[name] == DEFAULT_MODEL[name]


def test_an_existing_file_is_kept(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    assert run("init-config", "--output", path).status == 0
    written = path.read_text()
    result = run("init-config", "seed", "--output", path)
    assert result.is_one_line(1)
    assert "S068" in result.err
    assert path.read_text() == written
    assert run("init-config", "seed", "--output", path, "--overwrite").status == 0
    assert path.read_text() != written
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_config_is_named(run: Callable[..., Any]) -> None:
    result = run("init-config", "other")
    assert result.is_one_line(1)
    assert "S024" in result.err
    assert "default, seed" in result.err
