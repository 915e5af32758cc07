"""Tensors as their users know them: the page's table row by row, PyTorch's modes, the transform."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos

torch = pytest.importorskip("torch", reason="needs PyTorch")
phos_torch = pytest.importorskip("phos_torch", reason="needs phos-torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from phos_core.process import INPUT_SPACES  # noqa: E402
from phos_core.process.checking import within_range  # noqa: E402
from phos_core.process.forms import Given  # noqa: E402
from phos_torch import FilmTransform  # noqa: E402
from phos_torch import backend as backend_module  # noqa: E402

develop_module = sys.modules["phos_core.process.develop"]  # whose name is the function's
PAGE = Path(__file__).parents[2] / "docs" / "tensors.md"
ROWS = re.findall(r"^\| `(.+?)` \| `(.+?)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(autouse=True)
def on_scipy(monkeypatch):
    """Nothing to compile, and the same wherever the tests run."""
    monkeypatch.setenv("PHOS_BACKEND", "scipy")


@pytest.fixture
def batch():
    return torch.rand((3, 3, 12, 18), generator=torch.Generator().manual_seed(4))


# ------------------------------------------------------------------ the page


def test_the_table_has_twenty_cases_and_more():
    assert len(ROWS) >= 20


@pytest.mark.parametrize(("given", "call", "gives"), ROWS)
def test_each_row_of_the_page_s_table_holds(given, call, gives):
    names = {"np": np, "torch": torch, "develop": phos.develop, "FilmTransform": FilmTransform}
    x = eval(given, names)
    kind, *words = re.findall(r"`(.+?)`", gives)
    if kind.endswith("Error"):
        with pytest.raises({"TypeError": TypeError, "ValueError": ValueError}[kind]) as caught:
            eval(call, names | {"x": x})
        assert all(word in str(caught.value) for word in words), str(caught.value)
        return
    positive = eval(call, names | {"x": x})
    assert type(positive) is type(x)
    pairs = zip(x, positive, strict=True) if kind == "list" else [(x, positive)]
    for came, found in pairs:
        assert (found.dtype, found.shape) == (came.dtype, came.shape)
    if kind != "list":
        shown = f"{str(positive.dtype).removeprefix('torch.')} {tuple(positive.shape)}"
        assert shown == kind


def test_the_page_s_python_runs():
    blocks = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), PAGE.name, "exec"), {})


# ------------------------------------------------------------------ what comes back


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float32, torch.float64])
@pytest.mark.parametrize("layout", ["BCHW", "BHWC"])
def test_a_tensor_gives_what_numpy_s_array_gives(batch, dtype, layout):
    white = 1 if dtype.is_floating_point else torch.iinfo(dtype).max
    tensor = (batch * white).to(dtype)
    tensor = tensor if layout == "BCHW" else tensor.movedim(1, -1)
    found = phos.develop(tensor, seed=5, layout=layout)
    assert found.is_contiguous()
    expected = phos.develop(tensor.numpy(), seed=5, layout=layout)
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("backend", ["scipy", "torch:cpu"])
def test_half_precision_is_computed_in_single_and_rounded_once(batch, dtype, backend):
    half = batch.to(dtype)
    found = phos.develop(half, seed=5, backend=backend)
    assert torch.equal(found, phos.develop(half.float(), seed=5, backend=backend).to(dtype))


@pytest.mark.parametrize(("dtype", "most"), [(torch.float16, 2.0**-12), (torch.bfloat16, 2.0**-9)])
def test_half_precision_costs_what_the_page_says(dtype, most):
    lights = torch.linspace(0.5, 1.0, 10_001)
    errors = (lights.to(dtype).float() - lights).abs()
    assert 0.9 * most < errors.max() <= most


def test_a_tensor_of_the_host_is_developed_by_whichever_backend_is_named(batch):
    on_scipy, report = phos.develop_with_report(batch[0], seed=5)
    assert report.backend == "scipy"
    on_torch, report = phos.develop_with_report(batch[0], seed=5, backend="torch:cpu")
    assert report.backend == "torch:cpu"
    assert (on_torch - on_scipy).abs().max() <= 1e-3


def test_the_program_s_default_device_and_dtype_do_not_matter(batch):
    expected = phos.develop(batch, seed=5)
    try:
        torch.set_default_device("meta")
        torch.set_default_dtype(torch.float64)
        assert torch.equal(phos.develop(batch, seed=5), expected)
        assert FilmTransform()(batch).device.type == "cpu"
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


class Waiting(TorchDispatchMode):
    """Counts the numbers that come to the host: on a GPU each is waited for."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.name() == "aten::_local_scalar_dense"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("brightest", [0.9, 1.0005])
