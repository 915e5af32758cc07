"""Small clips, as arrays on the disk."""

import sys
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos

# By its folder, so that the processes that develop segments find it too.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def recipe():
    return phos.Recipe(
        film="vision3-500t", film_format="super-16", output_space="rec709", seed=3, frame=100
    )


@pytest.fixture
def frames(rng):
    return [rng.integers(0, 65536, (18, 32, 3)).astype(np.uint16) for _ in range(13)]


@pytest.fixture
def clip(tmp_path, frames):
    """The place of a clip of thirteen frames."""
    np.save(tmp_path / "clip.npy", np.stack(frames))
    return tmp_path / "clip.npy"
