"""``python -m phos_core``: which backends there are, and what brings the command ``phos``."""

import sys

from phos_core import __version__, backends

FIELDS = ("name", "priority", "status", "reason", "hint")


def main() -> None:
    """Print the backends, a line each, and where the command line is to be had."""
    rows = [[str(getattr(report, field) or "") for field in FIELDS] for report in backends()]
    widths = [max(len(row[column]) for row in (list(FIELDS), *rows)) for column in range(3)]
    lines = [f"phos-core {__version__}", ""]
    for row in (list(FIELDS), *rows):
        short = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        lines.append("  ".join([*short, "; ".join(filter(None, row[3:]))]).rstrip())
    lines += ["", "The command phos, for picture files and rolls, comes with phos-darkroom."]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
