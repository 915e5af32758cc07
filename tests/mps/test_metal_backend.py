"""The backend for Apple silicon with kernels in Metal, run on the CPU.

`torch.mps.compile_shader` is replaced by one that holds each launch against what PyTorch and Metal
take, and then runs the C++ that the source was compiled to. All else is the backend's own code.
"""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
torch_backend = pytest.importorskip("phos_torch.backend", reason="needs phos-torch")
torch_metal = pytest.importorskip("phos_torch.metal", reason="needs phos-torch")

import phos_core as phos  # noqa: E402
from phos_core.backend import (  # noqa: E402
    Chain,
    Instruction,
    MemoryInfo,
    OutOfMemoryError,
    ProbeReport,
    UnsupportedOperationError,
    grain_noise,
)
from phos_core.convolution.choosing.known_answers import self_test  # noqa: E402
from phos_core.kernels.gpu.dialects import METAL  # noqa: E402
from phos_core.process.recipe import Recipe  # noqa: E402
from phos_core.testing import ConvolutionBackendContract  # noqa: E402

SINGLE = np.dtype(np.float32)
COPY = Chain(((2, SINGLE),), (Instruction("input", (0, 1)),), (0, 0), SINGLE)


class OnCpu(torch_backend.MpsBackend):
    """The real backend, with the CPU's memory for the GPU's."""

    def __init__(self):
        super().__init__()
        self.device = torch.device("cpu")

    def synchronize(self):
        pass

    def memory(self):
        return MemoryInfo()

    def release(self):
        self._metal.release()


class Driver:
    """Notes what is compiled and what is started."""

    def __init__(self, metal):
        self.metal, self.compiled, self.started = metal, [], metal.started
        self.started.clear()

    def compile_shader(self, source):
        self.compiled.append(source)
        return self.metal.compile_shader(source)


@pytest.fixture
def driver(metal, monkeypatch):
    stand_in = Driver(metal)
    monkeypatch.setattr(torch.mps, "compile_shader", stand_in.compile_shader)
    return stand_in


@pytest.fixture
def backend(driver):
    return OnCpu()


def photo(dtype):
    light = 0.2 * 2.0 ** np.random.default_rng(4).normal(0, 1.5, (61, 83, 3))
    light[20:24, 30:34] = 1.0
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    return (np.clip(light, 0.0, 1.0) * white).astype(dtype)


@pytest.mark.parametrize(
    ("film", "dtype"),
    [
        ("portra-400", np.uint8),
        ("portra-400", np.uint16),
        ("portra-400", np.float32),
        ("velvia-50", np.float32),
        ("tri-x-400", np.uint8),
    ],
)
def test_a_picture_is_developed_by_kernels_in_metal_as_by_scipy(backend, driver, film, dtype):
    image = photo(dtype)
    expected = phos.develop(image, film, backend="scipy", seed=5).astype(np.float64)
    found = phos.develop(image, film, backend=backend, seed=5)
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    assert found.dtype == dtype
    assert np.abs(found - expected).max() / white <= max(1e-5, 1.001 / white if white > 1 else 0)
    assert {name for name, *_ in driver.started} == {"pixels", "grain"}


@pytest.mark.proof
class TestMetalOnTheCpu(ConvolutionBackendContract):
    @pytest.fixture
    def backend(self, driver, monkeypatch):
        monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        return OnCpu()


def test_a_batch_and_a_grey_picture_pass_too(backend):
    image = photo(np.uint8)
    pair = phos.develop(np.stack([image, image[::-1]]), backend=backend, seed=5)
    alone = phos.develop(image, backend=backend, seed=5)
    np.testing.assert_array_equal(pair[0], alone)
    grey = phos.develop(image[..., 1], "tri-x-400", backend=backend, seed=5).astype(int)
    expected = phos.develop(image[..., 1], "tri-x-400", backend="scipy", seed=5)
    assert np.abs(grey - expected).max() <= 1


def test_the_self_test_starts_a_chain_and_grain(backend, driver):
    assert self_test(backend) == ""
    assert {name for name, *_ in driver.started} == {"pixels", "grain"}


def test_stocks_of_a_kind_share_what_is_compiled(backend, driver):
    image = photo(np.uint8)
    phos.develop(image, "portra-400", backend=backend)
    compiled = len(driver.compiled)
    phos.develop(image, "portra-160", backend=backend)
    backend.release()
    phos.develop(image, "portra-400", backend=backend)
    assert len(driver.compiled) == compiled


# ------------------------------------------------------------------ arrays


def test_a_view_is_read_where_it_begins(backend):
    whole = torch.arange(2 * 9 * 17, dtype=torch.float32).reshape(2, 9, 17)
    view = whole.mT[:, 3:, 1::2]
    np.testing.assert_array_equal(backend.compile(COPY)(view)[0], view[1])
    spread_out = torch.arange(9.0).reshape(1, 9, 1).expand(2, 9, 4)
    np.testing.assert_array_equal(backend.compile(COPY)(spread_out)[0], spread_out[1])


