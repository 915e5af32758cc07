"""``python -m phos_core.testing.conformance NAME [options of pytest]``."""

import argparse
import subprocess
import sys


def main(arguments: list[str]) -> int:
    """Run the contract on a backend, in a pytest of its own.

    Parameters
    ----------
    arguments : list of str
        The backend's name, then any options of pytest.

    Returns
    -------
    int
        pytest's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m phos_core.testing.conformance", add_help=False)
    parser.add_argument("backend", help="the backend to prove")
    asked, options = parser.parse_known_args(arguments)
    # Another process, because pytest rewrites assertions only in what is not yet imported.
    command = [sys.executable, "-P", "-m", "pytest", "-p", "phos_pytest", "--pyargs"]
    command += ["phos_core.testing.conformance", f"--phos-backend={asked.backend}", *options]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
