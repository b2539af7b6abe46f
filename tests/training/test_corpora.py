import json
from collections.abc import Callable
from pathlib import Path

import nltk
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.corpora import (
    LabelledTexts,
    read_corpus,
    read_labelled_texts,
    split_held_out,
    without_leaks,
)
from spacy_trax_sentiment.training.labelled import LabelledText, require_labels

ROWS = [LabelledText("good, really", "positive"), LabelledText('so "bad"\nstill', "negative")]


def _jsonl(path: Path) -> Path:
    path.write_text("".join(json.dumps(row._asdict()) + "\n\n" for row in ROWS), encoding="utf-8")
    return path


def test_jsonl_is_read_past_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = _jsonl(tmp_path / "a.jsonl")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_labelled_texts(path) == ROWS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\r\n"good, really",positive\r\n"so ""bad""\nstill",negative\r\n'),
        ("a.tsv", 'text\tlabel\ngood, really\tpositive\n"so ""bad""\nstill"\tnegative\n'),
        ("A.CSV", 'label,id,text\npositive,1,"good, really"\nnegative,2,"so ""bad""\nstill"\n'),
    ],
)
def test_csv_and_tsv_are_read_by_their_columns(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read_labelled_texts(tmp_path / name) == ROWS


def test_other_column_names_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"tweet": "good", "mood": "up"}\n')
    rows = read_labelled_texts(path, labels=["up", "down"], text_column="tweet", label_column="mood")
    assert rows == [("good", "up")]
    assert read_labelled_texts(path, labels=None, text_column="tweet", label_column="mood") == rows


@given(st.lists(st.tuples(st.text(), st.sampled_from(["positive", "negative"])), min_size=1))
def test_any_text_survives_jsonl(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in rows), encoding="utf-8")
    assert read_labelled_texts(path) == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", r"S003.*a\.jsonl: holds no texts"),
        ("a.csv", b"text,label\n", r"S003.*a\.csv: holds no texts"),
        ("a.jsonl", b'{"text": "a", "label": "positive"}\nnot json\n', r"S004.*a\.jsonl, line 2: not valid JSON"),
        ("a.jsonl", b"[" * 100_000, r"S004.*line 1"),
        ("a.jsonl", b"\n[1]\n", r"S063.*line 2: \[1\] is not a JSON object"),
        ("a.jsonl", b'{"txt": "a", "label": "positive"}', r"S064.*line 1: the column 'text'.*'txt', 'label'"),
        ("a.csv", b"text,lab\na,positive\n", r"S064.*line 2: the column 'label'.*--label-column"),
        ("a.tsv", b"text\tlabel\na\tpositive\nb\n", r"S064.*line 3: the column 'label'"),
        ("a.jsonl", b'{"text": 5, "label": "positive"}', r"S065.*line 1: the column 'text' is 5"),
        (
            "a.jsonl",
            b'{"text": "\\ud800", "label": "positive"}',
            r"S016.*line 1: the column 'text' holds a lone surrogate",
        ),
        ("a.jsonl", b'{"text": "a", "label": null}', r"S065.*line 1: the column 'label' is None"),
        ("a.jsonl", b'{"text": "a", "label": "postive"}', r"S008.*line 1: the label 'postive' is not one of negative"),
        ("a.jsonl", b'{"text": "ok"}\n{"text": "\xff"}', r"S064.*line 1"),
        ("a.jsonl", b'\n{"text": "\xff"}', r"S009.*line 2: not UTF-8"),
        ("a.csv", b'text,label\n"a,positive\n', r"S010.*line 2: cannot be read as CSV"),
        ("a.txt", b"a", r"S011.*unknown format '.txt'"),
    ],
)
def test_bad_files_are_named_with_the_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SentimentError, match=message) as caught:
        read_labelled_texts(tmp_path / name)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S001.*none\.jsonl: no such file"):
        read_labelled_texts(tmp_path / "none.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(SentimentError, match=r"S061.*folder\.jsonl"):
        read_labelled_texts(tmp_path / "folder.jsonl")


def test_unknown_sources_are_named_with_the_known_ones() -> None:
    with pytest.raises(SentimentError, match=r"S013.*nltk:brown.*nltk:twitter_samples"):
        read_labelled_texts("nltk:brown")


def test_an_nltk_corpus_that_cannot_be_had_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, **_: object) -> bool:
        raise ValueError("no network")

    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setattr(nltk, "download", refuse)
    corpus = nltk.corpus.util.LazyCorpusLoader("twitter_samples", nltk.corpus.TwitterCorpusReader, r".*\.json")
    monkeypatch.setattr(nltk.corpus, "twitter_samples", corpus)
    with pytest.raises(SentimentError, match=r"S014.*no network.*nltk\.downloader twitter_samples.*NLTK_DATA"):
        read_labelled_texts("nltk:twitter_samples")


