"""Boxes of the MPEG-4 family: every kind of length, and what is damaged."""

import io
import struct

import pytest

from phos_darkroom.files.formats import boxes as walkers
from phos_darkroom.files.formats.boxes import boxes, whole_boxes
from phos_darkroom.files.formats.damage import DamageError


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def walked(walk, content):
    return [
        (kind, content[first:last])
        for kind, first, last in walk(io.BytesIO(content), 0, len(content))
    ]


def test_lengths_of_32_bits_of_64_and_to_the_end_are_understood():
    content = box(b"free", b"abc") + struct.pack(">I4sQ", 1, b"mdat", 18) + b"de"
    content += struct.pack(">I4s", 0, b"last") + b"fghi"
    told = [(b"free", b"abc"), (b"mdat", b"de"), (b"last", b"fghi")]
    assert walked(boxes, content) == walked(whole_boxes, content) == told


@pytest.mark.parametrize(
    "damaged",
    [
        struct.pack(">I4s", 9, b"meta"),
        struct.pack(">I4s", 7, b"meta") + bytes(8),
        struct.pack(">I4sQ", 1, b"meta", 15) + bytes(8),
        struct.pack(">I4sQ", 1, b"meta", 2**63) + bytes(8),
    ],
)
def test_a_damaged_box_is_refused_or_ends_the_walk_over_what_is_whole(damaged):
    content = box(b"ftyp", b"avif") + damaged
    assert walked(whole_boxes, content) == [(b"ftyp", b"avif")]
    with pytest.raises(DamageError, match="claims more bytes than are left"):
        walked(boxes, content)


def test_boxes_without_number_are_refused(monkeypatch):
    monkeypatch.setattr(walkers, "BOXES", 3)
    assert len(walked(whole_boxes, box(b"free", b"") * 4)) == 3
    with pytest.raises(DamageError, match="too many boxes"):
        walked(boxes, box(b"free", b"") * 4)
