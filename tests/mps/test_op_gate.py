"""What the process asks of Apple's GPU, held against what PyTorch has for it; no Mac is needed.

The real code runs on tensors that have a device, a dtype and a shape, and no memory. Each
operation is looked up in the table of kernels that PyTorch's own wheel contains, and each tensor
held against what Metal is known to get wrong or to end the process for.
"""

import contextlib
import re
from importlib.resources import files

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
torch_backend = pytest.importorskip("phos_torch.backend", reason="needs phos-torch")
MetalKernels = pytest.importorskip("phos_torch.metal", reason="needs phos-torch").MetalKernels

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from phos_core.convolution.contract import MemoryInfo  # noqa: E402
from phos_core.convolution.running.tiles import cut, tile_sizes  # noqa: E402
from phos_core.errors import OutOfMemoryError  # noqa: E402
from phos_core.process.pipeline import Clock  # noqa: E402
from phos_core.process.recipe import Recipe  # noqa: E402
from phos_core.process.tiled import Batch, process_of  # noqa: E402
from phos_core.psf import from_array, gaussian  # noqa: E402
from phos_core.stocks.loading import load_film  # noqa: E402

MPS = torch.device("mps", 0)
STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
NO_SUCH_TYPE = {torch.float64, torch.complex128}
MOST_ELEMENTS, MOST_BYTES, MOST_AXES, WIDEST_CONVOLUTION = 2**31, 2**32, 4, 255
# Unsigned 16-bit numbers can be moved and cast; for anything else there are hardly any kernels.
MOVES = re.compile(
    r"aten::(_to_copy|copy_|clone|empty\w*|view|reshape|_unsafe_view|permute|slice|expand)\b"
)
# The table has these under another name.
NAMED_OTHERWISE = {"aten::convolution": "_mps_convolution"}


def table_of_kernels():
    """The entry of each operation in PyTorch's table, by its name."""
    text = (files("torchgen") / "packaged/ATen/native/native_functions.yaml").read_text()
    entries = re.split(r"^- func: ", text, flags=re.MULTILINE)[1:]
    return {entry.partition("(")[0]: entry for entry in entries}


def runs_on_mps(table, name):
    """Whether an operation has a kernel for MPS, or is made of others on every device."""
    entry = table.get(NAMED_OTHERWISE.get(name, name.removeprefix("aten::")))
    if entry is None:
        return False
    delegate = re.search(r"^  structured_delegate: (\S+)", entry, flags=re.MULTILINE)
    if delegate:
        return runs_on_mps(table, delegate.group(1))
    keys = re.findall(r"^    ([\w, ]+): \w+", entry, flags=re.MULTILINE)
    offered = {key.strip() for line in keys for key in line.split(",")}
    return not keys or any(key == "MPS" or key.startswith("Composite") for key in offered)


class Gate(TorchDispatchMode):
    """Notes what is wrong with any operation on MPS."""

    def __init__(self, table):
        super().__init__()
        self.table, self.operations, self.violations = table, set(), set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        tensors = [
            leaf
            for leaf in tree_leaves((args, kwargs, result))
            if isinstance(leaf, torch.Tensor) and leaf.device == MPS
        ]
        name = func.name()
        if tensors and name.startswith("aten::"):
            self.operations.add(name)
            faults = {*self.of_operation(name, args), *map(of_tensor, tensors)} - {""}
            if any(one.dtype == torch.uint16 for one in tensors) and not MOVES.match(name):
                faults.add("computes with uint16")
            self.violations |= {f"{name}: {fault}" for fault in faults}
        return result

    def of_operation(self, name, args):
        if not runs_on_mps(self.table, name):
            yield "no kernel"
        if name == "aten::convolution":
            if max(args[1].shape[2:]) > WIDEST_CONVOLUTION:
                yield "a convolution wider than 255"
            if not args[0].is_contiguous():
                yield "a convolution of strided planes"
        if name.startswith("aten::_fft") and any(length % 2 for length in transformed(name, args)):
            yield "an odd length"


def transformed(name, args):
    """Lengths of a Fourier transform."""
    image, axes = args[0], args[1]
    lengths = [image.shape[axis] for axis in axes]
    return [*lengths[:-1], args[3]] if name == "aten::_fft_c2r" else lengths


def of_tensor(tensor):
    """What is wrong with a tensor; empty if nothing is."""
    if tensor.dtype in NO_SUCH_TYPE:
        return f"{tensor.dtype}"
    if tensor.numel() >= MOST_ELEMENTS:
        return "2**31 elements"
    if tensor.numel() * tensor.element_size() >= MOST_BYTES:
        return "4 GiB"
    return "" if tensor.ndim <= MOST_AXES else "more than 4 axes"


