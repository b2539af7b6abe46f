"""Arrays of uint64 keys to arrays of int32 values: a hash table that is looked up a batch at a time."""

import numpy as np

from .arrays import Array

_FREE = 0


class HashTable:
    """Open addressing with linear probing (Knuth, TAOCP vol. 3, section 6.4), at most a quarter full.

    A dict would cost one call per key, and its scattered objects are no longer in the processor's cache after a batch
    was tokenized. Keys must be hashes already. Key 0 marks a free slot: it cannot be added, and its value is 0.
    Threads may look keys up while one adds.
    """

    def __init__(self, n_slots: int = 1 << 12) -> None:
        """Start empty, with `n_slots` slots, a power of two."""
        self._n_keys = 0
        self._slots = _empty(n_slots)

    def __len__(self) -> int:
        return self._n_keys

    def look_up(self, keys: Array) -> tuple[Array, Array]:
        """Return the values of keys (n,), int32 (n,), 0 if not there; and the places of those not there, unordered."""
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
        """Add keys (n,) with their values (n,). The keys are all different and none is there. One thread at a time."""
        slots = self._slots
        n_keys = self._n_keys + len(keys)
        if n_keys * 4 > len(slots[0]):
            filled = np.flatnonzero(slots[0])
            old_keys, old_values = slots[0][filled], slots[1][filled]
            # New arrays, because other threads may be reading the old ones.
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
        # Several keys may fall into one free slot: the first gets it, the others go on to the next slot.
        _, first_places = np.unique(at[free], return_index=True)
        first = free[first_places]
        slot_values[at[first]] = values[first]
        slot_keys[at[first]] = keys[first]  # after the values, because other threads read meanwhile
        left = left[slot_keys.take(at[left]) != keys[left]]
        at[left] = (at[left] + 1) & (len(slot_keys) - 1)
