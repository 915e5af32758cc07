"""Encoding: a view's pixels as a browser takes them."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIME_TYPE", "as_image", "as_url"]

MIME_TYPE = "image/jpeg"
QUALITY = 95  # WebP takes six times as long: docs/decisions/0044


def as_image(codes: NDArray[np.uint8]) -> bytes:
    """Encode a view.

    Parameters
    ----------
    codes : ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        sRGB codes.

    Returns
    -------
    bytes
        Of `MIME_TYPE`, all colours kept.
    """
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(codes).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def as_url(codes: NDArray[np.uint8]) -> str:
    """Encode a small view as a data URL."""
    from base64 import b64encode

    return f"data:{MIME_TYPE};base64,{b64encode(as_image(codes)).decode()}"
