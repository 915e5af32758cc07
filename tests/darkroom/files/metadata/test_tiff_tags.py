"""Tags of TIFF directories: numbers of every type, and directories that no picture has."""

import io
import math
import struct

import pytest

from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.directories import check_directories
from phos_darkroom.files.metadata.tiff_tags import (
    Entry,
    Layout,
    Tag,
    numbers,
    read_tag,
    value_bytes,
)


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_every_type_are_read_in_both_byte_orders(order):
    cases = {
        (1, "3B"): (1, 2, 255),
        (3, "2H"): (1, 65_535),
        (4, "2I"): (7, 2**32 - 1),
        (6, "2b"): (-128, 3),
        (8, "2h"): (-2, 5),
        (9, "2i"): (-(2**31), 4),
        (11, "2f"): (0.5, -8.0),
        (12, "2d"): (0.1, 1e300),
        (16, "1Q"): (2**53,),
        (17, "1q"): (-(2**53),),
    }
    layout = Layout(order)
    for (kind, letters), values in cases.items():
        tag = Tag(256, kind, struct.pack(order + letters, *values))
        assert numbers(layout, tag) == values, kind
        entry = Entry(256, kind, len(values), b"")
        assert value_bytes(entry) == len(tag.value), kind
    assert numbers(layout, Tag(282, 5, struct.pack(order + "4I", 300, 1, 1, 3))) == (300, 1 / 3)
    assert numbers(layout, Tag(274, 2, b"6\0")) == (6,)


def test_what_is_no_number_gives_none_and_a_fraction_over_zero_nan():
    assert numbers(Layout("<"), Tag(270, 2, b"six\0")) == ()
    assert numbers(Layout("<"), Tag(270, 99, b"1234")) == ()
    assert value_bytes(Entry(270, 99, 4, b"")) is None
    assert math.isnan(numbers(Layout("<"), Tag(282, 5, bytes(8)))[0])


def test_a_value_is_read_only_where_all_of_it_is_there():
    layout = Layout("<")
    file = io.BytesIO(bytes(8) + b"abcdefgh")
    assert read_tag(file, layout, Entry(270, 1, 8, struct.pack("<I", 8)), 100).value == b"abcdefgh"
    assert read_tag(file, layout, Entry(270, 1, 9, struct.pack("<I", 8)), 100) is None
    assert read_tag(file, layout, Entry(270, 1, 8, struct.pack("<I", 8)), 7) is None


def a_tiff(entry=(256, 3, 1, 40), following=0, count=1, order="<", is_big=False):
    """A TIFF of one directory at 8, or 16 in a BigTIFF, and 16 bytes behind it."""
    offset, number, field = ("Q", "Q", "HHQQ") if is_big else ("I", "H", "HHII")
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, 16) if is_big else struct.pack(order + "HI", 42, 8)
    table = struct.pack(order + number, count) + struct.pack(order + field, *entry)
    return mark + head + table + struct.pack(order + offset, following) + bytes(16)


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_are_walked_to_the_end_in_every_layout(order, is_big):
    layout = {"order": order, "is_big": is_big}
    start = 16 if is_big else 8
    check_directories(io.BytesIO(a_tiff(**layout)))
    for told, what in (
        ({"following": start}, "circle"),
        ({"following": 10_000}, "missing"),
        ({"count": 0}, "missing, cut short"),
        ({"count": 9}, "cut short"),
        ({"entry": (256, 4, 4_000_001, 8)}, "claims 4000001 values"),
        ({"entry": (256, 1, 50, 40)}, "beyond the file's end"),
        ({"entry": (256, 99, 50, 40)}, "beyond the file's end"),
    ):
        with pytest.raises(DamageError, match=what):
            check_directories(io.BytesIO(a_tiff(**layout, **told)))