def test_twitter_samples_split_is_the_seeds(tweets: tuple[list[LabelledText], list[LabelledText]]) -> None:
    train, dev = tweets
    assert [text.label for text in train] == ["positive"] * 4000 + ["negative"] * 4000
    assert [text.label for text in dev] == ["positive"] * 1000 + ["negative"] * 1000
    assert read_labelled_texts("nltk:twitter_samples/train") == train
    assert read_labelled_texts("nltk:twitter_samples/dev") == dev


def test_bundled_texts_are_many_different_and_half_of_each_label() -> None:
    texts = read_labelled_texts("bundled:short_texts")
    assert len(texts) >= 400
    assert len({text.text.lower() for text in texts}) == len(texts)
    assert sum(text.label == "positive" for text in texts) * 2 == len(texts)


@given(st.lists(st.integers(5, 60), min_size=2, max_size=4))
def test_a_fifth_of_each_label_is_held_out_from_its_end(sizes: list[int]) -> None:
    texts = [LabelledText(str(i), str(label)) for label, size in enumerate(sizes) for i in range(size)]
    train, dev = split_held_out(texts)
    assert sorted(train + dev) == sorted(texts)
    for label, size in enumerate(sizes):
        assert [t.text for t in dev if t.label == str(label)] == [str(i) for i in range(size - size // 5, size)]


def test_too_few_texts_to_hold_out_from_are_refused() -> None:
    texts = [LabelledText("a", "positive")] * 10 + [LabelledText("b", "negative")] * 4
    with pytest.raises(SentimentError, match=r"S015.*negative.*at least 5"):
        split_held_out(texts)


def test_one_label_is_not_enough() -> None:
    with pytest.raises(SentimentError, match="S012.*only these labels have texts: positive"):
        require_labels(ROWS[:1], ["negative", "positive"])
    require_labels(ROWS, ["negative", "positive"])


def test_the_reader_gives_examples_of_every_label(tmp_path: Path) -> None:
    nlp: Language = spacy.blank("en")
    reader: Callable[[Language], object] = LabelledTexts(_jsonl(tmp_path / "a.jsonl"))
    examples = list(reader(nlp))  # type: ignore[call-overload]
    assert [example.reference.text for example in examples] == [row.text for row in ROWS]
    assert examples[0].reference.cats == {"negative": 0.0, "positive": 1.0}


def test_parquet_is_read_as_the_other_formats_are(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "texts.parquet"
    table = {"id": [1, 2], "text": ["good", "bad"], "label": ["positive", "negative"]}
    pa.parquet.write_table(pa.table(table), path)
    assert read_labelled_texts(path) == [LabelledText("good", "positive"), LabelledText("bad", "negative")]
    with pytest.raises(SentimentError, match=r"S064.*'body' is missing; there are: 'id', 'text', 'label'"):
        read_labelled_texts(path, text_column="body")
    with pytest.raises(SentimentError, match=r"S008.*row 2.*negative"):
        read_labelled_texts(path, labels=["positive"])
    pa.parquet.write_table(pa.table({"text": ["good", None], "label": ["positive", "negative"]}), path)
    with pytest.raises(SentimentError, match=r"S065.*row 2: the column 'text' is None"):
        read_labelled_texts(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SentimentError, match=r"S061.*texts.parquet: cannot be read"):
        read_labelled_texts(path)


def test_parquet_whose_values_are_none_is_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "texts.parquet"
    pa.parquet.write_table(pa.table({"text": ["good"], "label": ["positive"]}), path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"good", b"goo\xff"))
    with pytest.raises(SentimentError, match=r"S061.*texts.parquet: cannot be read.*UTF8"):
        read_labelled_texts(path)
    for time, message in (
        (1 << 62, "S061.*texts.parquet: cannot be read"),
        (0, "S065.*row 1: the column 'text' is da"),
    ):
        pa.parquet.write_table(pa.table({"text": pa.array([time], pa.timestamp("us")), "label": ["positive"]}), path)
        with pytest.raises(SentimentError, match=message):
            read_labelled_texts(path)


def test_a_reader_without_a_source_names_the_remedy() -> None:
    with pytest.raises(SentimentError, match=r"S017.*--paths\.train"):
        list(LabelledTexts(None)(spacy.blank("en")))


def test_a_reader_starts_from_the_beginning_each_time(tmp_path: Path) -> None:
    texts = LabelledTexts(_jsonl(tmp_path / "a.jsonl"))
    assert list(texts) == list(texts) == ROWS


@pytest.mark.slow
def test_a_label_that_a_named_source_may_not_have_is_refused() -> None:
    with pytest.raises(SentimentError, match=r"S008\] bundled:templates: the label 'neutral' is not one of"):
        read_labelled_texts("bundled:templates")


def write_csv(path: Path, texts: list[LabelledText]) -> str:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in texts))
    return str(path)


