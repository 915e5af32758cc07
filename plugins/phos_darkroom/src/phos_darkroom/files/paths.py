"""What lies at a path; where the system refuses to look, nothing does.

`Path.exists` and its kin raise for a name that is too long, and for one in a folder that may not
be searched. Whoever goes on to read or write there says what is wrong with it.
"""

import os
from pathlib import Path

__all__ = ["exists", "is_file", "is_folder"]

REFUSED = (OSError, ValueError)  # ValueError: a zero byte


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether anything is there; links are followed."""
    try:
        return Path(path).exists()
    except REFUSED:
        return False


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file is there; links are followed."""
    try:
        return Path(path).is_file()
    except REFUSED:
        return False


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is there; links are followed."""
    try:
        return Path(path).is_dir()
    except REFUSED:
        return False
