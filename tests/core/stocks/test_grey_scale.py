"""A grey scale on a film: its characteristic curve, as the film is treated."""

import math

import numpy as np
import pytest

from phos_core.stocks import grey_scale_density, load_film
from phos_core.stocks.data_sheet import read_film_sheet
from phos_core.stocks.library import film_text

STOPS = np.linspace(-8.0, 8.0, 97)


@pytest.mark.parametrize("name", ["portra-400", "ektar-100", "tri-x-400", "velvia-50"])
def test_the_curve_is_the_one_that_its_maker_published_couplers_and_all(name):
    film, sheet = load_film(name), read_film_sheet(film_text(name), name)
    exposure = math.log10(film.exposure.mid_grey_lx_s) + STOPS * math.log10(2.0)
    for density, points in zip(
        grey_scale_density(film, STOPS), sheet.characteristic_curve, strict=True
    ):
        drawn = (points[0, 0] <= exposure) & (exposure <= points[-1, 0])
        published = np.interp(exposure[drawn], points[:, 0], points[:, 1])
        assert np.abs(density[drawn] - published).max() < 0.06