def test_the_result_fills_a_picture_of_the_host_or_a_tensor(backend):
    image = torch.rand(2, 5, 7)
    kernel = backend.compile(COPY)
    picture = np.zeros((5, 7, 2), np.float32)
    place = np.moveaxis(picture, -1, 0)
    assert kernel(image, out=place) is place
    np.testing.assert_array_equal(picture[..., 0], image[1])
    there = torch.zeros(2, 5, 7).mT.contiguous().mT
    assert kernel(image, out=there) is there
    np.testing.assert_array_equal(there[1], image[1])
    backwards = np.zeros((2, 5, 7), np.float32)[:, ::-1]  # no tensor: the caller copies it there
    np.testing.assert_array_equal(kernel(image, out=backwards)[0], image[1])


def test_codes_come_as_pictures_lie(backend):
    codes = Chain(((2, SINGLE),), (Instruction("input", (0, 1)),), (0,) * 3, np.dtype(np.uint8))
    found = backend.compile(codes)(torch.full((2, 5, 7), 9.0))
    assert backend.picture(found).data_ptr() == found.data_ptr()
    assert backend.picture(found).shape == (5, 7, 3)
    assert (found == 9).all()


def test_a_kernel_that_meets_nan_says_so(backend):
    image = torch.rand(2, 5, 7)
    _, watch = backend.compile(COPY).watched(image)
    assert watch == 0.0
    image[1, 4, 6] = torch.nan
    _, watch = backend.compile(COPY).watched(image)
    assert not torch.isfinite(watch)


def test_an_empty_array_starts_nothing(backend, driver):
    kernel = backend.compile(COPY)
    driver.started.clear()
    assert kernel(torch.zeros(2, 0, 7)).shape == (2, 0, 7)
    field = {"rows": 4, "cols": 0, "pixel_pitch_um": 6.0, "seed": 1}
    grain = Recipe().load_film().grain
    assert backend.grain_noise(torch.zeros(1), grain, **field).shape == (3, 4, 0)
    assert driver.started == []


def test_an_array_beyond_32_bit_indices_is_refused(backend):
    kernel = backend.compile(COPY)
    huge = torch.empty((2, 1, 2**31), device="meta")
    with pytest.raises(OutOfMemoryError, match="4294967296 numbers, 2147483648 at most"):
        kernel(huge, out=torch.empty((2, 1, 2**31), device="meta"))


@pytest.mark.parametrize("pitch_um", [6.0, 1.0, 0.6])
def test_grain_of_every_size_is_numpy_s(backend, driver, pitch_um):
    grain = Recipe(film="natura-1600").load_film().grain
    field = {"rows": 35, "cols": 40, "pixel_pitch_um": pitch_um, "seed": 2**63 + 1, "frame": 3}
    place = {"row_start": -5, "col_start": 2**20}
    expected = grain_noise(np.zeros(1, np.float32), grain, **field, **place)
    backend._metal.trouble()
    driver.started.clear()
    found = backend.grain_noise(torch.zeros(1), grain, **field, **place)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    fits = pitch_um > 0.6  # else its grains reach too far for the memory of a group
    assert [name for name, *_ in driver.started] == ["grain"] * fits


def test_groups_keep_to_what_a_kernel_s_registers_allow(backend, metal, monkeypatch):
    (kernel,) = metal.kernels([torch_metal.chain_source.metal_source(COPY)])
    monkeypatch.setattr(type(kernel), "max_threads_per_threadgroup", 96)
    image = torch.rand(2, 50, 70)
    np.testing.assert_array_equal(backend.compile(COPY)(image)[0], image[1])
    field = {"rows": 9, "cols": 9, "pixel_pitch_um": 6.0, "seed": 1}
    backend.grain_noise(torch.zeros(1), Recipe().load_film().grain, **field)
    groups = {(name, group) for name, _, _, group in metal.started}
    assert groups == {("pixels", (32, 3, 1)), ("grain", (96, 1, 1))}


# ------------------------------------------------------------------ where it cannot be compiled


def absent(monkeypatch):
    monkeypatch.delattr(torch.mps, "compile_shader")


def refusing(error):
    def plant(monkeypatch):
        def compile_shader(source):
            COMPILED.append(source)
            raise error

        monkeypatch.setattr(torch.mps, "compile_shader", compile_shader)

    return plant


def wrong(monkeypatch):
    """A function that gives something else on this chip."""
    right = torch.mps.compile_shader
    monkeypatch.setattr(
        torch.mps,
        "compile_shader",
        lambda source: right(source.replace("metal::precise::tanh(", "metal::precise::sqrt(")),
    )


def not_startable(monkeypatch):
    class Kernel:
        max_threads_per_threadgroup = 1024

        def __call__(self, *arguments, **sizes):
            raise RuntimeError("Unsupported argument type\n  in C++")

    library = SimpleNamespace(pixels=Kernel(), grain=Kernel())
    monkeypatch.setattr(torch.mps, "compile_shader", lambda source: library)


