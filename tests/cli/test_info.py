import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_trax_sentiment.about import __version__
from spacy_trax_sentiment.pipelines import load, save
from spacy_trax_sentiment.training.settings import PRESETS

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "moods.csv"
    rows = "".join(f"{word} {i},{mood}\n" for i in range(8) for word, mood in (("sun", "up"), ("rain", "down")))
    path.write_text("text,label\n" + rows + "sun again,up\n")
    return path


def test_a_bundled_model_shows_its_files_and_settings(run: Run) -> None:
    facts = json.loads(run("info", "en_ternary", "--json").out)
    assert facts["labels"] == ["negative", "neutral", "positive"]
    assert (facts["language"], facts["pipeline_language"]) == ("en", "en")
    folder = Path(facts["path"])
    assert facts["terms"] == len(json.loads((folder / "vocabulary.json").read_text())) - 3
    assert facts["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert facts["weights_dtype"] == "float16"
    assert facts["preprocessor"]["name"] == "SentimentTerms"
    assert facts["architecture"]["embedding_dim"] == json.loads((folder / "settings.json").read_text())["embedding_dim"]
    assert "Model card" in Path(facts["model_card"]).read_text(encoding="utf-8")
    table = run("info", "en_ternary").out
    assert "negative, neutral, positive" in table
    assert str(facts["terms"]) in table
    assert "not saved" not in table
    assert table.count("in the model card") == 2  # training and figures


def test_a_restricted_model_shows_the_labels_that_it_was_restricted_from(run: Run) -> None:
    assert json.loads(run("info", "en_ternary", "--json").out)["restricted_from"] is None
    facts = json.loads(run("info", "en_ternary", "--json", "--only-labels", "negative,positive").out)
    assert (facts["labels"], facts["restricted_from"]) == (
        ["negative", "positive"],
        ["negative", "neutral", "positive"],
    )


@pytest.mark.usefixtures("require_trax")
def test_a_trained_model_shows_its_training(run: Run, data: Path, tmp_path: Path) -> None:
    options = ["--labels", "down,up", "--steps", 20, "--embedding-dim", 8, "--quiet"]
    for name in ("a", "b"):
        assert run("train", data, "--output", tmp_path / name, *options) == (0, "", "")
    facts = json.loads(run("info", tmp_path / "a", "--json").out)
    assert facts["language"] == "en"
    training = facts["training"]
    assert training["source"] == "moods.csv"
    assert training["dev"] is None
    assert training["init_from"] is None
    counts = {label: training["texts"][label] + training["dev_texts"][label] for label in ("down", "up")}
    assert counts == {"down": 8, "up": 9}
    assert (training["settings"]["steps"], training["settings"]["embedding_dim"]) == (20, 8)
    assert training["settings"]["learning_rate"] == PRESETS["default"].learning_rate
    assert facts["figures"]["accuracy"] == spacy.load(tmp_path / "a").meta["performance"]["accuracy"]
    assert facts["versions"]["written_by"] == facts["versions"]["this_package"] == __version__
    table = run("info", tmp_path / "a").out
    assert f"{facts['figures']['accuracy']:.4f}" in table
    assert "moods.csv" in table
    # The same training gives the same files: they hold no time.
    assert (tmp_path / "a" / "meta.json").read_bytes() == (tmp_path / "b" / "meta.json").read_bytes()


def test_a_model_trained_by_other_means_shows_no_training(run: Run, tmp_path: Path) -> None:
    load("en").to_disk(tmp_path / "m")
    facts = json.loads(run("info", tmp_path / "m", "--json").out)
    assert facts["training"] is None
    assert "not saved" in run("info", tmp_path / "m").out


def test_a_missing_model_is_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    assert run("info", tmp_path / "none").is_one_line(1)


def test_a_cascade_shows_both_models_its_threshold_and_weight(run: Run, tmp_path: Path) -> None:
    facts = json.loads(run("info", "en_auto", "--json").out)
    settings = facts["architecture"]
    assert settings["name"] == "spacy_trax_sentiment.Cascade.v1"
    assert (settings["first"], settings["second"]) == ("en_ternary", "en_trf")
    for place, name in (("first", "en_ternary"), ("second", "en_trf")):
        alone = json.loads(run("info", name, "--json").out)
        assert facts[place].items() <= alone.items()
        assert facts["bytes"] > alone["bytes"]
    table = run("info", "en_auto").out
    assert "architecture: threshold" in table
    assert "architecture: weight" in table
    save(load("en_auto"), tmp_path / "model")
    saved = json.loads(run("info", tmp_path / "model", "--json").out)
    assert (saved["first"], saved["second"]) == (facts["first"], facts["second"])
