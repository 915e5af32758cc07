"""The size in an AV1 stream's own header, which an AVIF's boxes may contradict."""

from dataclasses import dataclass

from phos_darkroom.files.formats.damage import DamageError

__all__ = ["frame_size"]

_SEQUENCE_HEADER = 1
_UNITS = 16  # that are looked through for the header; it is the first or second


def frame_size(stream: bytes) -> tuple[int, int]:
    """Return the largest frame that a stream announces.

    Parameters
    ----------
    stream : bytes
        Its start.

    Returns
    -------
    cols, rows : int
        In pixels.

    Raises
    ------
    DamageError
        If the stream has no header.
    """
    place = 0
    for _ in range(_UNITS):
        bits = _Bits(stream, 8 * place)
        bits.take(1)
        kind, is_extended, has_size = bits.take(4), bits.take(1), bits.take(1)
        bits.take(1 + 8 * is_extended)
        length = _length(bits) if has_size else len(stream)
        if kind == _SEQUENCE_HEADER:
            return _size(bits)
        place = bits.place // 8 + length
    raise DamageError("its picture has no header")


@dataclass(slots=True)
class _Bits:
    """Reads numbers of some bits, the highest first."""

    stream: bytes
    place: int

    def take(self, count: int) -> int:
        end = self.place + count
        if end > 8 * len(self.stream):
            raise DamageError("its picture's header is cut short")
        whole = int.from_bytes(self.stream[self.place // 8 : (end + 7) // 8], "big")
        self.place = end
        return whole >> (-end % 8) & ((1 << count) - 1)


def _length(bits: _Bits) -> int:
    """Read a number of seven bits a byte, the lowest first."""
    number = 0
    for place in range(8):
        byte = bits.take(8)
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number
    raise DamageError("a length has no end")


def _size(bits: _Bits) -> tuple[int, int]:
    """Read a sequence header up to the size of its frames (AV1 specification, 5.5)."""
    bits.take(3)  # profile
    bits.take(1)  # still picture
    if bits.take(1):  # a picture's short header
        bits.take(5)  # level
    else:
        _skip_operating_points(bits)
    cols_bits, rows_bits = 1 + bits.take(4), 1 + bits.take(4)
    return 1 + bits.take(cols_bits), 1 + bits.take(rows_bits)


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.take(1) else 0
    has_display_delay = bits.take(1)
    for _ in range(1 + bits.take(5)):
        bits.take(12)
        if bits.take(5) > 7:  # level
            bits.take(1)  # tier
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


def _skip_timing(bits: _Bits) -> int:
    """Return of how many bits a decoder's delays are; 0: it has none."""
    bits.take(64)
    if bits.take(1):  # equal intervals, whose length has as many bits as zeros come before it
        zeros = 0
        while not bits.take(1):
            zeros += 1
        bits.take(zeros)
    if not bits.take(1):
        return 0
    delay_bits = 1 + bits.take(5)
    bits.take(32 + 5 + 5)
    return delay_bits
