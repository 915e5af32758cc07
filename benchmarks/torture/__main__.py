"""Torture: faults, kills, a full disk, two runs at once, a thousand develops, a sick backend.

    python benchmarks/torture                 # a sample of each, ten minutes in all
    python benchmarks/torture --full          # every case that has a number; hours
    python benchmarks/torture --write         # and the table of docs/reliability.md

Each case ends with the right picture or with one clear error, nothing is half-written and nothing
is left. Exits with 1 if one does not.
"""

import argparse
import re
import secrets
import sys
import tempfile
from pathlib import Path

import faults
import kills
import long_life
from counting import Budget, Tally

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
MINUTES = 10.0
SHARES = {  # of the time; each campaign has several parts, which share alike
    faults.all_faults: (0.45, 10),
    kills.all_of_them: (0.40, 10),
    long_life.sick_backend: (0.05, 20),
    long_life.thousand_develops: (0.10, 1),
}
HEAD = """| campaign | cases | right picture | one clear error | wrong |
|---|---|---|---|---|"""


def main() -> int:
    """Run the campaigns; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="every case that has a number")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="in all, about")
    parser.add_argument("--seed", type=int, help="of what is drawn; by default another each time")
    parser.add_argument("--write", action="store_true", help="the table of docs/reliability.md")
    asked = parser.parse_args()
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}\n\n{HEAD}", flush=True)
    tallies = []
    with tempfile.TemporaryDirectory() as place:
        for campaign, (share, parts) in SHARES.items():
            budget = Budget(60 * asked.minutes * share / parts, seed, asked.full)
            for tally in campaign(Path(place), budget):
                print(tally.row(), flush=True)
                tallies.append(tally)
    for tally in tallies:
        for what, case in tally.examples.items():
            print(f"\n{tally.name}: {what}\n  {case}")
    if asked.write:
        write(tallies)
    return int(any(tally.examples for tally in tallies))


def write(tallies: list[Tally]) -> None:
    """Put the table into its page."""
    table = "\n".join([HEAD, *(tally.row() for tally in tallies)])
    text = PAGE.read_text(encoding="utf-8")
    marks = r"(<!-- counts -->\n).*?(<!-- end -->)"
    PAGE.write_text(
        re.sub(marks, rf"\1{table}\n\2", text, count=1, flags=re.DOTALL), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
