"""The kit's quick part, for a backend that is installed, in a process of its own."""

import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from phos_core.convolution import in_one_line
from phos_darkroom.shell.plugin_check.children import run_apart
from phos_darkroom.shell.plugin_check.verdicts import Verdict

__all__ = ["kit_verdict"]

NEEDED = ("pytest", "hypothesis", "array_api_strict")
# Of the laws that take longest; whatever else the kit has belongs to its quick part.
LONG_ONES = (
    "agrees_with_the_reference",
    "develops_and_prints",
    "exposes_as_numpy",
    "threads_may_share",
    "wider_than_the_picture",
    "sides_may_be",
    "highlights_far_above",
    "same_work_gives_the_same_bits",
    "it_is_linear",
    "on_the_host",
)
QUICK = "not (" + " or ".join(LONG_ONES) + ")"  # of pytest's -k
LISTED = 3  # laws that are named of those that are not kept


def kit_verdict(backend: str, seconds: float) -> Verdict:
    """Prove a backend by the kit's laws that are quickly tried.

    Parameters
    ----------
    backend : str
        Its name, under which it is chosen.
    seconds : float
        How long it may take.

    Returns
    -------
    Verdict
        How many laws it keeps, and which it does not.
    """
    check = f"quick kit of {backend}"
    full = f"python -m phos_core.testing.conformance {backend} runs all of it"
    if any(find_spec(module) is None for module in NEEDED):
        return Verdict(check, "skipped", "it needs phos-core[testing]", full)
    with tempfile.TemporaryDirectory(prefix="phos-kit-") as folder:
        results = Path(folder) / "results.xml"
        options = ["-m", "pytest", "-p", "phos_pytest", "-p", "no:cacheprovider", "-q"]
        options += ["--rootdir", folder, f"--junitxml={results}", f"--phos-backend={backend}"]
        options += ["-k", QUICK]
        ran = run_apart(
            [*options, "--pyargs", "phos_core.testing.conformance"], seconds, Path(folder)
        )
        if not results.exists():
            return Verdict(check, "failed", f"{ran.ending}: {ran.last_words or ran.stdout}", full)
        cases = list(ET.parse(results).iter("testcase"))
    failed = list(_failed(cases))
    tried = sum(case.find("skipped") is None for case in cases)
    if failed:
        more = f"; {len(failed) - LISTED} more" if len(failed) > LISTED else ""
        what = f"{len(failed)} of {tried} laws not kept: {'; '.join(failed[:LISTED])}{more}"
        return Verdict(check, "failed", what, full)
    if ran.ending or not tried:
        return Verdict(check, "failed", ran.ending or "no law could be tried", full)
    return Verdict(check, "ok", f"{tried} laws kept", full)


def _failed(cases: list[ET.Element]) -> Iterator[str]:
    for case in cases:
        for trouble in (*case.iter("failure"), *case.iter("error")):
            said = in_one_line(trouble.get("message", "")).removeprefix("AssertionError: ")
            yield f"{case.get('name')} ({said[:120]})"
            break
