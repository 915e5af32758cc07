"""What is measured: sizes and point-spread functions."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "PSFS",
    "SIZES",
    "WIDTHS",
    "Case",
    "ConvolveCase",
    "DevelopCase",
    "case_from",
    "record_of",
]

SIZES = ((1000, 1500), (2000, 3000), (4000, 6000), (8700, 11600))
PSFS = ("gaussian", "mixture", "exponential", "asymmetric")
WIDTHS = (61, 121, 151, 201, 401)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvolveCase:
    """Convolve float32 pictures of one layer.

    Parameters
    ----------
    rows, cols : int
        Size of each picture.
    psf : str
        One of `PSFS`.
    width : int
        Samples of the PSF along a side, an odd number from 3.
    batch : int
        How many pictures are given in one call.
    """

    work: ClassVar[str] = "convolve"
    rows: int
    cols: int
    psf: str
    width: int
    batch: int = 1

    def __post_init__(self) -> None:
        _check_positive(self.rows, self.cols, self.batch)
        if self.psf not in PSFS:
            raise ValueError(f"psf must be one of {', '.join(PSFS)}, got {self.psf!r}")
        if self.width < 3 or self.width % 2 == 0:
            raise ValueError(f"width must be odd and at least 3, got {self.width}")

    @property
    def title(self) -> str:
        """What is measured, in one line."""
        return f"convolve {_extent(self)}, {self.psf} PSF of {self.width} × {self.width}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopCase:
    """Develop 8-bit pictures of three channels, all steps on.

    Parameters
    ----------
    rows, cols : int
        Size of each picture.
    film : str
        The stock.
    batch : int
        How many pictures are given in one call.
    """

    work: ClassVar[str] = "develop"
    rows: int
    cols: int
    film: str = "portra-400"
    batch: int = 1

    def __post_init__(self) -> None:
        _check_positive(self.rows, self.cols, self.batch)

    @property
    def title(self) -> str:
        """What is measured, in one line."""
        return f"develop {_extent(self)} on {self.film}, 8 bits in and out"


Case: TypeAlias = ConvolveCase | DevelopCase


def record_of(case: Case) -> dict[str, Any]:
    """Return a case as JSON has it."""
    return {"work": case.work, **asdict(case)}


def case_from(record: dict[str, Any]) -> Case:
    """Return the case that JSON has."""
    fields = dict(record)
    kind = {"convolve": ConvolveCase, "develop": DevelopCase}[fields.pop("work")]
    case: Case = kind(**fields)
    return case


def _check_positive(rows: int, cols: int, batch: int) -> None:
    for name, value in (("rows", rows), ("cols", cols), ("batch", batch)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def _extent(case: Case) -> str:
    size = f"{case.rows} × {case.cols}"
    return size if case.batch == 1 else f"{case.batch} of {size}"
