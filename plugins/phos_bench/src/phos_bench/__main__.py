"""One measurement, asked for on standard input and answered on standard output, both in JSON."""

import json
import sys

from phos_bench.cases import case_from
from phos_bench.measuring import MeasuringPlan, measure, measure_memory


def main() -> None:
    """Measure what is asked for."""
    asked = json.load(sys.stdin)
    case, plan = case_from(asked["case"]), MeasuringPlan(**asked["plan"])
    memory_of = asked.get("memory_of")
    answer = measure_memory(case, plan, memory_of) if memory_of else measure(case, plan)
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
