"""``python -m phos_core.conformance NAME [options of pytest]``."""

import argparse
import sys

import pytest

from phos_core.conformance import plugin


def main(arguments: list[str]) -> int:
    """Run the contract on a backend.

    Parameters
    ----------
    arguments : list of str
        The backend's name, then any options of pytest.

    Returns
    -------
    int
        pytest's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m phos_core.conformance", add_help=False)
    parser.add_argument("backend", help="the backend to prove")
    asked, options = parser.parse_known_args(arguments)
    command = ["--pyargs", "phos_core.conformance", f"--phos-backend={asked.backend}", *options]
    return int(pytest.main(command, plugins=[plugin]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
