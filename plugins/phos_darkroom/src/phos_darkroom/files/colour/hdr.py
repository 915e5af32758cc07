"""The camera curve of television, by which Apple's gain maps are coded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bt709_to_light"]


def bt709_to_light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Turn codes of BT.709's camera curve into light.

    Parameters
    ----------
    codes : ndarray of floating point
        Codes from 0 to 1.

    Returns
    -------
    ndarray, same shape
        Linear light, 0 to 1.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    coded = np.asarray(codes, np.float64)
    curved = ((np.maximum(coded, 0.081) + 0.099) / 1.099) ** (1.0 / 0.45)
    return np.where(coded < 0.081, coded / 4.5, curved)
