"""Metal without a Mac: its very text, compiled as C++ and launched as PyTorch launches it."""

import ctypes
import math
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

SHIM = Path(__file__).parent / "shim"
COMPILER = shutil.which("c++") if sys.platform == "linux" else None
OPTIONS = ("-x", "c++", "-O1", "-std=c++17", "-ffp-contract=off", "-Wno-attributes")

MOST_BUFFERS = 31  # of one kernel: Metal's feature set tables
MOST_SHARED_BYTES = 32 * 1024  # of a group of threads
MOST_BYTES_OF_LIST = 4096  # of setBytes
MOST_THREADS = 1024  # of a group; a kernel that needs many registers has fewer
CONSTANT_ALIGNMENT_BYTES = 256  # the strictest of any Mac, for buffers in constant memory
TYPES = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}

KERNEL = re.compile(r"^kernel void (\w+)\((.*?)\) \{$", flags=re.MULTILINE | re.DOTALL)
BUFFER = re.compile(r"((?:const )?device|constant) (\w+) ([*&])(\w+) \[\[buffer\((\d+)\)\]\]")
BUILT_IN = re.compile(r"uint([23]) (\w+) \[\[(\w+)\]\]")
RECORD = re.compile(r"struct Arguments \{(.*?)\};", flags=re.DOTALL)
FIELD = re.compile(r"\w+((?:\[\d+\])*)(?=[,;])")  # all of them 32-bit integers
SHARED = re.compile(r"threadgroup float \w+\[(\d+)\];")
PLACES = {
    "thread_position_in_grid": "grid",
    "threadgroup_position_in_grid": "group",
    "thread_position_in_threadgroup": "lane",
    "threads_per_threadgroup": "lanes",
}


ONE_AT_A_TIME = threading.Lock()  # as the queue of a device


class LaunchError(Exception):
    """What PyTorch or Metal would refuse, get wrong in silence, or end the process for."""


@dataclass(frozen=True)
class Parameter:
    """A buffer of a kernel."""

    space: str
    type: str
    is_record: bool

    def as_cpp(self, index):
        pointer = f"(const {self.type} *)" if self.is_const else f"({self.type} *)"
        return f"{'*' if self.is_record else ''}{pointer}buffers[{index}]"

    @property
    def is_const(self):
        return self.space != "device"


@dataclass(frozen=True)
class Signature:
    """What a kernel takes."""

    name: str
    parameters: tuple
    places: tuple  # of (places' name, number of axes)

    @classmethod
    def of(cls, source):
        (found,) = KERNEL.finditer(source)
        buffers, places = [], []
        for text in (one.strip() for one in found.group(2).split(",\n")):
            buffer, built_in = BUFFER.fullmatch(text), BUILT_IN.fullmatch(text)
            if buffer:
                space, kind, mark, _, index = buffer.groups()
                if int(index) != len(buffers) or places:
                    raise SyntaxError(f"buffers are bound in their order: {text}")
                buffers.append(Parameter(space, kind, mark == "&"))
            elif built_in:
                axes, _, what = built_in.groups()
                places.append((PLACES[what], int(axes)))
            else:
                raise SyntaxError(text)
        if len({axes for _, axes in places}) > 1:
            raise SyntaxError("places in the grid must have as many axes as each other")
        return cls(found.group(1), tuple(buffers), tuple(places))

    def glue(self, number):
        """C++ that calls the kernel of namespace ``k{number}`` for a place in the grid."""
        arguments = [one.as_cpp(i) for i, one in enumerate(self.parameters)]
        for what, axes in self.places:
            arguments.append("{" + ", ".join(f"place.{what}.{axis}" for axis in "xyz"[:axes]) + "}")
        return f"""
static void call(void **buffers, const shim::Place &place) {{
    {self.name}({", ".join(arguments)});
}}
}}
extern "C" bool run_{number}(void **buffers, const uint *grid, const uint *group, bool shares) {{
    return shim::launch(k{number}::call, buffers, {{grid[0], grid[1], grid[2]}},
                        {{group[0], group[1], group[2]}}, shares);
}}
"""


