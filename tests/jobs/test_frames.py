import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.bulk.text_scorer import scorer_for
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.jobs.frames import Annotator, annotate
from spacy_trax_sentiment.pipelines import load, save

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pytest.importorskip("narwhals")

ADDED = ["sentiment", "sentiment_negative", "sentiment_positive"]


@pytest.fixture(scope="module")
def scorer() -> TextScorer:
    return TextScorer.load()


@given(
    texts=st.lists(
        st.none() | st.text(max_size=20) | st.sampled_from(["good", "not good at all", "bad :("]), max_size=6
    ),
    make=st.sampled_from([pa.RecordBatch.from_pydict, pa.table]),
)
def test_a_table_gets_its_scores_as_columns(
    texts: list[str | None], make: Callable[..., Any], scorer: TextScorer
) -> None:
    schema = pa.schema([pa.field("id", pa.int8()), pa.field("text", pa.string())], {"made": "by us"})
    batch = make({"id": list(range(len(texts))), "text": texts}, schema=schema)
    found = annotate(batch, model=scorer)
    assert type(found) is type(batch)
    assert found.schema.names == ["id", "text", *ADDED]
    assert found.schema.metadata == {b"made": b"by us"}
    assert found.select(["id", "text"]).to_pydict() == batch.to_pydict()
    for row in found.to_pylist():
        scores = [row[name] for name in ADDED[1:]]
        if not (row["text"] or "").strip():
            assert [row["sentiment"], *scores] == [None] * 3
        else:
            expected = scorer([row["text"]])[0]
            np.testing.assert_allclose(scores, expected, atol=1e-6)
            assert [row["sentiment"]] == scorer.predict([row["text"]])


def test_chunks_and_other_types_of_strings_make_no_difference(scorer: TextScorer) -> None:
    expected = annotate(pa.table({"text": ["good", "bad", "good"]}), model=scorer)
    chunked = pa.chunked_array([["good"], [], ["bad", "good"]])
    assert annotate(pa.table({"text": chunked}), model=scorer).to_pydict() == expected.to_pydict()
    for type_ in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        table = pa.table({"text": pa.array(["good", "bad", "good"], type_)})
        found = annotate(table, model=scorer)
        assert found.schema.field("text").type == type_
        assert found.drop(["text"]) == expected.drop(["text"])


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"body": ["a"]}, "S064.*'text' is missing; there are: 'body'.*column="),
        ({"text": [1, None]}, "S065.*'text' is of the type Int64.*column="),
        ({"text": ["a"], "sentiment": ["b"]}, "S066.*'sentiment'.*prefix="),
        ({"text": ["a"], "sentiment_positive": ["b"]}, "S066.*'sentiment_positive'.*prefix="),
    ],
)
@pytest.mark.parametrize("make", [pa.table, pd.DataFrame, pl.DataFrame])
def test_a_table_that_cannot_be_annotated_is_refused(
    columns: dict[str, list[Any]], error: str, make: Callable[..., Any], scorer: TextScorer
) -> None:
    table = make(columns)
    with pytest.raises(SentimentError, match=error.replace("Int64", "(Int|Float)64")):
        annotate(table, model=scorer)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("good", "S171.*a str is not a table"),
        (["good"], "S171.*a list is not a table"),
        (pd.Series(["good"]), "S171.*a Series is not a table"),
        (pl.LazyFrame({"text": ["good"]}), "S171.*a LazyFrame is not.*collect"),
        (pa.table([["a"], ["b"]], names=["text", "text"]), "S067.*the table.*'text' 2 times"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "S067.*the table.*'text' 2 times"),
    ],
)
def test_what_is_not_a_table_is_refused(value: Any, error: str, scorer: TextScorer) -> None:
    with pytest.raises(SentimentError, match=error):
        annotate(value, model=scorer)
    with pytest.raises(SentimentError, match="S021.*prefix is empty"):
        annotate(pa.table({"text": ["a"]}), model=scorer, prefix="")


TEXTS = st.lists(st.none() | st.sampled_from(["good", "not good at all", "bad :(", "", " \t\n", "A0"]), max_size=6)


@given(texts=TEXTS, prefix=st.sampled_from(["sentiment", "mood", "a b"]), data=st.data())
def test_a_frame_of_each_library_gets_the_columns_of_an_arrow_table(
    texts: list[str | None], prefix: str, data: st.DataObject, scorer: TextScorer
) -> None:
    table = pa.table({"text": pa.array(texts, pa.string()), "sentiment": pa.array(["old"] * len(texts), pa.string())})
    name = prefix if prefix != "sentiment" else "new"
    expected = annotate(table, model=scorer, prefix=name)
    assert expected.column_names == ["text", "sentiment", name, f"{name}_negative", f"{name}_positive"]
    assert expected["sentiment"].to_pylist() == ["old"] * len(texts)
    blank = [text is None or not text.strip() for text in texts]
    for added in expected.column_names[3:]:
        assert [value is None for value in expected[added].to_pylist()] == blank

    polars = pl.DataFrame(table)
    found = annotate(polars, model=scorer, prefix=name)
    assert isinstance(found, pl.DataFrame)
    assert pa.table(found).to_pylist() == expected.to_pylist()
    assert polars.columns == ["text", "sentiment"]

    index = data.draw(st.lists(st.integers(0, 9), min_size=len(texts), max_size=len(texts)))  # may hold one twice
    dtype = data.draw(st.sampled_from(["object", "string", "category"]))
    frame = pd.DataFrame({"text": pd.Series(texts, dtype=dtype), "sentiment": "old"}).set_axis(index)
    before = frame.copy()
    found = annotate(frame, model=scorer, prefix=name)
    assert list(found.index) == index
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(found[["text", "sentiment"]], before)
    rows = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in found.to_dict("records")]
    assert [list(row.values())[2:] for row in rows] == [list(row.values())[2:] for row in expected.to_pylist()]


