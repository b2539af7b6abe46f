import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.jobs.frames import Annotator

TEXTS = ["good", "so bad :(", "not good at all", None, "", "I love it 😍"]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark with an executor in a process of its own."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java, and there is no java on PATH")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def test_an_annotator_in_spark(spark: Any, tmp_path: Path) -> None:
    from pyspark.sql.types import StructType

    frame = spark.createDataFrame(list(enumerate(TEXTS * 5)), "id int, text string")
    added = StructType.fromDDL("sentiment string, sentiment_negative float, sentiment_positive float")
    schema = StructType([*frame.schema, *added])
    frame.mapInArrow(Annotator().batches, schema).write.parquet(str(tmp_path / "out"))
    rows = spark.read.parquet(str(tmp_path / "out")).orderBy("id").collect()
    assert [row.text for row in rows] == TEXTS * 5
    assert all((row.sentiment_positive is None) == (not row.text) for row in rows)
    texts = [text for text in TEXTS * 5 if text]
    assert [row.sentiment for row in rows if row.text] == TextScorer.load().predict(texts)
    found = [[row.sentiment_negative, row.sentiment_positive] for row in rows if row.text]
    np.testing.assert_allclose(found, TextScorer.load()(texts), atol=1e-6)