class Kernel:
    """A kernel, called as those of `torch.mps.compile_shader` are.

    Parameters
    ----------
    source : str
        Its source.
    started : list
        Takes its name, what it was started with and in which groups, each time.
    run : callable, optional
        Runs it; by default a launch is looked at and nothing happens.
    """

    max_threads_per_threadgroup = MOST_THREADS

    def __init__(self, source, started, run=None):
        self.signature, self.shares = Signature.of(source), "threadgroup_barrier" in source
        self._started, self._run = started, run
        (fields,) = RECORD.findall(source)
        sizes = (re.findall(r"\d+", found) for found in FIELD.findall(fields))
        self._record_bytes = sum(4 * math.prod(map(int, size)) for size in sizes)
        shared_bytes = sum(4 * int(count) for count in SHARED.findall(source))
        if len(self.signature.parameters) > MOST_BUFFERS or shared_bytes > MOST_SHARED_BYTES:
            raise RuntimeError("Failed to create pipeline state object")

    def __call__(self, *arguments, threads=None, group_size=None, arg_casts=None):
        parameters = self.signature.parameters
        if len(arguments) != len(parameters):
            raise LaunchError(f"{len(parameters)} arguments are bound, got {len(arguments)}")
        kept = [
            self._as_record(one, arg_casts) if parameter.is_record else _as_array(one, parameter)
            for one, parameter in zip(arguments, parameters, strict=True)
        ]
        grid, group = self._sizes(threads, group_size)
        self._started.append((self.signature.name, arguments, tuple(grid), tuple(group)))
        if self._run is None:
            return
        buffers = (ctypes.c_void_p * len(kept))(*map(_address, kept))
        sizes = ((ctypes.c_uint * 3)(*one) for one in (grid, group))
        with ONE_AT_A_TIME:
            together = self._run(buffers, *sizes, self.shares)
        if not together & 1:
            raise LaunchError("the threads of a group came to different barriers")

    def _as_record(self, numbers, arg_casts):
        """Lists of ints are bound as 64-bit numbers, unless a cast is asked for."""
        if type(numbers) not in (list, tuple) or any(type(one) is not int for one in numbers):
            raise LaunchError(f"PyTorch binds no {numbers!r} as a record of ints")
        if not all(-(2**31) <= one < 2**31 for one in numbers):
            raise LaunchError("numbers beyond 32 bits wrap around in silence")
        found = np.array(numbers, np.int32 if arg_casts == "int32" else np.int64)
        if found.nbytes != self._record_bytes:
            raise LaunchError(f"{found.nbytes} bytes for a record of {self._record_bytes}")
        if found.nbytes > MOST_BYTES_OF_LIST:
            raise LaunchError(f"{found.nbytes} bytes in a list")
        return found

    def _sizes(self, threads, group_size):
        """Threads along each axis, and those of a group."""
        for sizes in (threads, group_size):
            if type(sizes) not in (list, tuple) or not 1 <= len(sizes) <= 3:
                raise LaunchError(f"threads and groups have up to three axes, got {sizes!r}")
            if any(type(one) is not int or not 0 < one < 2**32 for one in sizes):
                raise LaunchError(f"not a size: {sizes!r}")
        if len(threads) != len(group_size):
            raise LaunchError(f"{threads!r} and {group_size!r} have not as many axes as each other")
        if np.prod(group_size) > self.max_threads_per_threadgroup:
            raise LaunchError(f"a group of {group_size!r}")
        return ([*sizes, 1, 1][:3] for sizes in (threads, group_size))


def _as_array(tensor, parameter):
    """A tensor: PyTorch binds its storage and its offset, and knows of no strides."""
    if not hasattr(tensor, "dtype") or not hasattr(tensor, "shape"):
        raise LaunchError(f"not a tensor: {tensor!r}")
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype != TYPES[parameter.type]:
        raise LaunchError(f"a tensor of {dtype} for a pointer to {parameter.type}")
    if parameter.space == "constant" and not isinstance(tensor, np.ndarray):
        offset_bytes = tensor.storage_offset() * tensor.element_size()
        if offset_bytes % CONSTANT_ALIGNMENT_BYTES:
            raise LaunchError(f"an offset of {offset_bytes} bytes in constant memory")
    return tensor


def _address(array):
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data_ptr()


class MetalOnCpu:
    """Compiles Metal source as C++, and notes what is started."""

    def __init__(self, folder):
        self.folder, self.started, self._known = folder, [], {}

    def kernels(self, sources):
        """The kernel of each source, all compiled together."""
        new = [one for one in dict.fromkeys(sources) if one not in self._known]
        if new:
            signatures = [Signature.of(one) for one in new]
            parts = [
                f"namespace k{i} {{\n{source}{signature.glue(i)}"
                for i, (source, signature) in enumerate(zip(new, signatures, strict=True))
            ]
            library = self._built("#include <metal_stdlib>\n" + "".join(parts))
            for i, source in enumerate(new):
                run = getattr(library, f"run_{i}")
                self._known[source] = Kernel(source, self.started, run)
        return [self._known[one] for one in sources]

    def compile_shader(self, source):
        """What stands in for `torch.mps.compile_shader`: gives what has the kernel by its name."""
        (kernel,) = self.kernels([source])
        return SimpleNamespace(**{kernel.signature.name: kernel})

    def check(self, source, compiler):
        """See that a compiler takes a source, without making anything of it."""
        self._compile(source, compiler, "-fsyntax-only", "-Wno-unused-function")

    def _built(self, code):
        library = self.folder / f"{len(self._known)}.so"
        self._compile(code, COMPILER, "-shared", "-fPIC", "-o", library)
        return ctypes.CDLL(str(library))

    def _compile(self, code, compiler, *options):
        """Compile as Metal's compiler would, which reports what is wrong as a SyntaxError."""
        command = [compiler, *OPTIONS, f"-I{SHIM}", *options, "-"]
        done = subprocess.run(command, input=code, capture_output=True, text=True)
        if done.returncode:
            raise SyntaxError(done.stderr)


@pytest.fixture(scope="session")
def metal(tmp_path_factory):
    """What compiles Metal source for the CPU."""
    if COMPILER is None:
        pytest.skip("needs a C++ compiler, on Linux")
    return MetalOnCpu(tmp_path_factory.mktemp("metal"))


class Checked:
    """Takes Metal source for compiled: launches are looked at, and nothing is computed."""

    def __init__(self):
        self.started = []

    def compile_shader(self, source):
        """What stands in for `torch.mps.compile_shader`."""
        kernel = Kernel(source, self.started)
        return SimpleNamespace(**{kernel.signature.name: kernel})


@pytest.fixture
def metal_launches():
    """What looks at launches of kernels on tensors without memory."""
    return Checked()


@pytest.fixture(scope="session")
def launch_error():
    """What a launch is refused with that Metal or PyTorch would not take."""
    return LaunchError
