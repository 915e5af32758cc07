"""Check that what a backend requires is installed, without importing it."""

import operator
import re
from collections.abc import Callable
from importlib.util import find_spec

from phos_core.convolution.contract import ProbeReport
from phos_core.convolution.hooks import BackendSpec

__all__ = ["check_requirements"]

COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def check_requirements(spec: BackendSpec) -> ProbeReport:
    """Say whether the modules and distributions of a spec are there.

    Parameters
    ----------
    spec : BackendSpec
        Its requirements compare release numbers only: "numpy>=2.0,<3".

    Returns
    -------
    ProbeReport
        "ok", "missing-dependency" or "version-mismatch".

    Raises
    ------
    ValueError
        If a requirement cannot be read.
    """
    for module in spec.modules:
        if find_spec(module) is None:
            reason = f"the module {module} is not installed"
            return ProbeReport("missing-dependency", reason, spec.hint)
    for requirement in spec.requires:
        report = _check(requirement, spec.hint)
        if report.status != "ok":
            return report
    return ProbeReport()


def _check(requirement: str, hint: str) -> ProbeReport:
    from importlib.metadata import PackageNotFoundError, version  # takes long to import

    compact = requirement.replace(" ", "")
    named = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", compact)
    if named is None:
        raise _unreadable(requirement)
    name, clauses = named.group(), compact[named.end() :]
    try:
        installed = version(name)
    except PackageNotFoundError:
        return ProbeReport("missing-dependency", f"{name} is not installed", hint)
    for clause in clauses.split(",") if clauses else ():
        parsed = re.fullmatch(r"(>=|<=|==|!=|>|<)([0-9.]+)", clause)
        if parsed is None:
            raise _unreadable(requirement)
        symbol, bound = parsed.groups()
        if not COMPARE[symbol](_release(installed), _release(bound)):
            reason = f"{name} {installed} is installed, {requirement} is required"
            return ProbeReport("version-mismatch", reason, hint)
    return ProbeReport()


def _unreadable(requirement: str) -> ValueError:
    return ValueError(f"a requirement must read like 'numpy>=2.0,<3', got {requirement!r}")


def _release(text: str) -> tuple[int, ...]:
    """Release number without trailing zeros, so that 2.0 equals 2."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
