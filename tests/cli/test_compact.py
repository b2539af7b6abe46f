import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spacy_trax_sentiment.pipelines import load

Run = Callable[..., Any]


def test_a_smaller_pipeline_is_written_with_its_accuracy_before_and_after(run: Run, tmp_path: Path) -> None:
    result = run("compact", "en", "--output", tmp_path / "small", "--max-mb", 3)
    assert (result.status, result.err) == (0, "")
    before, after = re.findall(r"^(?:before|after) +([\d.]+) ", result.out, re.MULTILINE)
    assert float(after) <= 3 < float(before)
    assert re.search(r"Right on \d+ of the 826 texts of bundled:short_texts, .* before\. Saved to", result.out)
    assert load(tmp_path / "small")("good").cats["positive"] > 0.5


def test_a_size_that_cannot_be_reached_leaves_no_output(run: Run, tmp_path: Path) -> None:
    result = run("compact", "en", "--output", tmp_path / "small", "--max-mb", 0.001)
    assert result.is_one_line(1)
    assert "--max-mb" in result.err
    told = run("compact", "en", "--output", tmp_path / "small", "--max-mb", 0.001, "--verbose").err
    assert "S075" in told
    assert "Measuring" not in told
    assert not list(tmp_path.iterdir())


def test_a_size_that_is_no_positive_number_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    for size in ("0", "nan", "inf", "-1"):
        assert run("compact", "en", "--output", tmp_path / "small", "--max-mb", size).is_one_line(2)


def test_an_existing_directory_is_replaced_only_if_asked(run: Run, tmp_path: Path, model: Path) -> None:
    output = tmp_path / "small"
    assert run("compact", model, "--output", output, "--quiet") == (0, "", "")
    assert "S030" in run("compact", model, "--output", output).err
    assert run("compact", model, "--output", output, "--overwrite", "--quiet") == (0, "", "")


def test_a_cascade_is_not_made_smaller(run: Run, tmp_path: Path) -> None:
    result = run("compact", "en_auto", "--output", tmp_path / "small")
    assert result.is_one_line(1)
    assert "S184" in result.err
    assert not list(tmp_path.iterdir())
