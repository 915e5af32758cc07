"""Make the n-th large allocation of NumPy's fail, through NumPy's own hook for allocators."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_SET_HANDLER = 304  # of PyDataMem_SetHandler in NumPy's table of C functions (NEP 49)
_NAME_BYTES = 127

_MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_CALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
_REALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class _Handler(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * _NAME_BYTES),
        ("version", ctypes.c_uint8),
        ("ctx", ctypes.c_void_p),
        ("malloc", _MALLOC),
        ("calloc", _CALLOC),
        ("realloc", _REALLOC),
        ("free", _FREE),
    ]


class _Allocator(ctypes.Structure):
    """Python's own allocators, as ``PyMem_GetAllocator`` gives them."""

    _fields_ = [
        ("ctx", ctypes.c_void_p),
        ("malloc", _MALLOC),
        ("calloc", _CALLOC),
        ("realloc", _REALLOC),
        ("free", _FREE),
    ]


_RAW_DOMAIN = 0
_raw = _Allocator()
ctypes.pythonapi.PyMem_GetAllocator(_RAW_DOMAIN, ctypes.byref(_raw))


class AllocationFault:
    """Counts the large allocations of arrays, and makes one of them fail.

    Parameters
    ----------
    least_bytes : int
        What counts as large.
    at : int or None
        Which of them fails, 0 for the first; None: all succeed and are counted.
    """

    def __init__(self, least_bytes: int, at: int | None = None) -> None:
        self.least_bytes = least_bytes
        self.at = at
        self.count = 0
        self.failed = ""

    def fails(self, size: int) -> bool:
        """Count an allocation; whether it is the one."""
        if size < self.least_bytes:
            return False
        here, self.count = self.count, self.count + 1
        if here == self.at:
            self.failed = f"allocation of {size} bytes"
        return here == self.at


_fault = AllocationFault(0)


def _malloc(ctx: int | None, size: int) -> int | None:
    return None if _fault.fails(size) else _raw.malloc(ctx, size)


def _calloc(ctx: int | None, count: int, size: int) -> int | None:
    return None if _fault.fails(count * size) else _raw.calloc(ctx, count, size)


def _realloc(ctx: int | None, place: int | None, size: int) -> int | None:
    return None if _fault.fails(size) else _raw.realloc(ctx, place, size)


# Arrays remember what allocated them, so this is kept for as long as the process lives. What frees
# them is Python's own: it runs while an exception is under way, when no Python code may.
_handler = _Handler(
    b"counting", 1, _raw.ctx, _MALLOC(_malloc), _CALLOC(_calloc), _REALLOC(_realloc), _raw.free
)
_new = ctypes.pythonapi.PyCapsule_New
_new.restype = ctypes.py_object
_new.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_capsule_name = ctypes.create_string_buffer(b"mem_handler")  # a capsule keeps the address alone
_capsule = _new(ctypes.addressof(_handler), ctypes.addressof(_capsule_name), None)


def _set_handler(capsule: object) -> object:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(
        pointer(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p)
    )
    function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
    return function(capsule)


@contextmanager
def planted(fault: AllocationFault) -> Iterator[None]:
    """Put a fault between NumPy and the system's memory, in this context and its threads."""
    global _fault
    _fault = fault
    before = _set_handler(_capsule)
    try:
        yield
    finally:
        _set_handler(before)
        _fault = AllocationFault(0)
