import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import banded, reference
from phos_core.psf import from_array
from phos_core.testing import assert_agrees


def random_terms(rng, ry, rx, count):
    return tuple((rng.random(2 * ry + 1), rng.random(2 * rx + 1)) for _ in range(count))


def psf_of(terms):
    return from_array(sum(np.outer(down, along) for down, along in terms))


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    reach=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    count=st.integers(1, 3),
    boundary=st.sampled_from(BOUNDARIES),
    seed=st.integers(0, 2**32),
)
def test_sums_of_separable_terms_agree_with_the_reference(shape, reach, count, boundary, seed):
    rng = np.random.default_rng(seed)
    image = rng.random(shape).astype(np.float32)
    terms = random_terms(rng, *reach, count)
    out = np.full_like(image, np.nan)
    banded.convolve(image, terms, boundary, out)
    assert_agrees(out, image, psf_of(terms), boundary)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_result_may_be_added_to_what_is_there(boundary, dtype):
    rng = np.random.default_rng(1)
    image = rng.random((90, 70)).astype(dtype)
    terms = random_terms(rng, 3, 5, 2)
    out = np.full_like(image, 7.0)
    banded.convolve(image, terms, boundary, out, add=True)
    expected = 7.0 + reference.convolve(image, psf_of(terms), boundary)
    np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("pixels", [100, 5000])
def test_strips_of_any_height_meet(monkeypatch, pixels):
    monkeypatch.setattr(banded, "STRIP_PIXELS", pixels)
    rng = np.random.default_rng(1)
    image = rng.random((133, 37)).astype(np.float32)
    terms = random_terms(rng, 9, 2, 2)
    out = np.empty_like(image)
    banded.convolve(image, terms, "mirror", out)
    assert_agrees(out, image, psf_of(terms), "mirror")


def test_a_lamp_leaves_no_trace_where_its_light_does_not_reach():
    rng = np.random.default_rng(1)
    dark = rng.random((100, 120)).astype(np.float32)
    lit = dark.copy()
    lit[50, 60] = 1e9
    terms = random_terms(rng, 6, 8, 2)
    found, expected = np.empty_like(dark), np.empty_like(dark)
    banded.convolve(lit, terms, "symmetric", found)
    banded.convolve(dark, terms, "symmetric", expected)
    reached = np.zeros(dark.shape, bool)
    reached[44:57, 52:69] = True
    np.testing.assert_array_equal(found[~reached], expected[~reached])


def test_windows_beyond_a_matrix_are_refused():
    with pytest.raises(ValueError, match="3 windows of 4 columns"):
        banded.columns_of(np.zeros((2, 9)), 3, 3, 4)


def test_windows_of_rows_and_columns_are_views_of_a_matrix():
    matrix = np.arange(70.0).reshape(7, 10)
    rows = banded.rows_of(matrix, 3, 2, 3)
    assert rows.shape == (3, 3, 10)
    assert np.shares_memory(rows, matrix)
    for i in range(3):
        np.testing.assert_array_equal(rows[i], matrix[2 * i : 2 * i + 3])
    both = banded.columns_of(rows, 2, 4, 5)
    for i, j in np.ndindex(3, 2):
        np.testing.assert_array_equal(both[i, j], rows[i, :, 4 * j : 4 * j + 5])
    with pytest.raises(ValueError, match="4 windows of 3 rows do not fit in 7"):
        banded.rows_of(matrix, 4, 2, 3)


@pytest.mark.parametrize("shape", [(16, 144), (5, 1000), (3, 40, 300)])
def test_products_are_those_of_matrices_however_wide(shape):
    rng = np.random.default_rng(1)
    left, right = rng.random((*shape[:-2], 7, shape[-2])), rng.random(shape)
    out = np.empty((*shape[:-2], 7, shape[-1]))
    for size in (1, 2**12, 2**18):
        out[...] = np.nan
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(banded, "PRODUCT_SIZE", size)
            banded.product(left, right, out)
        np.testing.assert_allclose(out, left @ right, rtol=1e-13)


@pytest.mark.parametrize("shape", [(33, 33), (17, 65), (1, 31)])
def test_the_last_row_and_column_are_there(shape):
    rng = np.random.default_rng(1)
    image, terms = rng.random(shape).astype(np.float32), random_terms(rng, 2, 3, 1)
    out = np.full_like(image, np.nan)
    banded.convolve(image, terms, "symmetric", out)
    assert_agrees(out, image, psf_of(terms), "symmetric")
