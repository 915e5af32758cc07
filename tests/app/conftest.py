"""What the tests of the app share: uploads, small and real."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def photo():
    """A photograph as a JPEG of a hundred thousand pixels."""
    stream = io.BytesIO()
    with Image.open(ROOT / "examples/photos/seeding.jpg") as picture:
        picture.resize((420, 236)).save(stream, "JPEG", quality=92)
    return stream.getvalue()


@pytest.fixture(scope="session")
def deep():
    """A grey ramp as a TIFF of 16 bits, each row a little brighter."""
    ramp = np.linspace(2_000, 60_000, 96, dtype=np.uint16)
    codes = np.repeat((ramp + np.arange(64, dtype=np.uint16)[:, None])[..., None], 3, axis=2)
    stream = io.BytesIO()
    tifffile.imwrite(stream, codes, photometric="rgb")
    return stream.getvalue()
