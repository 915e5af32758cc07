"""Wrong values end in one error: it names the argument, the variable, or the shell's option."""

import os
import subprocess
import sys

import click
import numpy as np
import pytest
from click.testing import CliRunner

import phos_core as phos
from phos_core.convolution.methods.cpu import usable_cores
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.tiles import memory_limit
from phos_darkroom.shell.main import main

GREY = np.full((9, 9, 3), 0.5, np.float32)
BLUR = phos.psf.gaussian(1.0)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("film_format", [], TypeError),
        ("film_format", 135, TypeError),
        ("primaries", {}, TypeError),
        ("mode", np.array([1, 2]), TypeError),
        ("encoding", b"srgb", TypeError),
        ("auto_balance", 1, TypeError),
        ("auto_balance", "yes", TypeError),
        ("offset_px", 3, ValueError),
        ("film", 400, TypeError),
        ("grain", [1.0], TypeError),
        ("exposure_stops", 10**400, ValueError),
        ("pixel_pitch_um", "6", TypeError),
    ],
)
def test_a_setting_of_a_wrong_kind_is_named(name, value, error):
    with pytest.raises(error, match=f"^{name} must"):
        phos.Recipe(**{name: value})


def test_the_error_of_a_long_value_is_one_short_line():
    for value in (np.zeros((300, 300)), "x" * 10**6, 10**6000, list(range(10**5))):
        with pytest.raises((TypeError, ValueError)) as caught:
            phos.Recipe(film_format=value)
        assert len(str(caught.value)) < 250
        assert "\n" not in str(caught.value)


def test_numpy_s_own_true_is_true():
    assert phos.Recipe(auto_balance=np.True_) == phos.Recipe(auto_balance=True)


@pytest.mark.parametrize(
    "beside",
    [{"film": "portra-400"}, {"seed": 0}, {"frame": 0}, {"grain": 1.0}, {"seed": [0]}],
    ids=lambda beside: next(iter(beside)),
)
def test_a_setting_beside_a_recipe_is_refused_though_it_is_the_default(beside):
    with pytest.raises(
        TypeError, match=f"recipe or as arguments, not both: got {next(iter(beside))}"
    ):
        phos.develop(GREY, recipe=phos.Recipe(film="gold-200"), **beside)


def test_a_recipe_must_be_one():
    with pytest.raises(
        TypeError, match=r"recipe must be a Recipe, got \{'film'.*Recipe\(\*\*recipe\)"
    ):
        phos.develop(GREY, recipe={"film": "gold-200"})
    with pytest.raises(TypeError, match="recipe must be a Recipe, got 'gold-200'"):
        phos.develop(GREY, recipe="gold-200")


MASKED = np.ma.masked_array(np.full((9, 9), 0.5, np.float32), mask=np.eye(9, dtype=bool))


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("image", lambda: phos.convolve(MASKED, BLUR)),
        ("image", lambda: phos.convolve([MASKED, MASKED], BLUR)),
        ("image", lambda: phos.convolve(list(MASKED), BLUR)),
        ("image", lambda: phos.convolve(np.ma.masked_array(np.ones((9, 9))), BLUR)),
        ("image", lambda: phos.develop(MASKED, encoding="linear")),
        ("image", lambda: phos.develop([MASKED], encoding="linear")),
        ("psf", lambda: phos.psf.from_array(MASKED)),
        ("psf", lambda: phos.convolve(GREY[..., 0], MASKED)),
        ("first", lambda: phos.psf.compose(MASKED, BLUR)),
        ("energy", lambda: phos.psf.radial(np.arange(10.0), MASKED[0])),
        ("out", lambda: phos.convolve(np.ones((9, 9), np.float32), BLUR, out=MASKED.copy())),
        ("out", lambda: phos.develop(np.ones((9, 9), np.float32), out=MASKED.copy())),
        ("out", lambda: phos.convolve([GREY[..., 0]], BLUR, out=[MASKED.copy()])),
    ],
)
def test_a_mask_is_refused_and_never_lost(argument, call):
    with pytest.raises(TypeError, match=f"^{argument} has a mask, which would be lost"):
        call()


class Own(np.ndarray):
    """Somebody's subclass."""


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_other_subclasses_of_arrays_are_taken_as_their_numbers(tmp_path):
    grey = np.random.default_rng(0).random((9, 12)).astype(np.float32)
    on_disk = np.memmap(tmp_path / "image", np.float32, "w+", shape=grey.shape)
    on_disk[:] = grey
    for image in (np.asmatrix(grey), grey.view(Own), on_disk):
        for call in (lambda x, **out: phos.convolve(x, BLUR, **out), phos.develop):
            expected = call(grey)
            found = call(image)
            assert type(found) is np.ndarray
            np.testing.assert_array_equal(found, expected)
            place = image.copy()
            assert call(image, out=place) is place
            np.testing.assert_array_equal(np.asarray(place), expected)


