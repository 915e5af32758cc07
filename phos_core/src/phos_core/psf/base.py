"""What every point-spread function knows of itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.errors import OutOfMemoryError
from phos_core.psf.sums import Edges, FloatArray, block_edges

__all__ = ["PSF"]

BLOCK_ROWS = 256  # rows of blocks at a time


class PSF(ABC):
    """A point-spread function in pixels: immutable, odd-sided, centred.

    PSFs are made by the functions of `phos_core.psf`. Two are equal when they were made alike from
    the same numbers; they may be keys of a dictionary.
    """

    @property
    @abstractmethod
    def radius(self) -> tuple[int, int]:
        """Reach from the centre in rows and columns, so that the shape is 2 radius + 1."""

    @property
    @abstractmethod
    def is_even(self) -> bool:
        """Whether it is symmetric about its centre in rows and in columns."""

    @abstractmethod
    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        """Prepare the transfer function for rows to come.

        Parameters
        ----------
        fx : array_like, shape (m,)
            Frequencies along columns in cycles per pixel.

        Returns
        -------
        callable
            Takes frequencies `fy` along rows and gives what `transfer` does. A large table is
            best made some rows at a time, and what its columns need only once.
        """

    def transfer(self, fy: npt.ArrayLike, fx: npt.ArrayLike) -> npt.NDArray[Any]:
        """Evaluate the transfer function.

        Parameters
        ----------
        fy, fx : array_like, shape (n,) and (m,)
            Frequencies along rows and columns in cycles per pixel.

        Returns
        -------
        ndarray, shape (n, m)
            float64 if the PSF is even, complex128 if not.

        Notes
        -----
        The discrete-time Fourier transform of the samples p, to 1e-6 of their sum,

            P(fy, fx) = sum over y, x of p(y, x) exp(-2 pi i (fy y + fx x))
        """
        return self.transfer_of_rows(fx)(fy)

    @property
    @abstractmethod
    def _key(self) -> Hashable:
        """What equality and hash rest on."""

    @abstractmethod
    def _make_samples(self) -> FloatArray:
        """Compute the samples."""

    def samples(self) -> FloatArray:
        """Return the samples.

        Returns
        -------
        ndarray, shape (2 ry + 1, 2 rx + 1)
            float64, read-only.
        """
        return self._samples

    @property
    def total(self) -> float:
        """Sum of the samples: what a flat field is multiplied by."""
        return float(self._samples.sum())

    @cached_property
    def l1(self) -> float:
        """Sum of the samples' absolute values: the most that an image's peak can grow by.

        It is the sum itself where all are known to be of one sign. Otherwise samples farther than
        512 pixels from the centre are added up in blocks, of a side of a 256th of that distance,
        before their absolute value is taken: what they hide is where the sign changes, 1e-5 of
        the sum at most for sums of Gaussians. Of a wide composition neither of whose parts is
        small, it is the product of its parts' own, which is never too little.
        """
        if self._sign:
            return abs(self.total)
        (rows, row_times), (cols, col_times) = (
            block_edges(radius, half=self.is_even) for radius in self.radius
        )
        total = 0.0
        for start in range(0, len(row_times), BLOCK_ROWS):
            strip = slice(start, start + BLOCK_ROWS)
            sums = self._block_sums(rows[start : start + BLOCK_ROWS + 1], cols)
            if sums is None:
                return self._most_l1()
            total += float(row_times[strip] @ np.abs(sums) @ col_times)
        return total

    @property
    @abstractmethod
    def _sign(self) -> int:
        """1 or -1 where all samples are known to be of that sign, or zero; 0 elsewhere."""

    @abstractmethod
    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray | None:
        """Add up the samples in blocks between edges; None where that would take too much."""

    def _most_l1(self) -> float:
        """What `l1` cannot exceed."""
        return abs(self.total)

    @cached_property
    def is_delta(self) -> bool:
        """Whether it leaves every image as it is."""
        return self.radius == (0, 0) and float(self._samples[0, 0]) == 1.0

    @abstractmethod
    def transposed(self) -> "PSF":
        """Return the PSF with rows and columns exchanged."""

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        """Return the separable terms.

        Returns
        -------
        tuple of (float, ndarray), or None
            Weights w and odd, centred 1-D taps t with samples = sum of w t(y) t(x); None if the
            PSF is not known to be such a sum.
        """
        return None

    def terms(self) -> tuple[tuple[float, "PSF"], ...]:
        """Return the PSFs that it is known to be a sum of.

        Returns
        -------
        tuple of (float, PSF)
            Weights w and PSFs p with samples = sum of w p; itself, of weight 1, if no sum is known.
            Sums inside sums, and convolutions of sums, are multiplied out.
        """
        return ((1.0, self),)

    @cached_property
    def _samples(self) -> FloatArray:
        rows, cols = (2 * r + 1 for r in self.radius)
        try:
            np.empty((rows, cols))  # before the work: is there room at all?
            samples = np.array(self._make_samples(), dtype=np.float64)
        except (MemoryError, ValueError) as error:  # NumPy says either of an array too large
            raise OutOfMemoryError(
                f"the samples of a PSF of {rows} x {cols} pixels take {rows * cols * 8:.1e} bytes"
            ) from error
        samples.flags.writeable = False
        return samples

    @property
    @abstractmethod
    def _parts(self) -> tuple[Any, ...]:
        """What it is made from: the arguments of its class."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made from: not the hash, which is another in each process."""
        return type(self), self._parts

    def __copy__(self) -> "PSF":
        return self

    def __deepcopy__(self, memo: object) -> "PSF":
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PSF):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        rows, cols = (2 * r + 1 for r in self.radius)
        return f"<PSF of {rows} x {cols} pixels>"
