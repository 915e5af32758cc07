"""What is ordered of a clip: places in it, rates, and how a sidecar keeps them."""

from fractions import Fraction

import numpy as np
import pytest
from frames_on_disk import FramesOnDisk

from phos_video import Order, Span, VideoError
from phos_video.developing.order import frame_of, rate_from


@pytest.fixture
def minute(tmp_path):
    """A clip of 1500 frames, 25 a second."""
    np.save(tmp_path / "minute.npy", np.zeros((1500, 1, 1, 3), np.uint16))
    return FramesOnDisk().probe(tmp_path / "minute.npy")


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("0", 0),
        ("2", 50),
        ("2.03", 50),
        ("2.04", 51),
        (".5", 12),
        ("0:02", 50),
        ("0:00:02.5", 62),
        ("1:00", 1500),
        ("7f", 7),
        ("9999f", 1500),
        ("3600", 1500),
    ],
)
def test_a_place_is_the_frame_that_is_shown_then(minute, text, frame):
    assert frame_of("start", text, minute) == frame


@pytest.mark.parametrize("text", ["", "-1", "1:75", "12f5", "1e3", "half", "1:2:3:4"])
def test_what_is_no_place_is_refused(minute, text):
    with pytest.raises(ValueError, match="start must be seconds"):
        frame_of("start", text, minute)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("24000/1001", Fraction(24000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_a_rate_is_what_people_mean_by_it(text, rate):
    assert rate_from(text) == rate


@pytest.mark.parametrize("text", ["0", "-24", "1/0", "film"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="rate must be"):
        rate_from(text)


def test_frames_that_are_not_there_are_refused(minute):
    assert Order(first=10).span_in(minute) == Span(10, 1500)
    assert Order(first=10, count=5).span_in(minute) == Span(10, 15)
    for order in (Order(first=1500), Order(first=1499, count=2)):
        with pytest.raises(VideoError, match="has 1500 frames"):
            order.span_in(minute)


@pytest.mark.parametrize(
    "order",
    [
        Order(),
        Order(first=3, count=7, rate=Fraction(24000, 1001), codec="hevc", proxy=True),
        Order(compare=True, input_range="full"),
    ],
)
def test_a_sidecar_keeps_an_order(order):
    assert Order.from_values(order.values()) == order


def test_an_order_that_a_sidecar_has_half_of_is_refused():
    values = Order().values()
    del values["rate"]
    with pytest.raises(ValueError, match=r"\[clip\] rate is missing or wrong"):
        Order.from_values(values)