def test_a_corpus_is_split_or_has_held_out_texts_of_its_own(tmp_path: Path) -> None:
    texts = [LabelledText(f"{label} {i}", label) for label in ("positive", "negative") for i in range(5)]
    source = write_csv(tmp_path / "a.csv", texts)
    split = read_corpus(source)
    assert split.labels == ("negative", "positive")
    assert (split.texts, split.held_out) == split_held_out(texts)
    others = [LabelledText(f"other {i}", label) for label in ("positive", "negative") for i in range(2)]
    with_dev = read_corpus(source, write_csv(tmp_path / "dev.csv", others))
    assert (with_dev.texts, with_dev.held_out) == (texts, others)


def test_texts_that_a_corpus_lacks_are_named_with_their_source(tmp_path: Path) -> None:
    both = write_csv(tmp_path / "both.csv", [LabelledText("c", "positive"), LabelledText("b", "negative")])
    one = write_csv(tmp_path / "one.csv", [LabelledText("a", "positive")])
    with pytest.raises(SentimentError, match=r"S012\] .*one\.csv: only these"):
        read_corpus(one)
    with pytest.raises(SentimentError, match=r"S012\] .*one\.csv: only these"):
        read_corpus(both, one)
    with pytest.raises(SentimentError, match=r"S015\] .*both\.csv: the label positive"):
        read_corpus(both)


def test_the_labels_are_those_of_the_source_if_none_are_given(tmp_path: Path) -> None:
    texts = [LabelledText(f"{i} stars {j}", f" {i} ") for i in (10, 9, 1) for j in range(5)]
    corpus = read_corpus(write_csv(tmp_path / "a.csv", texts))
    assert corpus.labels == ("1", "9", "10")
    assert {text.label for text in (*corpus.texts, *corpus.held_out)} == set(corpus.labels)
    mixed = [LabelledText(f"{label} {j}", label) for label in ("POSITIVE", "Negative") for j in range(5)]
    corpus = read_corpus(write_csv(tmp_path / "b.csv", mixed))
    assert corpus.labels == ("negative", "positive")
    assert {text.label for text in corpus.texts} == {"negative", "positive"}
    with pytest.raises(SentimentError, match=r"S008.*a\.csv, line 2: the label '10' is not one of 9, 1"):
        read_corpus(str(tmp_path / "a.csv"), labels=["9", "1"])