@pytest.mark.parametrize("dtype", [object, complex, "M8[s]", "U3", [("r", "f4")]])
def test_what_are_no_real_numbers_is_one_type_error(dtype):
    image = np.zeros((9, 9), dtype)
    for call in (phos.develop, lambda x: phos.convolve(x, BLUR), phos.psf.from_array):
        with pytest.raises(TypeError, match=r"must (be|hold)"):
            call(image)


def test_a_number_longer_than_double_precision_is_named_with_its_place():
    image = np.zeros((3, 3), np.longdouble)
    image[1, 2] = np.longdouble("1e400")
    if np.isinf(image[1, 2]):
        pytest.skip("long double is no longer than double here")
    with pytest.raises(ValueError, match=r"image must be finite, got 1e\+400 at \(1, 2\)"):
        phos.convolve(image, BLUR)


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1e9", "2.5", "²", "9" * 5000])
@pytest.mark.parametrize(
    ("variable", "read"), [("PHOS_THREADS", usable_cores), ("PHOS_MEMORY_LIMIT", memory_limit)]
)
def test_a_variable_that_is_no_whole_number_is_named(monkeypatch, variable, read, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=rf"^{variable} must be a whole number.*, got ") as caught:
        read()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["yes", "2", "true"])
def test_a_switch_that_is_neither_0_nor_1_is_named(monkeypatch, value):
    monkeypatch.setenv("PHOS_STRICT", value)
    with pytest.raises(ValueError, match=f"^PHOS_STRICT must be 0 or 1, got '{value}'"):
        descend(None, None, None, strict=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--exposure", "nan"], "--exposure must lie between -5 and 5, got nan"),
        (["--format", "136"], "--format must be one of 135,"),
        (["--pixel-pitch", "0"], "--pixel-pitch must be a positive length"),
        (["--light", "blue"], "--light must be 'film'"),
        (["--grade", "7"], "--grade must lie between 0 and 5"),
        (["--white-point", "-1"], "--white-point is in stops"),
        (["--print-exposure", "1"], "--print-exposure is for a print"),
        (["--filters", "1", "2", "nan"], "--filters must be finite"),
        (["--grain", "-1"], "--grain must not be negative"),
        (["--primaries", "rec2020"], "--primaries rec2020 have a coding of their own"),
        (["--mode", "texture", "--auto-balance"], "--auto-balance has no part in"),
        (["--printing", "2383", "--film", "velvia-50"], "use --printing auto"),
    ],
)
def test_at_the_shell_an_error_names_the_option(tmp_path, options, said):
    picture = tmp_path / "film_format.png"
    picture.write_bytes(b"")
    result = CliRunner().invoke(main, ["develop", str(picture), "-o", str(tmp_path), *options])
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert len(lines) == 1
    assert said in lines[0]


def test_only_names_of_arguments_become_options():
    from phos_darkroom.shell.messages import as_options

    @click.command()
    @click.argument("pictures", metavar="IN...")
    @click.option("--format", "film_format")
    @click.option("--light")
    def command() -> None: ...

    assert as_options("film_format must be x", command) == "--format must be x"
    assert as_options("a.toml: my_film_format.x", command) == "a.toml: my_film_format.x"
    assert as_options("/roll/film_format/a is no picture", command).startswith("/roll/film_format/")
    assert as_options("light must be x", command) == "--light must be x"
    assert as_options("linear light must be x", command) == "linear light must be x"
    assert as_options('use light="film", or', command) == "use --light film, or"
    assert as_options("pictures must be files", command) == "IN must be files"


def test_a_caller_s_default_device_of_torch_leaves_phos_alone():
    pytest.importorskip("torch")
    pytest.importorskip("phos_torch")
    code = (
        "import numpy as np, torch, phos_core as phos\n"
        "torch.set_default_device('meta'); torch.set_default_dtype(torch.float64)\n"
        "x = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32)\n"
        "for f in (lambda b: phos.convolve(x, phos.psf.gaussian(3.0), backend=b),\n"
        "          lambda b: phos.convolve(x, phos.psf.gaussian(9.0), boundary='zero',\n"
        "                                  backend=b),\n"
        "          lambda b: phos.convolve(x[..., 0], np.ones((3, 3)), backend=b),\n"
        "          lambda b: phos.develop(x, backend=b)):\n"
        "    a, b = f('torch:cpu'), f('scipy')\n"
        "    assert a.dtype == b.dtype and np.abs(a - b).max() < 1e-3, np.abs(a - b).max()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numba_that_compiles_nothing_says_so_and_another_is_chosen():
    pytest.importorskip("numba")
    pytest.importorskip("phos_numba")
    code = (
        "import numpy as np, phos_core as phos\n"
        "row = next(r for r in phos.backends() if r.name == 'numba')\n"
        "assert row.status == 'broken' and 'NUMBA_DISABLE_JIT' in row.reason, row\n"
        "_, report = phos.develop_with_report(np.full((40, 50, 3), 0.5, np.float32))\n"
        "assert report.backend != 'numba'\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    environment.pop("PHOS_BACKEND", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
