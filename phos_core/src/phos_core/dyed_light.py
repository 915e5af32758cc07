"""Light through dyed layers: what receivers get of it, by the law of Beer and Lambert."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, mix, per_layer

__all__ = [
    "Light",
    "see",
]

LN10 = math.log(10.0)

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The light that comes through, or back from, dyed layers: Beer-Lambert at few wavelengths.

    Parameters
    ----------
    spectral : tuple of tuple of float
        One row per wavelength: spectral density per unit of each layer's density.
    base : tuple of float
        Spectral density at each wavelength where the layers' densities are all zero.
    weights : tuple of tuple of float
        One row per receiver: what light at each wavelength adds to it.
    """

    spectral: Rows
    base: tuple[float, ...]
    weights: Rows

    def __post_init__(self) -> None:
        wavelengths = len(self.spectral)
        if len(self.base) != wavelengths or any(len(row) != wavelengths for row in self.weights):
            raise ValueError(
                f"base and each row of weights must have one entry per row of spectral "
                f"({wavelengths}), got {len(self.base)} and {[len(row) for row in self.weights]}"
            )


def see(density: Array, params: Light) -> Array:
    """Give what receivers get of the light that layers of these densities let through.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of each layer.
    params : Light
        The closed form.

    Returns
    -------
    array, shape (receivers, rows, cols)
        Light.

    Notes
    -----
    With A the spectral densities of the layers, b those of the base and W the weights,

        L = W 10^-(A D + b)

    The Beer-Lambert law at a few wavelengths; W makes up for those in between.
    """
    xp = array_namespace(density)
    received = per_layer(list(zip(*params.weights, strict=True)), density)

    def at(wavelength: int) -> Array:
        row, base = params.spectral[wavelength], params.base[wavelength]
        through = mix(density, [[-LN10 * value for value in row]])
        through -= LN10 * base
        return xp.exp(through) * received[wavelength, ...]

    # One wavelength after another: an array of all of them would be the largest by far.
    light = at(0)
    for wavelength in range(1, len(params.base)):
        light += at(wavelength)
    return light
