import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.jobs.frames import Annotator
from spacy_trax_sentiment.jobs.local import run_locally
from spacy_trax_sentiment.jobs.parts import Job, begin, parts_of, to_do
from spacy_trax_sentiment.jobs.ray import run_on_ray

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXTS = ["good", "so bad :(", "not good at all", "a table", "", "I love it 😍"]
N_ROWS = 600


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray on two nodes of one core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    from ray.cluster_utils import Cluster

    options = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": range(N_ROWS), "text": [f"{TEXTS[i % 6]} {i}" for i in range(N_ROWS)]}), path)
    return path


def _rows(directory: str) -> list[dict[str, Any]]:
    rows = [row for path in Path(directory).glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: row["id"])


def test_an_annotator_in_ray_data(cluster: Any) -> None:
    import ray.data

    table = pa.table({"id": range(30), "text": TEXTS * 5})
    dataset = ray.data.from_arrow(table).map_batches(
        Annotator, batch_format="pyarrow", compute=ray.data.ActorPoolStrategy(size=1)
    )
    rows = sorted(dataset.take_all(), key=lambda row: row["id"])
    assert [row["text"] for row in rows] == TEXTS * 5
    found = [[row["sentiment_negative"], row["sentiment_positive"]] for row in rows]
    expected = np.where(np.array(TEXTS * 5)[:, None] == "", np.nan, TextScorer.load()(TEXTS * 5))
    np.testing.assert_allclose(np.array(found, float), expected, atol=1e-6)


def test_ray_writes_what_processes_write_though_a_node_is_lost(cluster: Any, parquet: Path, tmp_path: Path) -> None:
    local, job = (Job("en", str(tmp_path / name)) for name in ("local", "ray"))
    for each in (local, job):
        begin(each, [str(parquet)])
    for outcome in run_locally(local, parts_of(str(parquet), local, rows_per_part=20), 1):
        assert outcome.error is None
    parts = parts_of(str(parquet), job, rows_per_part=20)
    outcomes = []
    for outcome in run_on_ray(job, parts, 2):
        outcomes.append(outcome)
        if len(outcomes) == 3:
            cluster.remove_node(cluster.second, allow_graceful=False)
    assert all(outcome.error is None for outcome in outcomes)
    assert {outcome.part for outcome in outcomes} == set(parts)
    assert to_do(job, parts) == []
    assert _rows(job.output) == _rows(local.output)
    assert [row["id"] for row in _rows(job.output)] == list(range(N_ROWS))
