from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.corpora import read_corpus, split_held_out, split_stored
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText, make_docs
from spacy_trax_sentiment.training.run import train_on
from spacy_trax_sentiment.training.settings import Settings
from spacy_trax_sentiment.training.stored import StoredIds, StoredTexts

TEXTS = st.lists(st.builds(LabelledText, st.text(max_size=9), st.sampled_from(["negative", "positive", "ä"])))


@given(texts=TEXTS)
def test_texts_are_read_again_each_time(texts: list[LabelledText]) -> None:
    found = StoredTexts(texts)
    assert len(found) == len(texts)
    assert list(found) == list(found) == texts
    assert list(zip(found, found, strict=True)) == list(zip(texts, texts, strict=True))
    assert found.counts == Counter(text.label for text in texts)


@given(texts=TEXTS)
def test_the_same_texts_are_held_out_as_from_a_list(texts: list[LabelledText]) -> None:
    if any(0 < sum(text.label == label for text in texts) < 5 for label in ("negative", "positive", "ä")):
        with pytest.raises(SentimentError, match="S015"):
            split_stored(StoredTexts(texts))
        return
    train, held_out = split_held_out(texts)
    found, found_held_out = split_stored(StoredTexts(texts))
    assert sorted(found) == sorted(train)
    assert len(found) == len(train)
    assert found_held_out == held_out


def test_few_of_many_texts_are_held_out() -> None:
    texts = [LabelledText(str(i), label) for i in range(20) for label in ("a", "b")]
    found, held_out = split_stored(StoredTexts(texts), most=2)
    assert held_out == [LabelledText(str(i), label) for label in ("a", "b") for i in (18, 19)]
    assert list(found) == texts[:-4]


def test_a_file_that_has_become_shorter_is_refused() -> None:
    texts = [LabelledText(str(i), "a") for i in range(9)]
    found = StoredTexts(texts)
    texts.pop()
    with pytest.raises(SentimentError, match="S027"):
        list(found)


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


def test_a_full_disk_is_reported() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(SentimentError, match="S140.*File too large.*TMPDIR"):
            StoredIds([np.zeros(1000, np.int32)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("require_trax")
@pytest.mark.parametrize("balanced", [True, False])
def test_training_on_stored_texts_gives_the_same_weights(
    short_texts: tuple[list[LabelledText], list[LabelledText]], balanced: bool
) -> None:
    texts, held_out = short_texts
    settings = Settings(steps=11, embedding_dim=4, max_ids=20, balanced=balanced)
    expected, found = (
        find_component(train_on(Corpus(DEFAULT_LABELS, each, held_out), settings).nlp).to_bytes()
        for each in (texts, StoredTexts(texts))
    )
    assert found == expected


def test_the_texts_of_a_large_file_stay_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,positive\nbad,negative\n")
    dev = tmp_path / "dev.csv"
    dev.write_text("text,label\nbetter,positive\nworse,negative\n")
    size = path.stat().st_size
    small = read_corpus(str(path), str(dev), most_bytes_in_memory=size).texts
    assert isinstance(small, list)
    large = read_corpus(str(path), str(dev), most_bytes_in_memory=size - 1).texts
    assert isinstance(large, StoredTexts)
    assert list(large) == small


def test_many_texts_are_tokenized_by_several_tokenizers() -> None:
    texts = [LabelledText(f"text number {i}", "a") for i in range(5)]
    docs = list(make_docs(texts, texts_per_tokenizer=2))
    assert [doc.text for doc in docs] == [text.text for text in texts]
    assert len({id(doc.vocab) for doc in docs}) == 3