COMPILED = []
HINDRANCES = {
    "compiles no Metal source, 2.7 does": absent,
    "Metal cannot compile 'pixels': program_source:1:1: error": refusing(
        SyntaxError("program_source:1:1: error\nWhat\n^")
    ),
    "Metal cannot compile 'pixels': MPS is not available": refusing(
        RuntimeError("MPS is not available")
    ),
    "computes something wrong": wrong,
    "Unsupported argument type": not_startable,
}


@pytest.mark.parametrize("reason", HINDRANCES)
def test_where_nothing_can_be_compiled_array_code_runs_and_the_reason_is_told(
    backend, monkeypatch, reason
):
    HINDRANCES[reason](monkeypatch)
    COMPILED.clear()
    image = photo(np.uint8)
    expected = phos.develop(image, backend="scipy", seed=5).astype(int)
    for _ in range(2):
        assert np.abs(phos.develop(image, backend=backend, seed=5) - expected).max() <= 1
        backend.release()
    assert len(COMPILED) <= 1  # it is not tried again for each picture
    with pytest.raises(UnsupportedOperationError, match=reason):
        backend.compile(COPY)
    assert self_test(backend) == ""
    assert reason in backend._metal.facts()
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    report = backend.probe()
    assert report.status == "ok"
    assert reason in report.reason
    assert "array code" in report.reason


def test_the_trial_has_every_instruction_that_source_may_have():
    tried = {instruction.op for instruction in torch_metal.EVERYTHING.instructions}
    assert tried == {"input", "constant", "table", "where", *METAL.functions} - {"sincospi"}


def test_where_all_is_well_the_probe_has_nothing_to_say(backend, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert backend.probe() == ProbeReport()
    assert backend._metal.facts() == "compiled in Metal"


def test_one_chain_that_cannot_be_compiled_leaves_the_others_compiled(backend, driver, monkeypatch):
    backend._metal.trouble()
    tries = []

    def compile_shader(source):
        if "numbers[150]" in source:  # the last and longest step
            tries.append(source)
            raise RuntimeError("Compute function exceeds available stack space")
        return driver.compile_shader(source)

    monkeypatch.setattr(torch.mps, "compile_shader", compile_shader)
    image = photo(np.uint8)
    expected = phos.develop(image, backend="scipy", seed=5).astype(int)
    driver.started.clear()
    for _ in range(2):
        assert np.abs(phos.develop(image, backend=backend, seed=5) - expected).max() <= 1
    assert len(tries) == 1
    assert {name for name, *_ in driver.started} == {"pixels", "grain"}
    assert "exceeds available stack space" in backend._metal.facts()


# ------------------------------------------------------------------ what stands for the driver


GRID = {"threads": (4, 3), "group_size": (32, 8), "arg_casts": "int32"}
IMAGE, STRIDES = torch.rand(2, 3, 4), [12, 4, 1, 12, 4, 1]
REFUSED = {  # an argument in another one's place, or another size
    "a tensor of float64": {0: IMAGE.double()},
    "a tensor of uint8": {1: IMAGE.byte()},
    "not a tensor": {2: 0.5},
    "an offset of 4 bytes": {2: torch.zeros(4)[1:]},
    "as a record of ints": {3: np.array(STRIDES)},
    "no .*int64.* as a record": {3: [*map(np.int64, STRIDES)]},
    "wrap around": {3: [2**31, *STRIDES[1:]]},
    "20 bytes for a record of 24": {3: STRIDES[1:]},
    "48 bytes for a record of 24": {"arg_casts": None},
    "a group of": {"group_size": (64, 32)},
    "as many axes": {"threads": (4, 3, 1)},
    "not a size": {"threads": (4, 0)},
    "up to three axes": {"threads": (4, 3, 1, 1)},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_launch_that_pytorch_or_metal_would_not_take_is_refused(metal, launch_error, reason):
    kernel = metal.compile_shader(torch_metal.chain_source.metal_source(COPY)).pixels
    right = {0: IMAGE, 1: torch.empty(2, 3, 4), 2: torch.zeros(3), 3: STRIDES, 4: torch.zeros(())}
    changed = {key: value for key, value in REFUSED[reason].items() if key in right}
    kernel(*right.values(), **GRID)
    with pytest.raises(launch_error, match="5 arguments are bound, got 4"):
        kernel(*[*right.values()][:4], **GRID)
    with pytest.raises(launch_error, match=reason):
        kernel(
            *(right | changed).values(),
            **(GRID | {key: value for key, value in REFUSED[reason].items() if key in GRID}),
        )


def test_source_that_is_no_metal_is_a_syntax_error_as_on_a_mac(metal):
    right = torch_metal.chain_source.metal_source(COPY)
    for wrong_source in (
        right.replace("const uint row", "const unit row"),
        right.replace("&a", "a"),
    ):
        with pytest.raises(SyntaxError):
            metal.compile_shader(wrong_source)
