"""The ids of labelled texts to how far each id tells the labels apart: the log-ratios of naive Bayes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def log_ratios(
    ids: Sequence[NDArray[np.int32]], targets: Sequence[int], n_rows: int, n_labels: int
) -> NDArray[np.float32]:
    """Return the norm of each id's log-odds between the labels, float32 (n_rows, 1); 0 for an id that no text has.

    A label's rate is the fraction of its texts that hold the id, with one text added (Laplace's rule). Texts whose
    target is -1 do not count.
    """
    counts, n_texts = np.ones((n_rows, n_labels)), np.full(n_labels, 2.0)
    for each, target in zip(ids, targets, strict=True):
        if target >= 0:
            counts[np.unique(each), target] += 1
            n_texts[target] += 1
    logs = np.log(counts / n_texts)
    logs -= logs.mean(axis=1, keepdims=True)
    norms = np.sqrt((logs**2).sum(axis=1, keepdims=True)) * (counts.max(axis=1, keepdims=True) > 1)
    return np.asarray(norms, dtype=np.float32)
