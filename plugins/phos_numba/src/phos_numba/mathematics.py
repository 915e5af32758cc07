"""Functions of one float32, without branches, so that a loop of them fills vector registers.

The polynomials are best approximations, found by least squares weighted anew until the error is
even. Each function is right to a few 1e-7 of its value.
"""

import numba
import numpy as np

__all__ = ["FLAGS", "cos_sin", "exp", "log", "log10", "power", "tanh"]

FLAGS = {"contract", "nsz"}
"""Liberties of the compiled code: fused multiply-add, and no sign of zero. Infinities count."""

F = np.float32
B = np.int32  # whose bits are worked on

LEAST = F(2.0**-126)  # the smallest number of full precision; log and power take less for zero
HALF = F(0.5)
ONE = F(1.0)

SQRT_HALF_BITS = B(0x3F3504F3)
MANTISSA_BITS = B(23)
SHIFTER = F(1.5 * 2**23)  # what is added to it is rounded to a whole number, in its last bits

# ln(1 + m) / m from 1 / sqrt(2) - 1 to sqrt(2) - 1, within 3e-8
LOG = tuple(
    F(c)
    for c in (
        1.0, -0.4999997913837433, 0.3333415985107422, -0.25002944469451904, 0.19958415627479553,
        -0.1654374599456787, 0.14917394518852234, -0.14482136070728302, 0.08959803730249405,
    )
)  # fmt: skip
# (exp(r) - 1 - r) / r^2 from -ln(2) / 2 to ln(2) / 2: exp(r) within 4e-9
EXP = tuple(
    F(c)
    for c in (
        0.5, 0.166665181517601, 0.04166620597243309, 0.008368882350623608, 0.001395047758705914,
    )
)  # fmt: skip
# (2^f - 1) / f from -1/2 to 1/2: 2^f within 2e-9
EXP2 = tuple(
    F(c)
    for c in (
        0.6931471824645996, 0.24022650718688965, 0.055503275245428085, 0.009618005715310574,
        0.001340030925348401, 0.000154759269207716,
    )
)  # fmt: skip
# sin(2 pi q) / q in q^2 from 0 to 1/16: the sine within 4e-9
SIN = tuple(
    F(c)
    for c in (
        6.283185005187988, -41.34165573120117, 81.60100555419922, -76.5497817993164,
        39.536705017089844,
    )
)  # fmt: skip

# Logarithms of 2 in two pieces: a whole number up to 2^9 times the first is exact.
LN2_HIGH, LN2_LOW = F(0.693145751953125), F(1.4286068203094172e-06)
LOG10_2_HIGH, LOG10_2_LOW = F(0.301025390625), F(4.605038981195214e-06)
LOG10_E = F(0.4342944819032518)
LOG2_E = F(1.4426950408889634)
LEAST_EXP, MOST_EXP = F(-87.33654), F(88.72283)  # their exponentials are the ends of float32
MOST_EXP2 = F(125.0)
MOST_TANH = F(9.5)  # from here on tanh is 1 in single precision
TWO = F(2.0)
QUARTER = F(0.25)
ZERO = F(0.0)
INFINITE = F(np.inf)
SHORT_MASK = B(-256)  # keeps 16 bits of a float32's significand

inlined = numba.njit(forceinline=True, fastmath=FLAGS, error_model="numpy")


@inlined
def exponent_and_log(x):  # type: ignore[no-untyped-def]
    """Split a positive number: its power of two, and the natural logarithm of the rest."""
    bits = F(max(x, LEAST)).view(np.int32)
    exponent = B(B(bits - SQRT_HALF_BITS) >> MANTISSA_BITS)
    m = B(bits - B(exponent << MANTISSA_BITS)).view(np.float32) - ONE
    p = LOG[8]
    p = p * m + LOG[7]
    p = p * m + LOG[6]
    p = p * m + LOG[5]
    p = p * m + LOG[4]
    p = p * m + LOG[3]
    p = p * m + LOG[2]
    p = p * m + LOG[1]
    p = p * m + LOG[0]
    return F(exponent), m * p