class WithoutMetal(TorchFunctionMode):
    """Does in other words what PyTorch's front does on a Mac only: upload, index, copy."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.asarray and isinstance(args[0], np.ndarray) and "device" in kwargs:
            host = torch.from_numpy(args[0])
            return torch.empty(host.shape, dtype=host.dtype, device=kwargs["device"])
        if func is torch.Tensor.to and args[0].device != MPS and args[1:2] == (MPS,):
            dtype = args[2] if len(args) > 2 else args[0].dtype
            return torch.empty(args[0].shape, dtype=dtype, device=MPS)
        if func is torch.Tensor.__getitem__ and args[0].device == MPS:
            return part_of(*args)
        if func is torch.Tensor.__setitem__ and args[0].device == MPS:
            return torch.ops.aten.copy_(part_of(*args[:2]), args[2])
        if func is torch.Tensor.__float__ and args[0].device == MPS:
            return 0.0  # a sum that says that all is well
        if func is torch.Tensor.copy_ and args[0].device == MPS:
            return torch.ops.aten.copy_(*args)
        return func(*args, **kwargs)


def part_of(tensor, key):
    """What basic indexing gives, by the operations that it consists of."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        left_out = tensor.ndim + keys.count(None) - len(keys) + 1
        keys[place : place + 1] = [slice(None)] * left_out
    axis = 0
    for one in keys:
        match one:
            case None:
                tensor = tensor.unsqueeze(axis)
            case int():
                tensor = tensor.select(axis, one)
                continue
            case slice():
                tensor = torch.ops.aten.slice.Tensor(
                    tensor, axis, one.start, one.stop, one.step or 1
                )
            case _:
                raise TypeError(f"no basic index: {one!r}")
        axis += 1
    return tensor


class FakeMps(torch_backend.MpsBackend):
    """The real backend; only what asks a Mac is left out."""

    def synchronize(self):
        pass

    def memory(self):
        return MemoryInfo()

    def release(self):
        pass


@pytest.fixture(scope="module")
def table():
    return table_of_kernels()


