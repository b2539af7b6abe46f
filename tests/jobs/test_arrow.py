import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.bulk.text_scorer import scorer_for
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.jobs.arrow import Annotator, annotate
from spacy_trax_sentiment.pipelines import load, save

pa = pytest.importorskip("pyarrow")

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
        ({"body": ["a"]}, "S064.*'text' is missing; there are: 'body'"),
        ({"text": [1]}, "S065.*of the type int64"),
        ({"text": ["a"], "sentiment": ["b"]}, "S066.*'sentiment'"),
    ],
)
def test_a_table_that_cannot_be_annotated_is_refused(
    columns: dict[str, list[Any]], error: str, scorer: TextScorer
) -> None:
    with pytest.raises(SentimentError, match=error):
        annotate(pa.table(columns), model=scorer)


def test_an_annotator_travels_without_its_model(scorer: TextScorer) -> None:
    annotator = Annotator("en", "body")
    batch = pa.RecordBatch.from_pydict({"body": ["good", None]})
    expected = annotate(batch, "body", scorer)
    assert annotate(batch, "body") == expected
    assert annotator(batch) == expected
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


@pytest.mark.slow
def test_a_data_frame_gets_its_scores_as_columns(scorer: TextScorer) -> None:
    pd = pytest.importorskip("pandas")
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
