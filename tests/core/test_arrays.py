import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phos_core.arrays import mix, per_layer


@given(
    layers=st.integers(1, 5),
    mixed=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_mix_is_a_matrix_product_along_the_layers(layers, mixed, seed):
    rng = np.random.default_rng(seed)
    x, rows = rng.normal(size=(layers, 3, 4)), rng.normal(size=(mixed, layers))
    np.testing.assert_allclose(mix(x, rows.tolist()), np.tensordot(rows, x, 1), atol=1e-12)


def test_mix_keeps_namespace_and_dtype_and_its_argument(xp):
    x = xp.ones((3, 2, 2), dtype=xp.float32)
    mixed = mix(x, [[1.0, 2.0, 3.0]])
    assert mixed.dtype == xp.float32
    assert mixed.shape == (1, 2, 2)
    assert bool(xp.all(mixed == 6.0))
    assert bool(xp.all(x == 1.0))


@pytest.mark.parametrize(
    ("values", "shape"), [([1.0, 2.0, 3.0], (3, 1, 1)), ([[1.0, 2.0]] * 4, (4, 2, 1, 1))]
)
def test_numbers_per_layer_act_on_rows_and_columns(values, shape, xp):
    numbers = per_layer(values, xp.zeros((3, 5, 6), dtype=xp.float32))
    assert numbers.shape == shape
    assert numbers.dtype == xp.float32
