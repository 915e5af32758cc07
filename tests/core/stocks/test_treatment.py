"""A treatment checks its settings once."""

import dataclasses
import math

import numpy as np
import pytest

from phos_core.stocks.treatment import Treatment


@pytest.mark.parametrize("light", ["film", "daylight", "tungsten"])
def test_a_light_has_a_name(light):
    assert Treatment(light=light).light == light


@pytest.mark.parametrize("number", [np.float32, np.int64, int, float])
def test_numbers_of_any_type_become_plain_ones(number):
    treatment = Treatment(
        light=number(4000),
        exposure_index=number(200),
        exposure_time_s=number(8),
        push_stops=number(1),
        paper_grade=number(3),
        filters_cc=[number(5), number(0), number(2)],
        contrast=number(1),
        balance_cc=[number(5), number(0), number(-2)],
        brightness_stops=number(1),
        black_point=number(-5),
        white_point=number(4),
    )

    values = [getattr(treatment, field.name) for field in dataclasses.fields(treatment)]
    flat = [v for value in values for v in (value if isinstance(value, tuple) else [value])]
    assert {type(value) for value in flat} == {float, str, int}
    assert [value for value in flat if type(value) is int] == [treatment.process_version]
    assert treatment == Treatment(
        light=4000.0,
        exposure_index=200.0,
        exposure_time_s=8.0,
        push_stops=1.0,
        paper_grade=3.0,
        filters_cc=(5.0, 0.0, 2.0),
        contrast=1.0,
        balance_cc=(5.0, 0.0, -2.0),
        brightness_stops=1.0,
        black_point=-5.0,
        white_point=4.0,
    )
    assert hash(treatment) == hash(dataclasses.replace(treatment))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("light", None, "light must be a number, got None"),
        ("light", True, "light must be a number, got True"),
        ("printing", None, "printing must be a name, got None"),
        ("exposure_index", "400", "exposure_index must be a number, got '400'"),
        ("push_stops", None, "push_stops must be a number, got None"),
        ("filters_cc", (1.0, "2", 3.0), "filters_cc must be a number, got '2'"),
    ],
)
def test_settings_of_the_wrong_type_are_refused(setting, value, message):
    with pytest.raises(TypeError, match=message):
        Treatment(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("light", "dusk", "light must be 'film' or 'daylight' or 'tungsten', or a .*got 'dusk'"),
        ("light", 500, "or 1000 to 25000 K, got 500"),
        ("light", math.nan, "light must be finite, got nan"),
        ("exposure_index", 0, "exposure_index must be positive, got 0.0"),
        ("exposure_time_s", -1, "exposure_time_s must be positive, got -1.0"),
        ("push_stops", math.inf, "push_stops must be finite, got inf"),
        ("paper_grade", 6, "paper_grade must lie between 0 and 5, got 6.0"),
        ("filters_cc", (1.0, 2.0), r"filters_cc must be \(yellow, magenta, cyan\), got \(1.0, 2.0"),
        ("filters_cc", 5.0, r"filters_cc must be \(yellow, magenta, cyan\), got 5.0"),
        ("black_point", 1, "black_point is in stops from mid-grey and must be negative, got 1.0"),
        ("white_point", 0, "white_point is in stops from mid-grey and must be positive, got 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(setting, value, message):
    with pytest.raises(ValueError, match=message):
        Treatment(**{setting: value})