def test_the_range_costs_two_numbers_whether_it_is_clipped_or_not(batch, brightest):
    batch[0, 0, 0, 0] = brightest
    with Waiting() as waiting:
        held = within_range(batch, INPUT_SPACES["srgb"])
    assert waiting.count == 2
    assert held.max() <= 1.0


# ------------------------------------------------------------------ where they are


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Tensors of the CPU are developed where they are, as those of a GPU."""
    is_numpy = property(lambda given: isinstance(given.image, np.ndarray))
    monkeypatch.setattr(Given, "is_on_host", is_numpy)
    return backend_module.create_cpu()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", ["BCHW", "BHWC"])
def test_where_it_is_a_tensor_gives_the_same_picture(batch, as_on_a_gpu, dtype, layout):
    white = 1 if dtype.is_floating_point else 255
    tensor = (batch * white).to(dtype)
    tensor = tensor if layout == "BCHW" else tensor.movedim(1, -1)
    found = phos.develop(tensor, seed=5, layout=layout, backend=as_on_a_gpu)
    assert (found.dtype, found.shape, found.is_contiguous()) == (dtype, tensor.shape, True)
    expected = phos.develop(tensor.double().numpy() / white, seed=5, layout=layout)
    most = {torch.float32: 1e-3, torch.float16: 1e-3 + 2**-12}.get(dtype, 1e-3 + 2**-9)
    assert (found.double() / white - torch.asarray(expected)).abs().max() <= most
    alone = phos.develop(tensor[1], seed=5, frame=1, layout=layout[1:], backend=as_on_a_gpu)
    assert alone.is_contiguous()
    assert (alone.double() - found[1].double()).abs().max() <= (2**-8 if white == 1 else 1)


@pytest.mark.parametrize("shape", [(1, 12, 18), (3, 1, 12, 18), (0, 3, 12, 18), (3, 0, 18)])
def test_where_it_is_a_tensor_keeps_its_shape(as_on_a_gpu, shape):
    found = phos.develop(torch.full(shape, 0.4), backend=as_on_a_gpu)
    assert (found.shape, found.is_contiguous()) == (shape, True)


def test_a_hair_outside_is_clipped_where_it_is(batch, as_on_a_gpu):
    inside = batch.round(decimals=1)
    outside = torch.where(inside == 1.0, 1.0009, torch.where(inside == 0.0, -0.0009, inside))
    assert outside.min() < 0.0
    assert outside.max() > 1.0
    found = phos.develop(outside, seed=5, backend=as_on_a_gpu)
    assert torch.equal(found, phos.develop(inside, seed=5, backend=as_on_a_gpu))


def test_a_stack_on_a_device_is_looked_at_once(batch, as_on_a_gpu, monkeypatch):
    looked_at = []

    def look(image, encoding):
        looked_at.append(tuple(image.shape))
        return within_range(image, encoding)

    monkeypatch.setattr(develop_module, "within_range", look)
    phos.develop(batch, backend=as_on_a_gpu)
    assert looked_at == [(3, 3, 12, 18)]
    with pytest.raises(ValueError, match=r"got nan at index \(1, 2, 0, 0\)"):
        phos.develop(torch.where(batch == batch[1, 2, 0, 0], torch.nan, batch), backend=as_on_a_gpu)


# ------------------------------------------------------------------ gradients and modes


def convolved(image):
    return phos.convolve(image, phos.psf.gaussian(1.0), backend="torch:cpu")


@pytest.mark.parametrize("call", [phos.develop, convolved])
def test_a_gradient_is_never_lost_silently(batch, call):
    image = batch[0].movedim(0, -1).clone().requires_grad_()
    with pytest.raises(TypeError, match=r"^image requires a gradient.*image\.detach\(\)"):
        call(image)
    assert not call(image.detach()).requires_grad


def test_inference_mode_before_or_after_makes_no_difference(batch):
    def blurred():
        return phos.convolve(batch[:, 0].movedim(0, -1), phos.psf.gaussian(3.0), backend=backend)

    backend = backend_module.create_cpu()  # whose tables are made within the mode
    with torch.inference_mode():
        inside, blurred_inside = phos.develop(batch, seed=5, backend=backend), blurred()
    outside = phos.develop(batch, seed=5, backend=backend)
    assert torch.equal(inside, outside)
    assert torch.equal(blurred(), blurred_inside)
    assert not outside.is_inference()


def test_autocast_changes_no_number(batch):
    expected = phos.develop(batch, seed=5, backend="torch:cpu")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(phos.develop(batch, seed=5, backend="torch:cpu"), expected)


@pytest.mark.parametrize(
    "develop",
    [lambda x: phos.develop(x, seed=5), FilmTransform()],
    ids=["develop", "transform"],
)
def test_code_around_it_is_compiled_and_it_is_not_traced(batch, develop):
    graphs = []

    def eager(graph, _):
        graphs.append(graph)
        return graph.forward

    def halved(x):
        return develop(x * 0.5) + 1.0

    torch.compiler.reset()
    torch.manual_seed(1)
    found = torch.compile(halved, backend=eager)(batch)
    torch.manual_seed(1)
    assert torch.equal(found, halved(batch))
    assert len(graphs) == 2  # before it, and after
    torch.compiler.reset()
    with pytest.raises(Exception, match="disable"):
        torch.compile(halved, backend=eager, fullgraph=True)(batch)
    torch.compiler.reset()


# ------------------------------------------------------------------ the transform


def test_the_transform_is_develop_with_channels_first(batch):
    transform = FilmTransform("gold-200", seed=5, exposure_stops=1.0, frame=3)
    expected = phos.develop(batch, "gold-200", seed=5, exposure_stops=1.0, frame=3, layout="BCHW")
    assert torch.equal(transform(batch), expected)
    assert torch.equal(transform(batch[0]), expected[0])
    grey = FilmTransform("tri-x-400", seed=5)(batch[:, :1])
    assert torch.equal(grey[0, 0], phos.develop(batch[0, 0], "tri-x-400", seed=5))


def test_without_a_seed_pytorch_s_generator_makes_the_grain(batch):
    transform = FilmTransform()
    torch.manual_seed(1)
    first, second = transform(batch), transform(batch)
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(transform(batch), first)
    assert torch.equal(transform(batch), second)


def test_a_transform_is_a_module_without_state_that_can_be_pickled(batch):
    transform = torch.nn.Sequential(FilmTransform("velvia-50", seed=5, grain=2.0))
    assert transform.state_dict() == {}
    assert list(transform.parameters()) == []
    again = pickle.loads(pickle.dumps(transform)).eval().to(torch.float16)
    assert torch.equal(again(batch), transform(batch))
    assert repr(transform[0]) == "FilmTransform(film='velvia-50', seed=5, grain=2.0)"
    assert (
        repr(FilmTransform(backend="scipy")) == "FilmTransform(film='portra-400', backend='scipy')"
    )


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((3, 8, 12)), TypeError, "must be a tensor, got ndarray"),
        (torch.zeros(8, 12), ValueError, r"\(batch, channels, rows, cols\), got \(8, 12\)"),
        (torch.zeros(8, 12, 3), ValueError, "needs 1 or 3 channels"),
        (torch.zeros(3, 8, 12).requires_grad_(), TypeError, "detach"),
    ],
)
def test_what_is_no_picture_for_a_transform_is_refused(image, error, words):
    with pytest.raises(error, match=words):
        FilmTransform()(image)


@pytest.mark.parametrize("settings", [{"grain": -1.0}, {"film": 3}, {"grian": 1.0}, {"seed": 0.5}])
def test_a_wrong_setting_is_refused_when_the_transform_is_made(settings):
    with pytest.raises((TypeError, ValueError)):
        FilmTransform(**settings)


@pytest.mark.parametrize(("context", "workers"), [("fork", 2), ("spawn", 1)], ids=["fork", "spawn"])
def test_workers_of_a_loader_develop_each_with_grain_of_their_own(context, workers):
    if context not in torch.multiprocessing.get_all_start_methods():
        pytest.skip(f"no {context} on this system")
    phos.develop(np.full((600, 900), 0.5, np.float32))  # starts threads, which a fork does not have
    pictures = [torch.full((3, 12, 18), 0.4)] * 3

    def loaded():
        loader = DataLoader(
            pictures,
            batch_size=None,
            num_workers=workers,
            collate_fn=FilmTransform(backend="scipy"),
            multiprocessing_context=context,
            generator=torch.Generator().manual_seed(7),
            timeout=300,
        )
        return list(loader)

    first = loaded()
    assert all(one.shape == (3, 12, 18) for one in first)
    assert not any(torch.equal(first[0], other) for other in first[1:])
    if context == "fork":
        for one, other in zip(first, loaded(), strict=True):
            assert torch.equal(one, other)


def test_the_plug_in_is_listed_and_its_transform_named_without_importing_torch():
    code = (
        "import sys, phos_torch; assert 'FilmTransform' in phos_torch.__all__; "
        "phos_torch.phos_convolution_backends(); assert 'torch' not in sys.modules; "
        "phos_torch.FilmTransform; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Film'"):
        _ = phos_torch.Film
