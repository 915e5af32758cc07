"""``phos selftest``: whether every backend that can run here develops a picture rightly."""

import time
from typing import Any

import click
import numpy as np

from phos_core import develop
from phos_core.convolution import Trouble, attempt
from phos_darkroom.shell import apart, doctor
from phos_darkroom.shell.messages import answer, json_text, own_stdout, visible

__all__ = ["render", "selftest", "tested"]

RENDER_ERROR = 1e-3  # of whole renders, against the built-in backend
RENDER_ROWS, RENDER_COLS = 300, 420


@click.command(short_help="Develop a known picture on every backend.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the facts of `phos doctor`.")
@click.pass_context
def selftest(ctx: click.Context, as_json: bool) -> None:
    """Develop a known picture on every backend that can run here, and compare.

    The exit code is 1 if one of them is wrong.
    """
    with own_stdout() as out:
        results = tested()
        if as_json:
            answer(json_text(results, out), out)
        else:
            for result in results["selftest"]:
                answer(visible(f"{result['backend']}: {_verdict(result)}"), out)
    if not results["passed"]:
        ctx.exit(1)


def _verdict(result: dict[str, Any]) -> str:
    """Whether a backend passed, and by which kernels: array code passes as well, and is slower."""
    if not result["passed"]:
        return f"FAILED: {result['reason']}"
    return f"passed (kernels: {result['kernels']})" if result["kernels"] else "passed"


def tested() -> dict[str, Any]:
    """Try every backend that can run here: a known answer, and a whole render.

    Returns
    -------
    dict
        `doctor.machine_facts`, and under "selftest" for each backend that is "ok" whether it
        passed, what is wrong, the render's largest difference from the built-in backend's,
        seconds, and what the backend says of its kernels. A backend that is there but fails its
        known answer, or crashes, has not passed.
    """
    facts = doctor.machine_facts()
    results = []
    for info in facts["backends"]:
        if info["status"] == "ok":
            found = apart.from_process(f"{__name__}:render", info["backend"], apart.PROCESS_SECONDS)
            result = _not_passed(info["backend"], found) if isinstance(found, str) else found
            results.append(result | {"kernels": info["facts"].get("kernels", "")})
        elif info["status"] in ("failed-selftest", "crashed"):
            results.append(_not_passed(info["backend"], info["reason"]) | {"kernels": ""})
    return facts | {"selftest": results, "passed": all(result["passed"] for result in results)}


def render(name: str) -> dict[str, Any]:
    """Develop a picture on a backend, and compare it with the built-in backend's."""
    image = np.random.default_rng(1).random((RENDER_ROWS, RENDER_COLS, 3)).astype(np.float32)
    expected = develop(image, backend="scipy")
    start = time.perf_counter()
    positive = attempt(lambda: develop(image, backend=name, strict=True), f"render on {name}")
    seconds = time.perf_counter() - start
    if isinstance(positive, Trouble):
        return _not_passed(name, positive)
    difference = float(np.abs(positive - expected).max())
    passed = difference <= RENDER_ERROR
    return {
        "backend": name,
        "passed": passed,
        "reason": "" if passed else f"off by {difference:.2g}, {RENDER_ERROR:g} is allowed",
        "largest_difference": difference,
        "seconds": seconds,
    }


def _not_passed(name: str, reason: str) -> dict[str, Any]:
    result = {"backend": name, "passed": False, "reason": reason}
    return result | {"largest_difference": None, "seconds": None}
