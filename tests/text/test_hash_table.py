from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.hash_table import HashTable

# Many of these fall into one slot of a small table.
KEYS = st.integers(1, 40).map(lambda i: i << 40 | 5) | st.integers(1, 2**64 - 1)


@given(batches=st.lists(st.lists(KEYS, max_size=30), max_size=6), others=st.lists(KEYS))
def test_a_table_holds_the_same_as_a_dict(batches: list[list[int]], others: list[int]) -> None:
    table, expected = HashTable(n_slots=16), dict[int, int]()
    for batch in batches:
        new = {key: len(expected) + i for i, key in enumerate(dict.fromkeys(batch)) if key not in expected}
        table.add(np.array(list(new), dtype=np.uint64), np.array(list(new.values()), dtype=np.int32))
        expected |= new
        asked = [*expected, *others, *batch]
        values, missing = table.look_up(np.array(asked, dtype=np.uint64))
        assert values.tolist() == [expected.get(key, 0) for key in asked]
        assert sorted(missing.tolist()) == [i for i, key in enumerate(asked) if key not in expected]
    assert len(table) == len(expected)


def test_threads_read_correct_values_while_one_adds() -> None:
    table = HashTable(n_slots=16)
    keys = np.random.default_rng(0).integers(1, 2**63, size=20_000, dtype=np.uint64)
    values = (keys % np.uint64(1000)).astype(np.int32)

    def read(_: int) -> bool:
        found, missing = table.look_up(keys)
        seen = np.ones(len(keys), dtype=bool)
        seen[missing] = False
        return bool((found[seen] == values[seen]).all())

    with ThreadPoolExecutor(4) as pool:
        reading = pool.map(read, range(200))
        for start in range(0, len(keys), 100):
            table.add(keys[start : start + 100], values[start : start + 100])
        assert all(reading)
    assert not len(table.look_up(keys)[1])
