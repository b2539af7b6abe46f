"""Training data larger than memory: texts that stay in their file, and ids in a temporary file.

Training on them gives the same weights as training on lists.
"""

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError, os_errors_as
from .labelled import LabelledText


class StoredTexts:
    """Labelled texts that stay in their file and are read from it at each iteration, `counts` of each label or all."""

    def __init__(self, texts: Iterable[LabelledText], counts: Counter[str] | None = None) -> None:
        self._texts = texts
        self.counts = Counter(text.label for text in texts) if counts is None else counts

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[LabelledText]:
        left = self.counts.copy()
        for text in self._texts:
            if left[text.label]:
                left[text.label] -= 1
                yield text
        if left.total():
            raise SentimentError(Errors.S027)


class StoredIds(Sequence[NDArray[np.int32]]):
    """The ids of many texts, int32 (n_ids,) each, in a temporary file that is mapped into memory."""

    def __init__(self, ids: Iterable[NDArray[np.int32]]) -> None:
        ends = array("q", [0])
        with os_errors_as(Errors.S140, tempfile.gettempdir()):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it must last as long as the map)
            for each in ids:
                self._file.write(each.astype(np.int32).tobytes())
                ends.append(ends[-1] + len(each))
            self._file.flush()
        self._ends = np.array(ends)
        self._ids = np.memmap(self._file, np.int32, mode="r") if ends[-1] else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> NDArray[np.int32]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.int32]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        start, end = self._ends[:-1][index], self._ends[1:][index]
        return self._ids[start:end]
