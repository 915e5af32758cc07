import os
import subprocess
import sys

import pytest

from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.psf import PSF, from_array
from phos_core.testing import ConvolutionBackendContract


def prove(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "phos_core.conformance", *arguments]
    options = ["-q", "-p", "no:cacheprovider", "-k", "impulse_becomes or self_test"]
    return subprocess.run(
        command + (options if arguments else []),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_an_installed_backend_is_proved():
    done = prove("scipy")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_backend_that_cannot_run_is_an_error_and_not_skipped():
    done = prove("scipy", PHOS_BLOCK="scipy")
    assert done.returncode == 1
    assert "2 errors" in done.stdout
    assert "kept out by PHOS_BLOCK" in done.stdout


def test_a_backend_has_to_be_named():
    done = prove()
    assert done.returncode == 2
    assert "usage" in done.stderr


class Correlating(ScipyBackend):
    def convolve(self, image, psf, **options):
        turned = from_array(psf.samples()[::-1, ::-1]) if isinstance(psf, PSF) else psf
        return super().convolve(image, turned, **options)


class Shifting(ScipyBackend):
    """Off by a pixel, as transforms easily are."""

    def convolve(self, image, psf, **options):
        image = image.copy()
        image[..., 1:, :] = image[..., :-1, :].copy()
        return super().convolve(image, psf, **options)


class WritingToItsInput(ScipyBackend):
    def convolve(self, image, psf, **options):
        image[...] = super().convolve(image, psf, **options)
        return image


class Losing(ScipyBackend):
    """Darker by more than its class allows."""

    def convolve(self, image, psf, **options):
        return super().convolve(image, psf, **options) * 0.9999


@pytest.mark.parametrize(
    ("backend", "law"),
    [
        (Correlating(), "test_an_impulse_becomes_the_psf_in_place_and_not_mirrored"),
        (Shifting(), "test_an_impulse_becomes_the_psf_in_place_and_not_mirrored"),
        (WritingToItsInput(), "test_the_image_is_never_written_to"),
        (Losing(), "test_light_is_neither_made_nor_lost_at_the_symmetric_border"),
        (Losing(), "test_it_passes_the_self_test"),
        (Correlating(), "test_it_agrees_with_the_reference"),
    ],
)
def test_the_contract_finds_a_wrong_backend(backend, law):
    with pytest.raises(AssertionError):
        getattr(ConvolutionBackendContract(), law)(backend)
