"""A hash table of arrays: uint64 keys to int32 values, looked up a batch at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FREE = 0


class HashTable:
    """Open addressing with linear probing (Knuth, TAOCP vol. 3, section 6.4), at most a quarter full.

    A dict's scattered objects are not in the processor's cache after a batch was tokenized, and cost a call each. The
    keys must be hashes already. Key 0 marks a free slot: it cannot be added, and has the value 0. Threads may look keys
    up while one adds.
    """

    def __init__(self, n_slots: int = 1 << 12) -> None:
        """n_slots: A power of two."""
        self._n_keys = 0
        self._slots = _empty(n_slots)

    def __len__(self) -> int:
        return self._n_keys

    def look_up(self, keys: Array) -> tuple[Array, Array]:
        """RETURNS: int32 values (n,) of the keys (n,), 0 where there is none; and the indices of the keys not in the
        table.
        """
        slot_keys, slot_values = self._slots
        slots = _slots_of(keys, slot_keys)
        found = slot_keys.take(slots)
        missed = np.flatnonzero(found != keys)
        unseen = []
        while len(missed):
            free = found[missed] == _FREE
            unseen.append(missed[free])
            missed = missed[~free]
            slots[missed] = (slots[missed] + 1) & (len(slot_keys) - 1)
            found[missed] = slot_keys.take(slots[missed])
            missed = missed[found[missed] != keys[missed]]
        return slot_values.take(slots), np.concatenate(unseen) if unseen else missed

    def add(self, keys: Array, values: Array) -> None:
        """Put in keys (n,), all different and none in the table, with their values (n,). By one thread at a time."""
        slots = self._slots
        n_keys = self._n_keys + len(keys)
        if n_keys * 4 > len(slots[0]):
            filled = np.flatnonzero(slots[0])
            old_keys, old_values = slots[0][filled], slots[1][filled]
            # New arrays, as other threads may be reading the old ones.
            slots = _empty(1 << (n_keys * 4 - 1).bit_length())
            _put(slots, old_keys, old_values)
        _put(slots, keys, values)
        self._slots, self._n_keys = slots, n_keys


def _empty(n_slots: int) -> tuple[Array, Array]:
    return np.zeros(n_slots, dtype=np.uint64), np.zeros(n_slots, dtype=np.int32)


def _slots_of(keys: Array, slot_keys: Array) -> Array:
    slots: Array = (keys & np.uint64(len(slot_keys) - 1)).view(np.int64)
    return slots


def _put(slots: tuple[Array, Array], keys: Array, values: Array) -> None:
    slot_keys, slot_values = slots
    at = _slots_of(keys, slot_keys)
    left = np.arange(len(keys))
    while len(left):
        free = left[slot_keys.take(at[left]) == _FREE]
        # Of the keys that fall into one free slot, the last one written there gets it.
        slot_values[at[free]] = free
        first = free[slot_values.take(at[free]) == free]
        slot_values[at[first]] = values[first]
        slot_keys[at[first]] = keys[first]  # last, as other threads read meanwhile
        left = left[slot_keys.take(at[left]) != keys[left]]
        at[left] = (at[left] + 1) & (len(slot_keys) - 1)
