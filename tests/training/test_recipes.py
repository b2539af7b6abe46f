import re
from pathlib import Path

import pytest
import srsly
from spacy.util import registry

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.recipes import mix, read_recipe
from spacy_trax_sentiment.training.settings import Settings
from spacy_trax_sentiment.training.target_texts import read_target_texts

RECIPE = """
[labels]
names = ["negative","positive"]
[settings]
steps = 7
[sources]
[sources.first]
path = "first.jsonl"
weight = 2
label_weights = {"neutral": 0.5, "other": 0}
[sources.second]
path = "second.jsonl"
[dev]
[dev.first]
path = "first.jsonl"
[dev.second]
path = "dev.jsonl"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [("a", "positive"), ("b", "neutral"), ("c", "other")]
    srsly.write_jsonl(tmp_path / "dev.jsonl", [{"text": "e", "label": "negative"}])
    srsly.write_jsonl(tmp_path / "first.jsonl", [{"text": text, "label": label} for text, label in rows])
    srsly.write_jsonl(tmp_path / "second.jsonl", [{"text": "d", "label": "negative"}])
    (tmp_path / "recipe.cfg").write_text(RECIPE)
    return tmp_path


def test_a_recipe_has_labels_settings_and_sources(data: Path) -> None:
    recipe = read_recipe(data / "recipe.cfg")
    assert recipe.labels == ["negative", "positive"]
    assert recipe.settings == Settings(steps=7)
    assert [source.path for source in recipe.sources] == ["first.jsonl", "second.jsonl"]


def test_texts_have_the_weights_of_their_source_and_label(data: Path) -> None:
    corpus = mix(read_recipe(data / "recipe.cfg"), data)
    assert corpus.weights is not None
    assert [(text.text, weight) for text, weight in zip(corpus.texts, corpus.weights, strict=True)] == [
        ("a", 2.0),
        ("b", 1.0),
        ("d", 1.0),
    ]
    assert [text.text for text in corpus.held_out] == ["a", "e"]


@pytest.mark.parametrize("name", ["en", "en_ternary", "en_ternary_start", "en_trf", "en_trf_start", "en_trf_targets"])
def test_the_bundled_recipes_can_be_read(name: str) -> None:
    recipe = read_recipe(name)
    assert {"negative", "positive"} <= set(recipe.labels)
    assert recipe.sources
    trained_on, measured = (
        {(source.path, part) for source in sources for part in ([source.part] if source.part else ["train", "dev"])}
        for sources in (recipe.sources, recipe.dev)
    )
    assert not trained_on & measured
    assert not any("test" in source.path for source in recipe.sources + recipe.dev)


def test_the_recipe_for_other_languages_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
    (block,) = re.findall("```ini\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mine.cfg").write_text(block)
    recipe = read_recipe(tmp_path / "mine.cfg")
    assert recipe.settings.lang == "de"
    model = registry.resolve({"model": recipe.settings.model})["model"]
    assert model.attrs["layer"].n_blocks == 12
    assert model.attrs["preprocessor"].only_seen


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("steps = 7", "stepz = 7", "unknown setting 'stepz'"),
        ("weight = 2", "wait = 2", "unknown setting 'wait'"),
        ("[labels]", "[lapels]", "labels"),
        ('path = "second.jsonl"', "", "path"),
        ("[settings]", "[settings", ""),
        ("weight = 2", 'labels = ["negative","positve"]', "labels of first.jsonl are not two or more of negative"),
        ("weight = 2", 'labels = ["negative"]', "labels of first.jsonl are not two or more"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused(data: Path, old: str, new: str, reason: str) -> None:
    path = data / "recipe.cfg"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(SentimentError, match=rf"S026.*recipe\.cfg.*{reason}"):
        read_recipe(path)


def test_a_value_out_of_range_is_named_with_the_recipe(data: Path) -> None:
    path = data / "recipe.cfg"
    path.write_text(RECIPE.replace("steps = 7", "steps = 0"))
    with pytest.raises(SentimentError, match=r"^\[S021\] .*recipe\.cfg: steps is 0; it must be greater"):
        read_recipe(path)


def test_a_label_without_held_out_texts_is_refused(data: Path) -> None:
    (data / "dev.jsonl").write_text('{"text": "e", "label": "neutral"}\n')
    with pytest.raises(SentimentError, match="S012.*held-out texts: only these labels have texts: positive"):
        mix(read_recipe(data / "recipe.cfg"), data)


def test_a_missing_recipe_or_source_is_named(data: Path) -> None:
    with pytest.raises(SentimentError, match=r"S026.*none\.cfg"):
        read_recipe(data / "none.cfg")
    (data / "second.jsonl").unlink()
    with pytest.raises(SentimentError, match=r"S001.*second\.jsonl"):
        mix(read_recipe(data / "recipe.cfg"), data)


def test_a_source_may_know_some_of_the_labels_or_their_probabilities(data: Path) -> None:
    recipe = RECIPE.replace('names = ["negative","positive"]', 'names = ["negative","neutral","positive"]')
    recipe = recipe.replace('path = "second.jsonl"', 'path = "second.jsonl"\nlabels = ["negative","positive"]')
    recipe = recipe.replace("[dev]\n", '[sources.soft]\npath = "soft.jsonl"\nprobabilities = "p_"\n[dev]\n')
    soft = {"text": "f", "p_negative": 0.25, "p_neutral": 0.25, "p_positive": 0.5}
    srsly.write_jsonl(data / "soft.jsonl", [soft])
    (data / "recipe.cfg").write_text(recipe)
    corpus = mix(read_recipe(data / "recipe.cfg"), data)
    assert [text.text for text in corpus.texts] == ["a", "b", "d", "f"]
    assert corpus.targets is not None
    assert corpus.targets.tolist() == [[0, 0, 1], [0, 1, 0], [1, -1, 0], [0.25, 0.25, 0.5]]
    assert corpus.held_out_targets is not None
    assert corpus.held_out_targets.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_a_recipe_may_name_another_architecture(data: Path) -> None:
    model = '[model]\n@architectures = "spacy_trax_sentiment.Encoder.v1"\nwidth = 8\n[settings]'
    (data / "recipe.cfg").write_text(RECIPE.replace("[settings]", model))
    settings = read_recipe(data / "recipe.cfg").settings
    assert settings.model == {"@architectures": "spacy_trax_sentiment.Encoder.v1", "width": 8}


def test_sources_with_targets_have_spans_and_parts(data: Path) -> None:
    texts = [f"good food {i}, awful service" for i in range(40)]
    rows = [{"text": text, "label": label, "from": text.index(word), "to": text.index(word) + len(word)}
            for text in texts for word, label in (("food", "positive"), ("service", "negative"))]  # fmt: skip
    srsly.write_jsonl(data / "targets.jsonl", rows)
    settings = RECIPE[: RECIPE.index("[sources]")]
    source = 'path = "targets.jsonl"\ntargets = true\npart = '
    (data / "targets.cfg").write_text(
        f'{settings}[sources]\n[sources.a]\n{source}"train"\n[dev]\n[dev.a]\n{source}"dev"\n'
    )
    corpus = mix(read_recipe(data / "targets.cfg"), data)
    assert corpus.spans is not None
    assert corpus.held_out_spans is not None
    train, held_out = {text.text for text in corpus.texts}, {text.text for text in corpus.held_out}
    assert train | held_out == set(texts)
    assert not train & held_out
    for texts_of, spans in ((corpus.texts, corpus.spans), (corpus.held_out, corpus.held_out_spans)):
        for (text, label), span in zip(texts_of, spans, strict=True):
            assert span is not None
            assert text[slice(*span)] == {"positive": "food", "negative": "service"}[label]


@pytest.mark.parametrize("span", [(0, 0), (-1, 2), (3, 99), ("0", 4), (None, 4)])
def test_a_target_that_is_not_in_its_text_is_refused_by_line(tmp_path: Path, span: tuple[object, object]) -> None:
    row = {"text": "good food", "label": "positive", "from": 5, "to": 9}
    srsly.write_jsonl(tmp_path / "targets.jsonl", [row, {**row, "from": span[0], "to": span[1]}])
    with pytest.raises(SentimentError, match=r"S203.*targets\.jsonl, line 2"):
        read_target_texts(tmp_path / "targets.jsonl")
    with pytest.raises(SentimentError, match="S001"):
        read_target_texts(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(SentimentError, match="S003"):
        read_target_texts(tmp_path / "empty.jsonl")


def test_a_held_out_text_whose_source_lacks_its_label_is_left_out(data: Path) -> None:
    rows = [("a", "positive"), ("b", "neutral"), ("c", "negative")]
    srsly.write_jsonl(data / "all.jsonl", [{"text": text, "label": label} for text, label in rows])
    recipe = '[labels]\nnames = ["negative","neutral","positive"]\n[settings]\n[sources]\n[sources.all]\n'
    recipe += 'path = "all.jsonl"\n[dev]\n[dev.all]\npath = "all.jsonl"\n[dev.two]\npath = "all.jsonl"\n'
    (data / "two.cfg").write_text(recipe + 'labels = ["negative","positive"]\n')
    held_out = mix(read_recipe(data / "two.cfg"), data).held_out
    assert [text.text for text in held_out] == ["a", "b", "c", "a", "c"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (RECIPE.encode() + b"# caf\xe9", "utf-8"),
        (
            RECIPE.encode() + b'probabilities = "p_"\nlabels = ["negative","positive"]\n',
            "both labels and probabilities",
        ),
    ],
)
def test_a_recipe_that_cannot_be_used_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad.cfg").write_bytes(content)
    with pytest.raises(SentimentError, match=rf"S026.*bad\.cfg.*{reason}"):
        read_recipe(tmp_path / "bad.cfg")


def test_labels_are_spelled_as_the_recipe_spells_them(data: Path) -> None:
    rows = [("f", "Positive"), ("g", " NEGATIVE "), ("h", "neutral")]
    srsly.write_jsonl(data / "second.jsonl", [{"text": text, "label": label} for text, label in rows])
    corpus = mix(read_recipe(data / "recipe.cfg"), data)
    assert [text.label for text in corpus.texts[2:]] == ["positive", "negative", "neutral"]
