"""Ray clusters and Spark on this machine, for `scale.py`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_OBJECT_STORE = 200 << 20


@contextmanager
def one_node(n_cores: int) -> Iterator[str]:
    """Start a Ray cluster of one node with `n_cores` cores, and yield its address."""
    with _cluster(num_cpus=n_cores) as cluster:
        yield cluster.address


@contextmanager
def two_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Start a Ray cluster of two nodes with one core each, and yield its address and a function that removes a node."""
    with _cluster(num_cpus=1) as cluster:
        second = cluster.add_node(num_cpus=1, object_store_memory=_OBJECT_STORE)
        yield cluster.address, lambda: cluster.remove_node(second, allow_graceful=False)


@contextmanager
def _cluster(num_cpus: int) -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": num_cpus, "object_store_memory": _OBJECT_STORE, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def spark(source: str, output: str) -> None:
    """Score the column `text` of a Parquet file with two Spark workers."""
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from spacy_trax_sentiment.jobs.frames import Annotator

    os.environ["PYSPARK_PYTHON"] = sys.executable
    with tempfile.TemporaryDirectory() as warehouse:
        session: Any = (
            SparkSession.builder.master("local[2]")  # type: ignore[attr-defined]
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", warehouse)
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        frame: Any = session.read.parquet(source)
        added: Any = StructType.fromDDL("sentiment string, sentiment_negative float, sentiment_positive float")
        frame.mapInArrow(Annotator().batches, StructType([*frame.schema, *added])).write.parquet(output)
        session.stop()
