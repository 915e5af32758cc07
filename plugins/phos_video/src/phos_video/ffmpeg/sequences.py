"""Sequences of pictures: a file for each frame, named by a pattern."""

import re
from pathlib import Path

__all__ = ["PATTERN", "escaped", "numbered", "numbers_of"]

PATTERN = re.compile(r"%(0[1-9]\d*)?d")
"""Where a pattern has the number: ``%04d``."""


def numbered(pattern: Path, number: int) -> Path:
    """The file of a sequence that has a number."""
    name = PATTERN.sub(lambda found: f"{number:{found[1] or ''}d}", pattern.name, count=1)
    return pattern.with_name(name)


def numbers_of(pattern: Path) -> list[int]:
    """The numbers of the files of a sequence that are there, rising."""
    before, after = _around(pattern.name)
    name = re.compile(rf"{re.escape(before)}(\d+){re.escape(after)}", re.DOTALL)
    folder = pattern.parent
    matches = (name.fullmatch(entry.name) for entry in folder.iterdir()) if folder.is_dir() else ()
    numbers = {int(match[1]) for match in matches if match}
    return sorted(number for number in numbers if numbered(pattern, number).exists())


def _around(name: str) -> tuple[str, str]:
    found = PATTERN.search(name)
    return (name, "") if found is None else (name[: found.start()], name[found.end() :])


def escaped(pattern: Path) -> str:
    """A pattern as ffmpeg takes it: a per cent sign of no number is written twice."""
    found = PATTERN.search(pattern.name)
    before, after = _around(pattern.name)
    middle = found[0] if found else ""
    name = f"{before.replace('%', '%%')}{middle}{after.replace('%', '%%')}"
    return f"{str(pattern.parent).replace('%', '%%')}/{name}"
