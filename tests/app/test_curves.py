import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
import phos_core as phos
from phos_app.curves import characteristic_curve


@pytest.mark.parametrize("name", ["portra-400", "tri-x-400", "velvia-50"])
def test_a_curve_is_monotone_and_keeps_to_its_films_densities(name):
    film = phos.load_film(name)
    curve = characteristic_curve(film)
    assert len(curve.density) == len(film.development.curves)
    sign = -1.0 if film.kind == "reversal" else 1.0
    for density, low, high in zip(
        curve.density.values(), film.development.d_min, film.development.d_max, strict=True
    ):
        assert (sign * np.diff(density) >= -1e-3).all()
        assert low - 0.05 <= density.min()
        assert density.max() <= high + 0.05


def test_a_film_that_is_metered_as_faster_is_exposed_less_at_mid_grey():
    slow = characteristic_curve(phos.load_film("tri-x-400"))
    fast = characteristic_curve(phos.load_film("tri-x-400", exposure_index=1600))
    at_grey = np.flatnonzero(slow.stops == 0.0)[0]
    assert fast.density["grey"][at_grey] < slow.density["grey"][at_grey] - 0.2


def test_the_page_gets_the_curve_of_the_film_as_it_is_treated(browser_of):
    settings = {"film": "tri-x-400", "push_stops": 1.0}
    told = browser_of.post("/api/curve", json={"settings": settings}).json()
    own = characteristic_curve(phos.load_film("tri-x-400", push_stops=1.0))
    assert told["stops"] == pytest.approx(own.stops.tolist(), abs=1e-3)
    assert told["density"]["grey"] == pytest.approx(own.density["grey"].tolist(), abs=1e-3)
