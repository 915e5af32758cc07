"""How well backends agree on whole renders, against the brightness of the highlights.

    nox -s agreement

For each brightness (white is 1) and stock: the largest difference of float renders, grain
included, between each backend and scipy, and their PSNR; and how far each backend's spread of
light is from the same in double precision in the darkest tenth of the picture, relatively.
"""

import numpy as np

import phos_core as phos
from phos_core.convolution import select
from phos_core.process.coding import Coding
from phos_core.process.pipeline import expose_scene, spread_of_light

BRIGHTEST = (1.0, 30.0, 1_000.0, 30_000.0, 1_000_000.0)
ROWS, COLS = 600, 900
SEED = 5


def scene(brightest):
    """Return scene light over a wide range, with small lamps and a lit window."""
    rng = np.random.default_rng(4)
    light = 0.18 * 2.0 ** rng.normal(0, 1.2, (ROWS, COLS, 3))
    light[200:320, 120:280] = 0.003
    light[260:264, 180:184] = brightest
    light[80:140, 600:660] = brightest / 4
    return light.astype(np.float32)


def develop(image, film, backend):
    """Develop scene light with a fixed seed."""
    return phos.develop(image, film, backend=backend, encoding="linear", seed=SEED)


def psnr_db(first, second):
    """Return the peak signal-to-noise ratio of two renders."""
    return -10 * np.log10(np.mean((first.astype(np.float64) - second) ** 2) + 1e-30)


def error_in_the_dark(image, film, backend):
    """Return the largest relative error of the spread light in the darkest tenth."""
    recipe = phos.Recipe(film=film, encoding="linear")
    exposure = expose_scene(
        np.moveaxis(image, -1, 0),
        params=film.exposure,
        coding=Coding.of("linear", "srgb"),
        exposure_stops=0.0,
    )
    psfs = spread_of_light(film, recipe.pitch_um(ROWS, COLS))
    exact = select("scipy").backend.convolve(exposure.astype(np.float64), psfs)
    found = select(backend).backend.convolve(exposure, psfs)
    dark = exact < np.percentile(exact, 10)
    return float((np.abs(found - exact) / exact)[dark].max())


def main():
    """Print the table."""
    others = [r.name for r in phos.backends() if r.status == "ok" and r.name != "scipy"]
    print("highlights  stock           backend   max difference   PSNR dB   dark error")
    for brightest in BRIGHTEST:
        image = scene(brightest)
        for film in [phos.load_film(listed.name) for listed in phos.films()]:
            reference = develop(image, film, "scipy")
            dark = error_in_the_dark(image, film, "scipy")
            print(f"{brightest:10g}  {film.name:15} scipy     {'-':>14} {'-':>9} {dark:12.1e}")
            for backend in others:
                positive = develop(image, film, backend)
                largest = float(np.abs(positive - reference).max())
                dark = error_in_the_dark(image, film, backend)
                print(
                    f"{brightest:10g}  {film.name:15} {backend:9} {largest:14.1e} "
                    f"{psnr_db(positive, reference):9.1f} {dark:12.1e}"
                )


if __name__ == "__main__":
    main()
