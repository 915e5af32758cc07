"""What may be decided of a raw file: the settings, what they mean, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phos_core import color
from phos_darkroom.files.formats.raw_balance import light_of_temperature
from phos_darkroom.files.formats.raw_settings import (
    HIGHLIGHTS,
    RAW_BOUNDS,
    RawSettings,
    white_balance_from,
)
from phos_darkroom.settings.as_text import as_toml, parse_toml

gains = st.floats(0.01, 100)
balances = (
    st.sampled_from(["as-shot", "daylight"])
    | st.floats(1_500, 15_000)
    | st.tuples(st.floats(1_500, 15_000), st.floats(-150, 150))
    | st.tuples(gains, gains, gains)
)


@given(
    balance=balances,
    highlights=st.sampled_from(HIGHLIGHTS),
    stops=st.floats(*RAW_BOUNDS["raw_exposure_stops"]),
    black=st.none() | st.integers(0, 1_000),
    white=st.none() | st.integers(1_001, 65_535),
    is_corrected=st.booleans(),
)
def test_settings_come_back_from_toml(balance, highlights, stops, black, white, is_corrected):
    settings = RawSettings(
        white_balance=balance,
        highlights=highlights,
        raw_exposure_stops=stops,
        black_level=black,
        white_level=white,
        lens_correction=is_corrected,
    )
    assert RawSettings.from_values(parse_toml(as_toml(settings.values()))) == settings


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("as-shot", "as-shot"),
        ("5600", 5600.0),
        ("5600,-10", (5600.0, -10.0)),
        ("2.1,1,1.6", (2.1, 1.0, 1.6)),
    ],
)
def test_a_white_balance_may_be_typed(text, meant):
    assert RawSettings(white_balance=white_balance_from(text)).white_balance == meant


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"white_balance": "auto"}, "white_balance must be as-shot, daylight"),
        ({"white_balance": 800}, "white_balance must have a temperature from 1500 to 15000"),
        ({"white_balance": (5600, 400)}, "white_balance must have a tint from -150 to 150"),
        ({"white_balance": (1, 0, 1)}, "white_balance must have a gain from 0.01 to 100"),
        ({"white_balance": (1, 1, 1, 1)}, "white_balance must be as-shot"),
        ({"white_balance": float("nan")}, "white_balance must have a temperature"),
        ({"highlights": "unclip"}, "highlights must be one of blend, rebuild, clip"),
        ({"raw_exposure_stops": 6}, "raw_exposure_stops must lie between -5 and 5, got 6"),
        ({"black_level": 9, "white_level": 9}, "white_level must be above black_level, 9, got 9"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(wrong, message):
    with pytest.raises(ValueError, match=message):
        RawSettings(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"white_balance": True}, {"black_level": 1.5}, {"lens_correction": 1}, {"white_level": "9"}],
)
def test_a_setting_of_another_type_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(TypeError, match=f"{name} must be"):
        RawSettings(**wrong)


def test_an_unknown_setting_of_a_sidecar_is_refused():
    with pytest.raises(ValueError, match="unknown setting of raw files 'white'; known: white_bal"):
        RawSettings.from_values({"white": 3})


def test_the_light_of_a_temperature_is_that_of_a_black_body():
    x, y, z = light_of_temperature(2_856)  # CIE's illuminant A
    assert (x / (x + y + z), y / (x + y + z)) == pytest.approx((0.44758, 0.40745), abs=5e-4)
    x, y, z = light_of_temperature(6_504.38938305)  # as colour-science gives it
    uv = (4 * x / (x + 15 * y + 3 * z), 6 * y / (x + 15 * y + 3 * z))
    assert uv == pytest.approx((0.2004720, 0.3102929), abs=1e-6)


def test_a_tint_above_zero_is_greener_light():
    to_srgb = np.linalg.inv(color.LINEAR_SRGB_TO_XYZ)
    red, green, blue = (
        to_srgb @ light_of_temperature(6_500, 40) / (to_srgb @ light_of_temperature(6_500))
    )
    assert green > max(red, blue)
