"""Frames of a clip on each backend that runs here: what develop gives, in stacks or not."""

from dataclasses import replace

import numpy as np
import pytest

import phos_core as phos

phos_video = pytest.importorskip("phos_video", reason="phos-video is not installed")

RUNNING = [report.name for report in phos.backends() if report.status == "ok"]


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("backend", RUNNING)
def test_frame_n_of_a_clip_is_what_develop_gives_with_frame_n(backend, batch):
    frames = np.random.default_rng(9).integers(0, 65536, (6, 45, 80, 3), dtype=np.uint16)
    recipe = phos.Recipe(film="vision3-500t", film_format="super-16", output_space="rec709")
    whole = list(phos_video.develop_stream(frames, recipe, backend=backend, batch=batch))
    later = list(phos_video.develop_stream(frames[3:], recipe, first=3, backend=backend))
    np.testing.assert_array_equal(later, whole[3:])
    for number, frame in enumerate(frames):
        alone = phos.develop(frame, recipe=replace(recipe, frame=number), backend=backend)
        np.testing.assert_array_equal(whole[number], alone)
