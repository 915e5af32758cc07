"""What `import phos_core` takes besides NumPy's own import, in processor time of new processes.

Each is started once to warm up and then `RUNS` times, in turn. Prints medians, in milliseconds.
"""

import os
import statistics
import subprocess
import sys

RUNS = 10
ASIDE_MS = 60  # what phos may take besides NumPy
SCRIPTS = {"python": "pass", "numpy": "import numpy", "phos_core": "import numpy, phos_core"}


def main() -> int:
    """Measure and print; return 1 if phos takes more than it may."""
    for script in SCRIPTS.values():
        processor_ms(script)
    runs = [{name: processor_ms(script) for name, script in SCRIPTS.items()} for _ in range(RUNS)]
    numpy = statistics.median(run["numpy"] - run["python"] for run in runs)
    phos = statistics.median(run["phos_core"] - run["numpy"] for run in runs)
    print(f"import numpy {numpy:.0f} ms, import phos_core {phos:.0f} ms more; at most {ASIDE_MS}")
    return int(phos > ASIDE_MS)


def processor_ms(script: str) -> float:
    """Run a script in a new process; return its processor time."""
    environment = {name: at for name, at in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    after = os.times()
    used = after.children_user + after.children_system
    return 1e3 * (used - before.children_user - before.children_system)


if __name__ == "__main__":
    sys.exit(main())
