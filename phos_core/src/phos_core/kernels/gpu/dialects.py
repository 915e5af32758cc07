"""How the languages of GPUs spell what kernels of pixels are written of."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CUDA", "METAL", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between languages that are C in all else.

    Parameters
    ----------
    types : mapping of str to str
        The type of each dtype's numbers; a dtype that is left out has none.
    device : str
        What stands before the type of a pointer to an array of the device.
    array : str
        Where an array begins, by its number and type.
    constant : str
        One of a chain's numbers, by its place.
    table : str
        A number of one of a chain's tables, by the table's place and the number's.
    watch : str
        Where a number goes that is not finite.
    functions : mapping of str to str
        What takes one value or two, by the instruction that it stands for; "sincospi" is a
        statement that gives ``sine`` and ``cosine`` of a multiple of pi.
    """

    types: Mapping[str, str]
    device: str
    array: str
    constant: str
    table: str
    watch: str
    functions: Mapping[str, str]


OPERATORS = {
    "neg": "-{}",
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "le": "{} <= {}",
    "lt": "{} < {}",
    "ge": "{} >= {}",
    "gt": "{} > {}",
}

CUDA = Dialect(
    types={
        "uint8": "unsigned char",
        "uint16": "unsigned short",
        "float32": "float",
        "float64": "double",
    },
    device="",
    array="({type} *)a.arrays[{array}]",
    constant="a.constants[{place}]",
    table="a.tables[{table}][{place}]",
    watch="a.watch",
    functions=OPERATORS
    | {
        "abs": "fabsf({})",
        "exp": "expf({})",
        "log": "logf({})",
        "log10": "log10_of({})",
        "tanh": "tanh_of({})",
        "sqrt": "sqrtf({})",
        "floor": "floorf({})",
        "pow": "pow_of({}, {})",
        "max": "fmaxf({}, {})",
        "min": "fminf({}, {})",
        "sincospi": "sincospif({}, &sine, &cosine);",
    },
)

METAL = Dialect(
    types={"uint8": "uchar", "uint16": "ushort", "float32": "float"},
    device="device ",
    array="array{array}",
    constant="numbers[{place}]",
    table="table{table}[{place}]",
    watch="watch",
    # The precise ones whatever PyTorch was asked for: those of fast math are off by 1e-4 and more.
    functions=OPERATORS
    | {
        "abs": "metal::fabs({})",
        "exp": "metal::precise::exp({})",
        "log": "metal::precise::log({})",
        "log10": "metal::precise::log10({})",
        "tanh": "metal::precise::tanh({})",
        "sqrt": "metal::precise::sqrt({})",
        "floor": "metal::floor({})",
        "pow": "metal::precise::pow({}, {})",
        "max": "metal::fmax({}, {})",
        "min": "metal::fmin({}, {})",
        "sincospi": "sine = metal::precise::sinpi({0}); cosine = metal::precise::cospi({0});",
    },
)
