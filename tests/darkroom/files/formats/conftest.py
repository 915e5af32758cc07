"""Fixtures of the formats' tests."""

import json
import subprocess
import sys

import numpy as np
import pytest

READ_EACH = """
import importlib, json, sys, warnings
from pathlib import Path
from phos_bench.measuring import peak_bytes
from phos_core.errors import ImageFileError
warnings.simplefilter("ignore")
module = importlib.import_module("phos_darkroom.files.formats." + sys.argv[1])
outcomes = {}
for path in sorted(Path(sys.argv[2]).iterdir()):
    print(path, file=sys.stderr, flush=True)
    try:
        module.read(path)
        outcomes[path.name] = None
    except ImageFileError as error:
        outcomes[path.name] = str(error)
print(json.dumps([peak_bytes(), outcomes]))
"""


@pytest.fixture
def read_in_child():
    """Read every file of a folder in a process of its own: a library's crash fails one test."""

    def read(module, folder):
        command = [sys.executable, "-c", READ_EACH, module, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        last = done.stderr.strip().splitlines()[-3:]
        assert done.returncode == 0, f"the child ended with {done.returncode} after {last}"
        peak_bytes, outcomes = json.loads(done.stdout.splitlines()[-1])
        return peak_bytes, outcomes

    return read


@pytest.fixture
def damage(tmp_path):
    """Write damaged versions of a file's bytes into a folder: cut short, or some bytes changed."""

    def write(content, suffix, count):
        folder = tmp_path / "damaged"
        folder.mkdir()
        rng = np.random.default_rng(20240229)
        whole = np.frombuffer(content, np.uint8)
        for number in range(count):
            altered = whole.copy()
            head_or_all = min(600, whole.size) if number % 3 == 1 else whole.size
            altered[rng.integers(0, head_or_all, 4)] = rng.choice([0, 1, 127, 128, 255], 4)
            if number % 3 == 0:
                altered = whole[: rng.integers(0, whole.size)]
            (folder / f"{number:03}{suffix}").write_bytes(altered.tobytes())
        return folder

    return write
