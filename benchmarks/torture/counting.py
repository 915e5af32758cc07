"""What came of a campaign's cases."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

FINE = ("right", "error")


@dataclass
class Tally:
    """Counts the outcomes of one campaign.

    Parameters
    ----------
    name : str
        Of the campaign.
    possible : int
        How many cases there would be in a full run; 0 where that is not a number.
    """

    name: str
    possible: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    not_run: str = ""

    def add(self, outcome: str, case: str) -> None:
        """Count an outcome; the first case of what is wrong is kept."""
        kind = outcome if outcome in FINE else "wrong"
        self.outcomes[kind] += 1
        if kind == "wrong":
            self.examples.setdefault(outcome, case)

    def row(self) -> str:
        """A line of the table, in Markdown."""
        if self.not_run:
            return f"| {self.name} | not run: {self.not_run} | | | |"
        cases = sum(self.outcomes.values())
        tried = f"{cases} of {self.possible}" if self.possible > cases else str(cases)
        counts = (self.outcomes[kind] for kind in (*FINE, "wrong"))
        return f"| {self.name} | {tried} | {' | '.join(map(str, counts))} |"


@dataclass(frozen=True)
class Budget:
    """How long a campaign may take, and what it draws its samples from.

    Parameters
    ----------
    seconds : float
        Of one campaign.
    seed : int
        Of what is drawn.
    is_full : bool
        Whether cases that can be numbered are all tried, however long that takes.
    """

    seconds: float
    seed: int
    is_full: bool = False

    def sample(self, cases: int) -> Iterator[int]:
        """Give the numbers of cases in an order of chance, until the time is over."""
        order: Sequence[int] = random.Random(self.seed).sample(range(cases), cases)
        end = time.monotonic() + self.seconds
        for case in order:
            if time.monotonic() > end and not self.is_full:
                return
            yield case
