"""Development: the characteristic curve turns log exposure into density."""

from dataclasses import dataclass

from phos_core.arrays import Array
from phos_core.density_curve import Curve, evaluate

__all__ = ["Development", "develop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Development:
    """The characteristic curves of a stock.

    Parameters
    ----------
    curves : tuple of Curve
        Density against log10 exposure in lx s, one per layer.
    d_min : tuple of float
        Least density of each layer: base plus fog.
    d_max : tuple of float
        Greatest density of each layer.
    """

    curves: tuple[Curve, ...]
    d_min: tuple[float, ...]
    d_max: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.curves) == len(self.d_min) == len(self.d_max):
            raise ValueError(
                "curves, d_min and d_max must have one entry per layer, got "
                f"{len(self.curves)}, {len(self.d_min)} and {len(self.d_max)}"
            )
        if not all(low < high for low, high in zip(self.d_min, self.d_max, strict=True)):
            raise ValueError(f"d_min must lie below d_max, got {self.d_min} and {self.d_max}")


def develop(log10_exposure: Array, params: Development) -> Array:
    """Develop a latent image to density.

    Parameters
    ----------
    log10_exposure : array, shape (layers, rows, cols)
        log10 of the exposure in lx s, as the couplers left it.
    params : Development
        The stock's characteristic curves.

    Returns
    -------
    array, shape (layers, rows, cols)
        Density, above that of nothing: base and fog included.

    Notes
    -----
    A layer's density never falls (negative) or never rises (reversal) with its exposure.
    """
    return evaluate(params.curves, log10_exposure)
