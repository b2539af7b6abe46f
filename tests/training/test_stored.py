import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy_trax_sentiment.training.loop import train

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text import vocabulary
from spacy_trax_sentiment.training import corpora, stored
from spacy_trax_sentiment.training.corpora import split_held_out
from spacy_trax_sentiment.training.labelled import DEFAULT_LABELS, LabelledText
from spacy_trax_sentiment.training.settings import PRESETS
from spacy_trax_sentiment.training.stored import StoredIds, StoredTexts, open_labelled_texts, split_stored

TEXTS = st.lists(st.builds(LabelledText, st.text(max_size=9), st.sampled_from(["negative", "positive", "ä"])))


@given(texts=TEXTS)
def test_texts_come_back_again_and_again(texts: list[LabelledText]) -> None:
    found = StoredTexts(iter(texts))
    assert len(found) == len(texts)
    assert list(found) == list(found) == texts
    assert list(zip(found, found, strict=True)) == list(zip(texts, texts, strict=True))
    assert all(found.counts[label] == sum(text.label == label for text in texts) for label in found.counts)


@given(texts=TEXTS)
def test_the_same_are_held_out_as_of_a_list(texts: list[LabelledText]) -> None:
    if any(0 < sum(text.label == label for text in texts) < 5 for label in ("negative", "positive", "ä")):
        with pytest.raises(SentimentError, match="S015"):
            split_stored(StoredTexts(texts), "data")
        return
    train, held_out = split_held_out(texts, "data")
    found, found_held_out = split_stored(StoredTexts(texts), "data")
    assert sorted(found) == sorted(train)
    assert found_held_out == held_out


def test_few_are_held_out_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_HELD_OUT", 2)
    texts = [LabelledText(str(i), label) for i in range(20) for label in ("a", "b")]
    found, held_out = split_stored(StoredTexts(texts), "data")
    assert held_out == [LabelledText(str(i), label) for label in ("a", "b") for i in (18, 19)]
    assert list(found) == texts[:-4]


@given(lengths=st.lists(st.integers(0, 9), max_size=9), data=st.data())
def test_ids_come_back_in_any_order(lengths: list[int], data: st.DataObject) -> None:
    ids = [np.arange(n, dtype=np.int32) + 10 * i for i, n in enumerate(lengths)]
    found = StoredIds(iter(ids))
    assert len(found) == len(ids)
    for i in data.draw(st.lists(st.integers(-len(ids), len(ids) - 1))) if ids else ():
        assert found[i].tolist() == ids[i].tolist()
    assert [each.tolist() for each in found] == [each.tolist() for each in ids]
    assert [each.tolist() for each in found[1:3]] == [each.tolist() for each in ids[1:3]]
    with pytest.raises(IndexError):
        found[len(ids)]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is full")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stored.tempfile, "TemporaryFile", lambda buffering: open("/dev/full", "w+b", buffering=0))  # noqa: SIM115
    with pytest.raises(SentimentError, match="S140.*No space left"):
        StoredTexts([LabelledText("a", "b")])
    with pytest.raises(SentimentError, match="S140.*No space left"):
        StoredIds([np.zeros(1, np.int32)])


@pytest.mark.usefixtures("require_trax")
@pytest.mark.parametrize("balanced", [True, False])
def test_training_on_stored_texts_gives_the_same_weights(
    short_texts: tuple[list[LabelledText], list[LabelledText]], balanced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "_TEXTS_A_PIPELINE", 100)
    texts, dev_texts = short_texts
    settings = replace(PRESETS["default"], steps=11, embedding_dim=4, max_ids=20, balanced=balanced)
    expected, found = (
        find_component(train(each, dev_texts, DEFAULT_LABELS, settings).nlp).to_bytes()
        for each in (texts, StoredTexts(texts))
    )
    assert found == expected


def test_a_large_file_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,positive\nbad,negative\n")
    monkeypatch.setattr(stored, "MOST_BYTES_IN_MEMORY", path.stat().st_size)
    small = open_labelled_texts(str(path))
    assert isinstance(small, list)
    monkeypatch.setattr(stored, "MOST_BYTES_IN_MEMORY", path.stat().st_size - 1)
    large = open_labelled_texts(str(path))
    assert isinstance(large, StoredTexts)
    assert list(large) == small


def test_of_many_terms_the_rare_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MAX_COUNTED", 5)
    texts = [["good", f"rare{i}"] for i in range(20)]
    found = vocabulary.build_vocabulary(texts)
    assert "good" in found
    assert len(found) <= vocabulary.N_SPECIAL + 6