def test_a_label_map_names_the_labels(tmp_path: Path) -> None:
    label_map = {"1": "Negative", "2": "Negative", "5": "Positive"}
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,1\nb,2.0\nc,5\n")
    labels = [text.label for text in read_labelled_texts(path, labels=["positive", "negative"], label_map=label_map)]
    assert labels == ["negative", "negative", "positive"]
    path.write_text("text,label\na,1\nb,3\n")
    with pytest.raises(SentimentError, match=r"S161.*a\.csv, line 3: the label '3' is not in the label map.*1, 2, 5"):
        read_labelled_texts(path, labels=None, label_map=label_map)


WORDS = st.text("abc ", min_size=1, max_size=2)


@given(st.lists(WORDS), st.lists(st.tuples(WORDS, st.sampled_from("xy")), min_size=1))
def test_no_training_text_is_held_out_unless_a_label_would_have_none(
    train: list[str], held_out: list[tuple[str, str]]
) -> None:
    texts, others = [LabelledText(text, "x") for text in train], [LabelledText(*each) for each in held_out]
    seen = {text.strip() for text in train}
    clean = [text for text in others if text.text.strip() not in seen]
    is_whole = {text.label for text in clean} == {text.label for text in others}
    assert without_leaks(texts, others) == (clean if is_whole else others)
    if is_whole:
        assert without_leaks(texts, others, may_leak=False) == clean
        return
    with pytest.raises(SentimentError, match="S162.*all texts with the label [xy] are training texts, too.*--dev"):
        without_leaks(texts, others, may_leak=False)


def test_held_out_texts_that_are_training_texts_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = [LabelledText(f"{label} {i}", label) for label in ("positive", "negative") for i in range(10)]
    texts.insert(0, texts[9])
    source = write_csv(tmp_path / "a.csv", texts)
    assert [text.text for text in read_corpus(source).held_out] == ["positive 8", "negative 8", "negative 9"]
    assert "1 of 4 held-out texts are training texts, too. They are left out." in caplog.text
    dev = write_csv(tmp_path / "dev.csv", [*texts[3:], *(text._replace(text=f"new {text.text}") for text in texts)])
    assert {text.text[:3] for text in read_corpus(source, dev).held_out} == {"new"}
    (tmp_path / "copy.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    for same in ("a.csv", "copy.csv"):
        with pytest.raises(SentimentError, match=rf"S162\] .*{same}: all texts with the label negative.*--dev"):
            read_corpus(source, str(tmp_path / same))


def test_rejected_rows_are_left_out_and_counted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"{i} {label}", "label": label} for label in ("positive", "negative") for i in range(5)]
    answered = [row | {"answer": "accept"} for row in rows] + [row | {"answer": "reject"} for row in rows[:3]]
    path.write_text("".join(json.dumps(row) + "\n" for row in answered))
    corpus = read_corpus(str(path))
    assert len(corpus.texts) + len(corpus.held_out) == 10
    assert caplog.text.count("left out 3 rows with the answer reject or ignore") == 1
    path.write_text(json.dumps(answered[-1]))
    with pytest.raises(SentimentError, match=r"S003.*a\.jsonl"):
        read_labelled_texts(path)


def test_the_reader_takes_spellings_of_a_label_for_one(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv", [LabelledText("a", "Good"), LabelledText("b", "good"), LabelledText("c", "Bad")] * 2
    )
    reader: Callable[[Language], object] = LabelledTexts(path)
    found = [example.reference.cats for example in reader(spacy.blank("en"))]  # type: ignore[attr-defined]
    assert {tuple(cats) for cats in found} == {("Bad", "Good")}
    assert [max(cats, key=cats.get) for cats in found] == ["Good", "Good", "Bad"] * 2
