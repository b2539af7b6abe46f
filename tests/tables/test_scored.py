import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.scored import Written, write_scored
from spacy_trax_sentiment.tables.writers import open_output
from spacy_trax_sentiment.text.labels import Scored

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

LABELS = ["down", "up"]
BLANK = st.text(st.sampled_from(" \t\u00a0\u3000"), max_size=3)


def score(texts: Sequence[str]) -> Scored:
    return Scored(np.full((len(texts), 2), 0.5, np.float32), np.ones(len(texts), bool))


def write(source: Path, target: Path, *, strict: bool = False) -> Written:
    with (
        open_input(str(source), source.suffix[1:], batch_size=2, strict=strict) as batches,
        open_output(str(target), target.suffix[1:], overwrite=True) as write,
    ):
        return write_scored(batches, write, score, LABELS, strict=strict)


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "txt", "parquet"])
@given(texts=st.lists(BLANK | st.sampled_from(["a", "ab", " a "]), min_size=1, max_size=6))
def test_a_blank_cell_is_a_row_without_a_text(
    tmp_path_factory: pytest.TempPathFactory, format: str, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("blank")
    source, target = folder / f"a.{format}", folder / "b.jsonl"
    if format == "parquet":
        pq.write_table(pa.table({"text": texts}), source)
    elif format == "jsonl":
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    else:
        lines = texts if format == "txt" else ["text", *(f'"{text}"' for text in texts)]
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    without = [i for i, text in enumerate(texts, start=1) if not text.strip()]
    assert write(source, target) == (len(texts), len(without), next(iter(without), None))
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == texts
    for i, row in enumerate(rows, start=1):
        scores = [row[name] for name in ("sentiment", "sentiment_down", "sentiment_up")]
        assert scores == ([None] * 3 if i in without else ["down", 0.5, 0.5])
    if without:
        with pytest.raises(SentimentError, match=rf"S150.*{source.name}, row {without[0]}: holds no text"):
            write(source, target, strict=True)
