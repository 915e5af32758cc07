"""The numbers of HDR television: display light in PQ and in HLG (ITU-R BT.2100)."""

from phos_core import color
from phos_core.arrays import Array, array_namespace, clipped

__all__ = ["PEAK", "PEAK_NITS", "REFERENCE_WHITE_NITS", "hlg_numbers", "pq_numbers"]

REFERENCE_WHITE_NITS = 203.0  # docs/sources.md, "hdr-television"
PEAK_NITS = 1000.0  # our choice: what displays of today show, and that for which HLG is defined
PEAK = PEAK_NITS / REFERENCE_WHITE_NITS
"""The most light of a positive, in units of white."""

# docs/sources.md, "hdr-television"
PQ_MOST_NITS = 10_000.0
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
HLG_GAMMA = 1.2
HLG_A, HLG_B = 0.17883277, 0.28466892
DARKEST = 1e-6  # luminance, as a share of the peak, below which HLG's gain no longer grows


def pq_numbers(light: Array) -> Array:
    """Give the PQ numbers of display light.

    Parameters
    ----------
    light : array, shape (channels, rows, cols)
        Linear light, 0 or more; 1 is a reference white of 203 cd/m2.

    Returns
    -------
    array
        The same shape, 0 to 1, which are 10,000 cd/m2.

    Notes
    -----
    With y the light over 10,000 cd/m2,

        N = ((c1 + c2 y^m1) / (1 + c3 y^m1))^m2

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    xp = array_namespace(light)
    power = xp.pow(light * (REFERENCE_WHITE_NITS / PQ_MOST_NITS), PQ_M1)
    return xp.pow((power * PQ_C2 + PQ_C1) / (power * PQ_C3 + 1.0), PQ_M2)


def hlg_numbers(light: Array, primaries: str) -> Array:
    """Give the HLG numbers with which a display of 1000 cd/m2 shows this light.

    Parameters
    ----------
    light : array, shape (channels, rows, cols)
        Linear light, 0 to `PEAK`; 1 is a reference white of 203 cd/m2.
    primaries : str
        Of the light, a key of `color.PRIMARIES`; one channel is grey.

    Returns
    -------
    array
        The same shape, 0 to 1.

    Notes
    -----
    With F the light over 1000 cd/m2 and Y its luminance, the scene's light of HLG is
    E = F Y^(1 / 1.2 - 1), and

        N = sqrt(3 E)             for E <= 1/12
        N = a ln(12 E - b) + c    otherwise

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    xp = array_namespace(light)
    shown = light * (1.0 / PEAK)
    grey = shown if shown.shape[0] == 1 else color.luminance(shown, color.luminance_of(primaries))
    scene = shown * xp.pow(clipped(grey, DARKEST), 1.0 / HLG_GAMMA - 1.0)
    dark = xp.pow(clipped(scene * 3.0, 0.0, 0.25), 0.5)
    bright = xp.log((clipped(scene * 12.0, 1.0) - HLG_B) * (1.0 / (1.0 - HLG_B)))
    return clipped(dark + bright * HLG_A, 0.0, 1.0)