@pytest.fixture
def gate(table, monkeypatch):
    """The gate, inside of which tensors on MPS can be made; tables stay without numbers."""

    def unwritten(psf, height, width):
        return np.empty((height, width // 2 + 1), np.float32 if psf.is_even else np.complex64)

    monkeypatch.setattr(torch_backend, "scaled_table", unwritten)
    watch = Gate(table)
    with contextlib.ExitStack() as stack:
        for mode in (FakeTensorMode(), watch, WithoutMetal()):
            stack.enter_context(mode)
        yield watch


def on_mps(shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device=MPS)


def develop(image, film="portra-400", **settings):
    """The whole process, from the upload on."""
    backend, recipe = FakeMps(), Recipe(film=film, **settings)
    pictures = backend.to_device(image[:, np.newaxis])
    clock = Clock(backend)
    work = process_of(recipe)
    film = recipe.load_film()
    (positive,) = work(pictures, film, [recipe], backend=backend, clock=clock, dtype=image.dtype)
    return positive


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("encoding", ["srgb", "linear"])
@pytest.mark.parametrize("film", STOCKS)
def test_the_whole_process_asks_only_for_what_mps_has(gate, film, encoding, dtype):
    positive = develop(np.empty((3, 400, 600), dtype), film, encoding=encoding)
    assert gate.violations == set()
    assert {"aten::_fft_r2c", "aten::_fft_c2r", "aten::tanh"} <= gate.operations
    assert positive.shape == (3, 400, 600)
    assert positive.device == MPS


@pytest.mark.parametrize(
    ("film", "settings"),
    [
        ("portra-400", {"printing": "endura-premier", "filters_cc": (10.0, 0.0, 0.0)}),
        ("vision3-500t", {"printing": "2383", "light": "daylight"}),
        ("tri-x-400", {"printing": "polymax", "paper_grade": 3.0, "push_stops": 1.0}),
        ("gold-200", {"mode": "texture"}),
        ("gold-200", {"mode": "colour", "primaries": "display-p3"}),
        ("ektar-100", {"encoding": "display", "primaries": "rec2020"}),
        ("ektar-100", {"black_point": -5.0, "white_point": 4.0}),
        ("vision3-250d", {"weave_um": 9.0, "breathing_stops": 0.1}),
        ("vision3-500t", {"printing": "2383", "dust_per_cm2": 20.0, "scratches": 9.0}),
        ("gold-200", {"mode": "texture", "dust_per_cm2": 20.0, "scratches": 9.0}),
        ("gold-200", {"strength": 0.5}),
        ("tri-x-400", {"strength": 0.5, "encoding": "linear", "output_space": "rec2100-pq"}),
        ("ektar-100", {"input_space": "rec2100-hlg"}),
        ("ektar-100", {"input_space": "rec709", "mode": "texture"}),
    ],
)
def test_every_way_to_a_positive_passes_too(gate, film, settings):
    develop(np.empty((3, 301, 401), np.uint8), film, **settings)
    assert gate.violations == set()


@pytest.mark.parametrize("name", ["rec709", "rec2100-pq", "rec2100-hlg", "acescg"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_every_input_space_passes_too(gate, name, dtype):
    develop(np.empty((3, 301, 401), dtype), input_space=name)
    assert gate.violations == set()


def test_a_grey_picture_passes_too(gate):
    develop(np.empty((1, 401, 333), np.uint8), "tri-x-400")
    assert gate.violations == set()


@pytest.mark.parametrize("boundary", ["symmetric", "mirror", "edge", "wrap", "zero"])
def test_convolutions_of_any_size_pass(gate, boundary):
    backend = FakeMps()
    for psf in (gaussian(0.3), gaussian(60.0), from_array(np.ones((1, 301)))):
        for shape in ((1, 1), (7, 11), (2, 3, 101, 97)):
            assert backend.convolve(on_mps(shape), psf, boundary=boundary).shape == shape
    assert gate.violations == set()


def test_a_gigapixel_picture_is_refused_before_anything_is_made(gate):
    with pytest.raises(OutOfMemoryError, match="1440000000 numbers, 1073741823 at most"):
        develop(np.broadcast_to(np.uint8(0), (3, 12000, 40000)))
    assert gate.operations == set()


@pytest.mark.parametrize("shape", [(1, 12000, 40000), (3, 12000, 40000), (3, 12000, 18000)])
@pytest.mark.parametrize("film", STOCKS)
def test_tiles_of_a_huge_picture_pass_or_are_refused_beforehand(gate, film, shape):
    channels, rows, cols = shape
    pitch_um = Recipe(film=film).pitch_um(rows, cols)
    recipe, backend = Recipe(film=film, pixel_pitch_um=pitch_um), FakeMps()
    takes = Batch.of_whole((rows, cols), load_film(film), [recipe]).footprint(backend)
    for tile_rows in tile_sizes(takes, backend):
        read = max(
            tile.read_rows.stop - tile.read_rows.start
            for tile in cut((rows, cols), (tile_rows, cols), takes.halo)
        )
        with contextlib.suppress(OutOfMemoryError):
            develop(np.empty((channels, read, cols), np.uint8), film, pixel_pitch_um=pitch_um)
    assert gate.violations == set()


def test_planes_that_fit_but_whose_spectrum_does_not_are_refused(gate):
    image = on_mps((30000, 35000))
    with pytest.raises(OutOfMemoryError, match="continued for the PSF"):
        FakeMps().convolve(image, gaussian(60.0))
    assert gate.violations == set()


def test_the_largest_planes_that_are_accepted_pass(gate):
    psf = gaussian(60.0)
    assert FakeMps().convolve(on_mps((2, 21000, 25000)), psf).shape == (2, 21000, 25000)
    assert gate.violations == set()


# ------------------------------------------------------------------ with kernels in Metal


@pytest.fixture
def launches(metal_launches, monkeypatch):
    """What is started where Metal compiles kernels; the trial of them has gone well."""
    monkeypatch.setattr(torch.mps, "compile_shader", metal_launches.compile_shader)
    monkeypatch.setattr(MetalKernels, "_try", lambda self: "")
    return metal_launches.started


def of_launch(name, arguments, grid):
    """What is wrong with a kernel's launch, beyond what PyTorch looks at."""
    if name == "grain":
        arrays = arguments[:1]
        (_, rows, cols), (record_rows, record_cols) = arrays[0].shape, arguments[1][:2]
        if (rows, cols) != (record_rows, record_cols) or not arrays[0].is_contiguous():
            yield "another field"
    else:
        *arrays, _, strides, _ = arguments
        if strides != [stride for array in arrays for stride in array.stride()]:
            yield "strides of other arrays"
        if any(grid != (array.shape[2], array.shape[1], 1) for array in arrays):
            yield "threads that are not the pixels"
    for array in arrays:
        spans = zip(array.shape, array.stride(), strict=True)
        if sum((size - 1) * stride for size, stride in spans) >= MOST_ELEMENTS:
            yield "indices beyond 32 bits"
        if array.device != MPS:
            yield "an array of the host"


def of_launches(launches):
    return {
        fault for name, arguments, grid, _ in launches for fault in of_launch(name, arguments, grid)
    }


@pytest.mark.parametrize(
    ("film", "dtype"),
    [
        *((film, np.uint8) for film in STOCKS),
        *(("portra-400", dtype) for dtype in (np.uint16, np.float32, np.float64)),
    ],
)
def test_with_kernels_the_whole_process_asks_only_for_what_mps_and_metal_have(
    gate, launches, film, dtype
):
    positive = develop(np.empty((3, 400, 600), dtype), film)
    assert gate.violations == set()
    assert of_launches(launches) == set()
    assert {name for name, *_ in launches} == {"pixels", "grain"}
    assert not {"aten::tanh", "aten::exp", "aten::log10"} & gate.operations
    assert "aten::_fft_r2c" in gate.operations
    assert positive.shape == (3, 400, 600)


def test_with_kernels_tiles_as_large_as_they_may_be_pass(gate, launches):
    for rows in (18000, 19800):
        with contextlib.suppress(OutOfMemoryError):
            develop(np.empty((3, rows, 18000), np.uint8), pixel_pitch_um=2.0)
    assert gate.violations == set()
    assert of_launches(launches) == set()
    assert max(arguments[0].numel() for _, arguments, *_ in launches) > 3e8


def test_what_is_wrong_with_a_launch_is_noted(gate, launches):
    image, other = on_mps((3, 8, 9)), on_mps((3, 9, 8)).mT
    right = [stride for array in (image, other) for stride in array.stride()]
    numbers, watch = on_mps((4,)), on_mps(())
    assert not [*of_launch("pixels", (image, other, numbers, right, watch), (9, 8, 1))]
    assert [*of_launch("pixels", (image, image, numbers, right, watch), (9, 8, 1))]
    assert [*of_launch("pixels", (image, other, numbers, right, watch), (8, 9, 1))]
    assert [*of_launch("grain", (image, [9, 8]), (256, 1, 3))]
    huge = on_mps((1, 1, 9)).as_strided((3, 1, 9), (2**30, 9, 1))
    assert [*of_launch("grain", (huge, [1, 9]), (256, 1, 3))]


VIOLATIONS = {
    "float64": lambda: on_mps((4, 4)).double(),
    "complex128": lambda: on_mps((4, 4), torch.complex64).to(torch.complex128),
    "2\\*\\*31": lambda: on_mps((2**31,), torch.uint8) + 1,
    "4 GiB": lambda: on_mps((2**30,)) * 2.0,
    "4 axes": lambda: on_mps((1, 1, 1, 2, 2)) + 1.0,
    "wider than 255": lambda: torch.conv2d(on_mps((1, 1, 400, 400)), on_mps((1, 1, 3, 301))),
    "strided": lambda: torch.conv2d(on_mps((1, 1, 8, 9)).mT, on_mps((1, 1, 3, 3))),
    "r2c: an odd": lambda: torch.fft.rfft2(on_mps((3, 8, 9))),
    "c2r: an odd": lambda: torch.fft.irfft2(on_mps((3, 8, 5), torch.complex64), s=(8, 9)),
    "uint16": lambda: on_mps((4,), torch.uint16) + 1,
}


@pytest.mark.parametrize("fault", VIOLATIONS)
def test_each_planted_violation_is_noted(gate, fault):
    VIOLATIONS[fault]()
    assert re.search(fault, "; ".join(gate.violations))


def test_an_operation_without_a_kernel_is_noted(gate):
    gate.table = {name: entry for name, entry in gate.table.items() if name != "erf.out"}
    torch.erf(on_mps((4, 4)))
    assert gate.violations == {"aten::erf: no kernel"}


def test_the_table_tells_kernels_for_mps_from_others(table):
    assert len(table) > 2000
    for name in ("aten::_fft_r2c", "aten::mul_.Tensor", "aten::convolution", "aten::_to_copy"):
        assert runs_on_mps(table, name), name
    for name in ("aten::_cudnn_rnn", "aten::no_such_operation"):
        assert not runs_on_mps(table, name), name