def test_a_column_without_any_value_has_no_scores(scorer: TextScorer) -> None:
    for table in (pa.table({"text": pa.nulls(2)}), pl.DataFrame({"text": [None, None]})):
        assert pa.table(annotate(table, model=scorer))["sentiment"].to_pylist() == [None, None]
    assert annotate(pd.DataFrame({"text": [float("nan")] * 2}), model=scorer)["sentiment"].isna().all()
    assert list(annotate(pd.DataFrame({"text": []}), model=scorer).columns) == ["text", *ADDED]


def test_an_annotator_travels_without_its_model(scorer: TextScorer) -> None:
    annotator = Annotator("en", "body")
    batch = pa.RecordBatch.from_pydict({"body": ["good", None]})
    expected = annotate(batch, "body", scorer)
    assert annotate(batch, "body") == expected
    assert annotator(batch) == expected
    assert Annotator("en", "body", prefix="mood")(batch) == annotate(batch, "body", scorer, prefix="mood")
    sent = pickle.dumps(annotator)
    assert len(sent) < 1000
    assert list(pickle.loads(sent).batches([batch, batch])) == [expected, expected]


def test_labels_can_be_chosen(scorer: TextScorer) -> None:
    table = pa.table({"text": ["good", "at nine"]})
    expected = annotate(table, model="en_ternary", labels=["positive", "negative"])
    assert expected.schema.names == ["text", *ADDED]
    sent = pickle.dumps(Annotator("en_ternary", labels=["negative", "positive"]))
    assert pickle.loads(sent)(table) == expected
    with pytest.raises(SentimentError, match="S087"):
        annotate(table, model=scorer, labels=["negative", "positive"])


def test_a_missing_model_is_reported() -> None:
    with pytest.raises(SentimentError, match="nowhere"):
        Annotator("nowhere")(pa.table({"text": ["a"]}))


def test_values_of_other_types_among_texts_have_no_scores(scorer: TextScorer) -> None:
    frame = pd.DataFrame({"text": ["good", None, 3, "bad"]}, index=[5, 6, 7, 8])
    found = Annotator().frame(frame)
    assert list(found.columns) == ["text", *ADDED]
    assert list(found.index) == [5, 6, 7, 8]
    np.testing.assert_allclose(found.loc[[5, 8], ADDED[1:]], scorer(["good", "bad"]), atol=1e-6)
    assert found.loc[[6, 7], ADDED].isna().all(axis=None)


def test_a_model_that_is_saved_again_is_loaded_again(tmp_path: Path) -> None:
    table = pa.table({"text": ["good"]})
    for name, columns in (("en", 2), ("en_ternary", 3)):
        save(load(name), tmp_path / "m")
        assert len(annotate(table, model=tmp_path / "m").schema.names) == 2 + columns
        assert scorer_for(str(tmp_path / "m")) is scorer_for(str(tmp_path / "m"))


MAKERS: list[Callable[..., Any]] = [pa.table, pa.RecordBatch.from_pydict, pd.DataFrame, pl.DataFrame]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["film", "Smile", "table", None, ""], ["positive", "negative", None, None, None]),
        ([[5, 9], [17, 22], [0, 99], None, []], ["positive", "negative", None, None, None]),
    ],
)
def test_a_column_can_name_targets(
    make: Callable[..., Any], cells: list[Any], labels: list[str | None], tiny_targets: Language
) -> None:
    texts = ["good film, awful smile"] * 5
    found = annotate(make({"text": texts, "of": cells}), model=TextScorer(tiny_targets), target_column="of")
    column = found["sentiment"]
    values = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    assert [value if isinstance(value, str) else None for value in values] == labels


def test_lists_of_numpy_name_targets_too(tiny_targets: Language) -> None:
    frame = pd.DataFrame({"text": ["good film, awful smile"], "of": [np.array([17, 22])]})
    assert annotate(frame, model=TextScorer(tiny_targets), target_column="of")["sentiment"].tolist() == ["negative"]


def test_a_model_or_a_table_without_targets_is_refused(scorer: TextScorer) -> None:
    with pytest.raises(SentimentError, match="S200"):
        annotate(pa.table({"text": ["a"], "of": ["a"]}), model=scorer, target_column="of")
    with pytest.raises(SentimentError, match="S064.*target_column="):
        annotate(pa.table({"text": ["a"]}), model=scorer, target_column="of")


def test_a_target_may_be_a_tuple_of_offsets(tiny_targets: Language) -> None:
    frame = pd.DataFrame({"text": ["good film, awful smile"] * 3, "of": [(5, 9), [5, 9], "film"]})
    found = annotate(frame, model=TextScorer(tiny_targets), target_column="of")
    assert found["sentiment"].tolist() == ["positive"] * 3


def test_a_relative_path_is_a_path_and_not_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(load("en_ternary"), tmp_path / "en")
    monkeypatch.chdir(tmp_path)
    for found in (
        annotate(pa.table({"text": ["good"]}), model=Path("en")),
        Annotator(Path("en"))(pa.table({"text": ["good"]})),
    ):
        assert "sentiment_neutral" in found.schema.names
    assert "sentiment_neutral" not in annotate(pa.table({"text": ["good"]}), model="en").schema.names
