import numpy as np
import pytest

from phos_core.convolution.boundary import BOUNDARIES, check_boundary, period, source_index

CONTINUED = {
    "symmetric": "baabccbaabcc",
    "mirror": "cbabcbabcbab",
    "edge": "aaabcccccccc",
    "wrap": "bcabcabcabca",
}


@pytest.mark.parametrize(("boundary", "continued"), CONTINUED.items())
def test_an_axis_goes_on_as_the_word_says(boundary, continued):
    index = source_index(3, 2, 12, boundary)
    assert "".join("abc"[i] for i in index) == continued


@pytest.mark.parametrize("boundary", ["symmetric", "mirror", "wrap"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_continued_axis_repeats_after_its_period(boundary, size):
    length = 4 * size
    index = source_index(size, 0, length + period(size, boundary), boundary)
    np.testing.assert_array_equal(index[:length], index[-length:])


def test_the_dark_beyond_the_edge_repeats_no_pixel():
    with pytest.raises(ValueError, match="repeats no pixel"):
        source_index(3, 1, 5, "zero")


def test_the_edge_and_the_dark_have_no_period():
    assert period(5, "edge") is None
    assert period(5, "zero") is None


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_five_words_are_known(boundary):
    assert check_boundary(boundary) == boundary


def test_the_word_reflect_is_refused_because_it_means_two_things():
    with pytest.raises(ValueError, match=r"symmetric.*mirror"):
        check_boundary("reflect")


def test_any_other_word_is_refused_with_the_list():
    with pytest.raises(ValueError, match="symmetric, mirror, edge, wrap, zero, got 'nearest'"):
        check_boundary("nearest")
