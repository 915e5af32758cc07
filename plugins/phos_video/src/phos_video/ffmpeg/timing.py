"""Times of frames that do not follow each other evenly, as ffmpeg takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How ffmpeg is told when frames that come without times are shown.

    Parameters
    ----------
    rate : Fraction
        Frames a second, as they are read; the last one is shown as long as that says.
    filters : tuple of str
        That give each frame its time; empty: the rate is enough.
    output : tuple of str
        Options that keep these times.
    """

    rate: Fraction
    filters: tuple[str, ...] = ()
    output: tuple[str, ...] = ()

    @classmethod
    def of(cls, times: Sequence[int], end: int | None, time_base: Fraction) -> "Timing":
        """Give the timing of frames.

        Parameters
        ----------
        times : sequence of int
            When each is shown, in ticks, rising.
        end : int or None
            When the last one no longer is.
        time_base : Fraction
            Seconds of a tick.

        Notes
        -----
        The time of frame N is an expression: runs of even steps, told apart by a binary tree of
        comparisons, so that it is no deeper than the logarithm of their number.
        """
        steps = [later - earlier for earlier, later in pairwise(times)]
        last = steps[-1] if steps else 1
        last = last if end is None else end - times[-1]
        rate = 1 / (last * time_base)
        if set(steps) <= {last}:
            return cls(rate=rate)
        ticks = [(time - times[0]) * time_base.numerator for time in times]
        unit = f"1/{time_base.denominator}"
        return cls(
            rate=rate,
            filters=(f"settb=expr={unit}", f"setpts='{_tree(_runs(ticks))}'"),
            output=("-enc_time_base", unit, "-video_track_timescale", str(time_base.denominator)),
        )


def _runs(ticks: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of even steps: number of the first frame, its time, the step."""
    runs: list[tuple[int, int, int]] = []
    number = 0
    while number < len(ticks):
        end = number + 1
        step = ticks[end] - ticks[number] if end < len(ticks) else 0
        while end + 1 < len(ticks) and ticks[end + 1] - ticks[end] == step:
            end += 1
        runs.append((number, ticks[number], step))
        number = end + 1
    return runs


def _tree(runs: Sequence[tuple[int, int, int]]) -> str:
    if len(runs) == 1:
        number, time, step = runs[0]
        return f"{time}+(N-{number})*{step}"
    middle = len(runs) // 2
    return f"if(lt(N,{runs[middle][0]}),{_tree(runs[:middle])},{_tree(runs[middle:])})"
