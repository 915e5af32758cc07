import numpy as np
import pytest

from phos_core.convolution.methods.tables import TableCache, transfer_table
from phos_core.psf import exponential, from_array


@pytest.mark.parametrize(
    ("psf", "dtype"),
    [
        (exponential(3.0), np.float32),
        (from_array(np.random.default_rng(1).random((5, 3))), np.complex64),
    ],
    ids=["even", "asymmetric"],
)
def test_a_table_made_some_rows_at_a_time_is_the_transfer_function(psf, dtype):
    fy, fx = np.fft.fftfreq(600), np.fft.rfftfreq(16)
    table = transfer_table(psf, fy, fx)
    assert table.dtype == dtype
    np.testing.assert_allclose(table, psf.transfer(fy, fx), rtol=0.0, atol=1e-6 * psf.l1)


def test_a_cleared_cache_makes_its_tables_again():
    cache = TableCache(limit_bytes=100)
    made = []
    for _ in range(2):
        cache.get("key", lambda: made.append(1) or np.zeros(60, np.uint8))
        cache.clear()
        cache.get("other", lambda: np.zeros(60, np.uint8))
    assert len(made) == 2
    assert list(cache._tables) == ["other"]


def test_the_least_recently_used_tables_are_dropped_at_the_limit():
    cache = TableCache(limit_bytes=2000)
    made = []

    def table(key, size):
        return cache.get(key, lambda: made.append(key) or np.zeros(size, np.uint8))

    table("a", 900)
    table("b", 900)
    table("a", 900)
    table("c", 900)
    table("a", 900)
    assert made == ["a", "b", "c"]
    table("b", 900)
    assert made == ["a", "b", "c", "b"]


def test_a_table_larger_than_the_limit_is_not_kept():
    cache = TableCache(limit_bytes=100)
    for _ in range(2):
        assert cache.get("large", lambda: np.zeros(101, np.uint8)).size == 101
    assert cache.get("small", lambda: np.zeros(5, np.uint8)).size == 5
    assert list(cache._tables) == ["small"]
