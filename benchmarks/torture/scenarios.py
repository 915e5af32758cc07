"""What is done to small pictures, and what may have become of them afterwards."""

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from phos_darkroom import write_image
from phos_darkroom.shell.main import main

SIDECAR = ".phos.toml"
TILED_SHAPE = (3000, 3000, 3)
TILED_LIMIT_BYTES = 500_000_000  # as a whole so many pixels would take more


@dataclass(frozen=True)
class Scenario:
    """Work for ``phos develop`` in a folder of its own.

    Parameters
    ----------
    name : str
        What it is called in the table.
    prepare : callable
        Puts what is there before into a folder: IN, and perhaps OUT.
    arguments : tuple of str
        Of ``phos develop``, run in that folder.
    environment : dict of str to str
        Set meanwhile.
    """

    name: str
    prepare: Callable[[Path], None]
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and what it wrote to stderr."""

    code: int | str
    stderr: str


def picture(seed: int, shape: tuple[int, ...] = (96, 128, 3)) -> np.ndarray:
    """Noise of 8 bits."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def one_picture(folder: Path) -> None:
    """A picture."""
    write_image(folder / "in.png", picture(1))


def a_pair_there(folder: Path) -> None:
    """A picture, and a positive with its sidecar where the new one goes."""
    one_picture(folder)
    quietly(["in.png", "-o", "out/in.png", "--film", "velvia-50", "--backend", "scipy"], folder)


def a_roll(folder: Path) -> None:
    """Three pictures."""
    (folder / "in").mkdir()
    for number in (1, 2, 3):
        write_image(folder / f"in/{number}.png", picture(number))


def a_roll_begun(folder: Path) -> None:
    """Three pictures, one of which is developed."""
    a_roll(folder)
    quietly(["in", "-o", "out", *ROLL], folder)
    for number in (1, 3):
        for path in (folder / "out").glob(f"{number}.png*"):
            path.unlink()


def a_tiff_of_tiles(folder: Path) -> None:
    """A TIFF that is developed by tiles."""
    rows, cols, _ = np.ogrid[: TILED_SHAPE[0], : TILED_SHAPE[1], : TILED_SHAPE[2]]
    ramps = ((rows + 2 * cols) // 16).astype(np.uint8)
    tifffile.imwrite(
        folder / "in.tif",
        np.broadcast_to(ramps, TILED_SHAPE),
        photometric="rgb",
        tile=(256, 256),
        compression="zlib",
    )


ROLL = ("--film", "portra-400", "--backend", "scipy", "--jobs", "1", "--seed", "3")
ONE = ("--film", "portra-400", "--backend", "scipy", "--seed", "3")

SCENARIOS = (
    Scenario("one picture", one_picture, ("in.png", "-o", "out/in.png", *ONE)),
    Scenario(
        "one that replaces", a_pair_there, ("in.png", "-o", "out/in.png", "--overwrite", *ONE)
    ),
    Scenario("a roll", a_roll, ("in", "-o", "out", *ROLL)),
    Scenario("a roll begun", a_roll_begun, ("in", "-o", "out", *ROLL)),
    Scenario(
        "a TIFF by tiles",
        a_tiff_of_tiles,
        ("in.tif", "-o", "out/in.tif", "--format", "4x5", *ONE),
        {"PHOS_MEMORY_LIMIT": str(TILED_LIMIT_BYTES)},
    ),
)


def quietly(arguments: list[str] | tuple[str, ...], folder: Path) -> Said:
    """Run ``phos develop`` in this process, in a folder."""
    err = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    code: int | str = 0
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            main(["develop", *arguments], prog_name="phos")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - what escapes is what is looked for
        code = f"{type(error).__name__}: {error}"
    finally:
        os.chdir(before)
    return Said(code, err.getvalue())


@contextlib.contextmanager
def in_environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def prepared(scenario: Scenario, place: Path) -> Iterator[Path]:
    """Give a fresh folder in which a scenario can run; it vanishes afterwards."""
    folder = place / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    scenario.prepare(folder)
    with in_environment(scenario.environment):
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under OUT with its bytes."""
    out = folder / "out"
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def judged(
    said: Said, there: dict[str, bytes], before: dict[str, bytes], right: dict[str, bytes]
) -> str:
    """Say what became of a run: "right", "error", or what is wrong.

    Parameters
    ----------
    said : Said
        How it ended.
    there, before, right : dict of str to bytes
        The files in OUT now, before the run, and after one that nothing disturbs.
    """
    wrong = badly_said(said) or half_written(there, before, right)
    if wrong:
        return wrong
    if said.code == 0:
        return "right" if there == right else "exit code 0, and not what an undisturbed run gives"
    return "error"


def badly_said(said: Said) -> str:
    """What is wrong with how a command ended; empty if nothing is."""
    if isinstance(said.code, str):
        return f"escaped: {said.code}"
    if "Traceback" in said.stderr:
        return "a traceback"
    lines = said.stderr.strip().splitlines()
    if said.code != 0 and not lines:
        return f"exit code {said.code} without a message"
    odd = [line for line in lines if not line.startswith(("phos: ", "Usage: ", "Error: ", "Try "))]
    return f"a line that is not phos's: {odd[0]!r}" if odd else ""


def half_written(there: dict[str, bytes], before: dict[str, bytes], right: dict[str, bytes]) -> str:
    """What is wrong with the files in OUT; empty if each pair is the old or the new one, whole."""
    for name in there:
        if name not in before and name not in right:
            return f"left behind: {name}"
    for name in right:
        if name.endswith(SIDECAR):
            continue
        pair = [there.get(name), there.get(name + SIDECAR)]
        if pair not in (pair_of(before, name), pair_of(right, name)):
            return f"half of a pair: {name}"
    return ""


def pair_of(files: dict[str, bytes], name: str) -> list[bytes | None]:
    """A positive and its sidecar."""
    return [files.get(name), files.get(name + SIDECAR)]


def is_true(folder: Path, name: str) -> bool:
    """Whether a sidecar in OUT knows the positive beside it."""
    positive, sidecar = folder / "out" / name, folder / "out" / (name + SIDECAR)
    if not (positive.exists() and sidecar.exists()):
        return False
    said = tomllib.loads(sidecar.read_text())["picture"]["sha256"]
    return bool(said == hashlib.sha256(positive.read_bytes()).hexdigest())


def phos() -> list[str]:
    """The command, for a process of its own."""
    return [sys.executable, "-m", "phos_darkroom"]
