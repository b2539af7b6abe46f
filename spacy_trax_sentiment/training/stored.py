"""Training data larger than memory: texts, and their ids, in temporary files in place of lists.

What is read from them is what a list would hold, in the same order, so training on them gives the same weights.
"""

import os
import struct
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError
from .corpora import HELD_OUT_SHARE, iter_labelled_texts, split_held_out
from .labelled import LabelledText

# A file of so many bytes takes some ten times as much memory, as lists of texts and ids.
MOST_BYTES_IN_MEMORY = 1 << 26

# Of each label, no more are held out: the interval of an accuracy is then within a point.
MOST_HELD_OUT = 10_000

_HEAD = struct.Struct("<HI")  # the label's number, the length of the text in bytes
_BUFFER = 1 << 20


def open_labelled_texts(source: str, **columns: Any) -> "list[LabelledText] | StoredTexts":
    """RETURNS: The texts of a source, as `read_labelled_texts` reads them, whose arguments it takes; of a large file
    stored ones.
    """
    texts = iter_labelled_texts(source, **columns)
    is_large = os.path.isfile(source) and os.path.getsize(source) > MOST_BYTES_IN_MEMORY
    return StoredTexts(texts) if is_large else list(texts)


class StoredTexts:
    """Labelled texts in a temporary file, to be read again and again in their order; it goes with the object."""

    def __init__(self, texts: Iterable[LabelledText]) -> None:
        """texts: Read once."""
        self._file = _temporary_file()
        self.counts: Counter[str] = Counter()
        """How many texts each label has."""
        number: dict[str, int] = {}
        with _reported():
            for text, label in texts:
                self.counts[label] += 1
                content = text.encode()
                self._file.write(_HEAD.pack(number.setdefault(label, len(number)), len(content)))
                self._file.write(content)
            self._file.flush()
        self._labels = list(number)

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[LabelledText]:
        with open(self._file.fileno(), "rb", buffering=_BUFFER, closefd=False) as file:
            at = 0
            while True:
                file.seek(at)  # two may read in turns
                head = file.read(_HEAD.size)
                if not head:
                    return
                number, length = _HEAD.unpack(head)
                text = file.read(length).decode()
                at += _HEAD.size + length
                yield LabelledText(text, self._labels[number])


def hold_out(
    texts: list[LabelledText] | StoredTexts, source: str
) -> tuple[list[LabelledText] | StoredTexts, list[LabelledText]]:
    """As `split_held_out`, or of stored texts `split_stored`."""
    return split_stored(texts, source) if isinstance(texts, StoredTexts) else split_held_out(texts, source)


def split_stored(texts: StoredTexts, source: str) -> tuple[StoredTexts, list[LabelledText]]:
    """Hold out texts as `split_held_out` does, but of each label no more than `MOST_HELD_OUT`.

    Raises SentimentError where a label has too few texts for that.
    """
    train_counts = {}
    for label, count in texts.counts.items():
        n_held_out = min(int(count * HELD_OUT_SHARE), MOST_HELD_OUT)
        if not n_held_out:
            raise SentimentError(Errors.S015.format(source=source, label=label, needed=round(1 / HELD_OUT_SHARE)))
        train_counts[label] = count - n_held_out
    held_out: dict[str, list[LabelledText]] = {label: [] for label in texts.counts}

    def to_train_on() -> Iterator[LabelledText]:
        seen: Counter[str] = Counter()
        for text in texts:
            seen[text.label] += 1
            if seen[text.label] <= train_counts[text.label]:
                yield text
            else:
                held_out[text.label].append(text)

    train = StoredTexts(to_train_on())
    return train, [text for group in held_out.values() for text in group]


class StoredIds(Sequence[NDArray[np.int32]]):
    """Arrays of ids in a temporary file, each read when it is asked for: int32 (n_ids,)."""

    def __init__(self, ids: Iterable[NDArray[np.int32]]) -> None:
        """ids: Read once."""
        self._file = _temporary_file()
        ends = array("q", [0])
        with _reported():
            for each in ids:
                content = np.asarray(each, dtype=np.int32).tobytes()
                self._file.write(content)
                ends.append(ends[-1] + len(content))
            self._file.flush()
        self._ends = np.array(ends, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> NDArray[np.int32]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.int32]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        start, end = self._ends[index % len(self)], self._ends[index % len(self) + 1]
        self._file.seek(int(start))
        return np.frombuffer(self._file.read(int(end - start)), dtype=np.int32)


def _temporary_file() -> IO[bytes]:
    with _reported():
        return tempfile.TemporaryFile(buffering=_BUFFER)


@contextmanager
def _reported() -> Iterator[None]:
    """Raises SentimentError where the temporary directory is full or cannot be written."""
    try:
        yield
    except OSError as error:
        directory = tempfile.gettempdir()
        raise SentimentError(Errors.S140.format(directory=directory, reason=error.strerror or error)) from None