@inlined
def log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of a positive number."""
    exponent, rest = exponent_and_log(x)
    return exponent * LN2_HIGH + (exponent * LN2_LOW + rest)


@inlined
def log10(x):  # type: ignore[no-untyped-def]
    """Decimal logarithm of a positive number."""
    exponent, rest = exponent_and_log(x)
    return exponent * LOG10_2_HIGH + (exponent * LOG10_2_LOW + rest * LOG10_E)


@inlined
def scaled(x, shifter):  # type: ignore[no-untyped-def]
    """Multiply by two to the whole number in the last bits of a shifter: adds to the exponent."""
    whole = B(F(shifter).view(np.int32) << MANTISSA_BITS)
    return B(F(x).view(np.int32) + whole).view(np.float32)


@inlined
def exp_less_one(x):  # type: ignore[no-untyped-def]
    """Split exp(x): the shifter of two to a whole number, and what is left of it less one."""
    shifter = x * LOG2_E + SHIFTER
    whole = shifter - SHIFTER
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    p = EXP[4]
    p = p * r + EXP[3]
    p = p * r + EXP[2]
    p = p * r + EXP[1]
    p = p * r + EXP[0]
    return shifter, p * (r * r) + r


@inlined
def exp(x):  # type: ignore[no-untyped-def]
    """Exponential; it stops at the least and the greatest number of full precision."""
    shifter, rest = exp_less_one(min(max(x, LEAST_EXP), MOST_EXP))
    return scaled(rest + ONE, shifter)


@inlined
def tanh(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent, by exp(2 x) - 1."""
    shifter, rest = exp_less_one(TWO * min(max(x, -MOST_TANH), MOST_TANH))
    scale = scaled(ONE, shifter)
    grown = scale * rest + (scale - ONE)
    return grown / (grown + TWO)


@inlined
def power(x, y):  # type: ignore[no-untyped-def]
    """Power of a number from zero up, by -100 to 100; powers of zero apart, it stops as `exp` does.

    The exponent's 16 leading bits times a whole number are exact: what is lost stays far below
    the magnitude of the logarithm.
    """
    exponent, rest = exponent_and_log(x)
    leading = B(F(y).view(np.int32) & SHORT_MASK).view(np.float32)
    limit = MOST_EXP2 - abs(y)
    exact = min(max(leading * exponent, -limit), limit)
    rest = (y - leading) * exponent + (y * LOG2_E) * rest
    shifter = (exact + rest) + SHIFTER
    f = (exact - (shifter - SHIFTER)) + rest
    p = EXP2[5]
    p = p * f + EXP2[4]
    p = p * f + EXP2[3]
    p = p * f + EXP2[2]
    p = p * f + EXP2[1]
    p = p * f + EXP2[0]
    value = scaled(p * f + ONE, shifter)
    of_zero = ZERO if y > ZERO else (INFINITE if y < ZERO else ONE)
    return of_zero if x < LEAST else value


@inlined
def cos_sin(turns):  # type: ignore[no-untyped-def]
    """Cosine and sine of an angle in turns, from 0 to 1."""
    opposite = HALF - turns  # sin(2 pi t) = sin(2 pi (1/2 - t)), cos(2 pi t) = -cos(...)
    size = abs(opposite)
    return -quarter_sine(QUARTER - size), quarter_sine(fold(opposite, size))


@inlined
def fold(a, size):  # type: ignore[no-untyped-def]
    """Bring an angle in turns from -1/2 .. 1/2 to -1/4 .. 1/4 where its sine is the same."""
    near = min(size, HALF - size)
    return near if a > ZERO else -near


@inlined
def quarter_sine(q):  # type: ignore[no-untyped-def]
    """Sine of an angle in turns, from -1/4 to 1/4."""
    z = q * q
    p = SIN[4]
    p = p * z + SIN[3]
    p = p * z + SIN[2]
    p = p * z + SIN[1]
    p = p * z + SIN[0]
    return q * p
