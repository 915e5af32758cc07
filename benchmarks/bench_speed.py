"""The figures of docs/speed.md: measured in parts, kept as JSON, written into the page.

    nox -s bench                          # every part, 10 minutes on two cores; tables
    nox -s bench -- gaussian develop      # some of them
    nox -s bench -- --write               # keep the JSON, write the page and its pictures
    nox -s bench -- --write gaussian      # the same with one part measured again
    python benchmarks/bench_speed.py --page   # only write page and pictures from the JSON

The measuring is that of `phos bench`, which measures anything else.
"""

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import phos_core as phos
from phos_bench.cases import SIZES, WIDTHS, ConvolveCase, DevelopCase
from phos_bench.measuring import MeasuringPlan
from phos_bench.running import run_cases
from phos_bench.tables import MARK, Table, setting_line, steps_table, tables_of, whole_s

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "speed.md"
PICTURES = HERE.parent / "docs" / "pictures"
BLOCK = re.compile(r"(<!-- (\w[\w-]*) -->\n).*?(<!-- end -->)", re.DOTALL)

RUNS = 7
LIMIT_S = 0.7
SIZE = (2000, 3000)


def convolving(psf, *widths, size=SIZE, batch=1):
    """Return a case for each width."""
    rows, cols = size
    return [
        ConvolveCase(rows=rows, cols=cols, psf=psf, width=width, batch=batch) for width in widths
    ]


@dataclass(frozen=True)
class Part:
    """Cases that are measured together, with their memory or not, and without which backends."""

    cases: list[ConvolveCase | DevelopCase]
    memory: bool = False
    without: tuple[str, ...] = ()


PARTS = {
    "gaussian": Part(convolving("gaussian", *WIDTHS)),
    "exponential": Part(convolving("exponential", *WIDTHS)),
    "asymmetric": Part(convolving("asymmetric", 61, 201)),
    "mixture": Part(convolving("mixture", 385, batch=3)),
    "batches": Part(
        [
            case
            for batch in (1, 3, 10)
            for case in convolving("exponential", 121, size=SIZES[0], batch=batch)
        ]
    ),
    "memory": Part(convolving("gaussian", 121) + convolving("exponential", 201), memory=True),
    "sizes-gaussian": Part(
        [case for size in SIZES[:3] for case in convolving("gaussian", 121, size=size)]
    ),
    "sizes-exponential": Part(
        [case for size in SIZES[:3] for case in convolving("exponential", 201, size=size)]
    ),
    "sizes-huge": Part(convolving("gaussian", 121, size=SIZES[3])),
    "develop-small": Part([DevelopCase(rows=r, cols=c) for r, c in SIZES[:2]], memory=True),
    "develop-batches": Part([DevelopCase(rows=1000, cols=1500, batch=n) for n in (3, 10)]),
    "develop-large": Part([DevelopCase(rows=4000, cols=6000)], memory=True, without=("torch:cpu",)),
    "develop-huge": Part(
        [DevelopCase(rows=8700, cols=11600)], memory=True, without=("torch:cpu", "cv2")
    ),
}
DEVELOPED = ("develop-small", "develop-large", "develop-huge")
BLUR = "cv2.GaussianBlur"
WIDTH_TABLES = {"gaussian": BLUR, "exponential": "cv2.filter2D"} | {"asymmetric": "cv2.filter2D"}


def main():
    """Measure, print, and write what is asked for."""
    options = read_options()
    for part in [] if options.page else options.parts or PARTS:
        record = measured(part)
        for table in tables_of(record):
            print(f"\n{table.title}\n{table.markdown()}", *table.notes, sep="\n")
        if options.write:
            file_of(part).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if options.write or options.page:
        records = kept()
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), records), encoding="utf-8")
        draw_pictures(records)


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help="keep the JSON, write page, pictures")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(
            f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}"
        )
    return options


def measured(part):
    """Measure one part on every backend that runs on the CPU here."""
    names = [report.name for report in phos.backends() if report.status == "ok"]
    chosen = PARTS[part]
    backends = [name for name in names if not is_on_a_gpu(name) and name not in chosen.without]
    start = time.perf_counter()

    def tell(line):
        print(f"{time.perf_counter() - start:5.0f} s  {line}", file=sys.stderr)

    plan = MeasuringPlan(backends=backends, runs=RUNS, limit_s=LIMIT_S)
    record = run_cases(chosen.cases, plan, memory=chosen.memory, tell=tell)
    tell(f"{part} done")
    return record


def is_on_a_gpu(name):
    """Say whether a backend is measured by bench_gpu.py instead."""
    return name == "cupy" or (":" in name and not name.endswith(":cpu"))


def file_of(part):
    """Return where the results of a part are kept."""
    return RESULTS / f"cpu-{part}.json"


def kept():
    """Return the results of every part that has been kept."""
    found = {part: file_of(part) for part in PARTS}
    return {
        part: json.loads(path.read_text(encoding="utf-8"))
        for part, path in found.items()
        if path.exists()
    }


def page(text, records):
    """Fill each block of the page, a comment with its name, whose parts have been measured."""
    blocks = {"settings": (PARTS, lambda *_: settings(records))}
    for part, peer in WIDTH_TABLES.items():
        blocks[part] = ([part], partial(by_width, peer=peer))
    blocks |= {
        "mixture": (["mixture"], partial(one_case, peer=BLUR)),
        "batches": (["batches"], by_batch),
        "sizes": (["sizes-gaussian", "sizes-huge", "sizes-exponential"], by_size),
        "memory": (["memory"], memory),
        "develop": ([*DEVELOPED, "develop-batches"], developing),
        "steps": (DEVELOPED, steps),
    }

    def filled(match):
        parts, write = blocks.get(match[2], ([match[2]], None))  # that of bench_cores.py stays
        if not all(part in records for part in parts):
            return match[0]
        return f"{match[1]}\n{write(*(records[part] for part in parts))}\n\n{match[3]}"

    return BLOCK.sub(filled, text)


def settings(records):
    """Tell what the figures depend on, a line for each difference."""
    lines = {}
    for part, record in records.items():
        lines.setdefault(setting_line(record), []).append(part)
    return "\n".join(f"- {', '.join(parts)}: {line}" for line, parts in lines.items())


def of_version(record, peer):
    """Name a peer with its library's version, as it told it."""
    for result in record["results"]:
        versions = contenders(result).get(peer, {}).get("versions", {})
        for library, version in versions.items():
            return f"{peer} of {library} {version}"
    return peer


def by_width(record, peer):
    """Write milliseconds and ratios to a peer, a column for each width, and errors."""
    results = record["results"]
    header = (
        f"ms (times as fast as {of_version(record, peer)})",
        *(f"{r['case']['width']}" for r in results),
        "largest error",
        "PSNR, dB",
    )
    rows = [
        (label(each), *(cell(r, name, peer) for r in results), *worst(results, name))
        for name, each in in_order(results).items()
    ]
    return Table("", header, tuple(rows)).markdown()


def one_case(record, peer):
    """Write the times of one case and their ratio to a peer's."""
    (result,) = record["results"]
    found = contenders(result)
    rows = [
        (
            label(each),
            f"{1000 * whole_s(each):.1f}{mark(each)}",
            f"{whole_s(found[peer]) / whole_s(each):.2f}",
            error(each),
        )
        for each in found.values()
    ]
    header = ("", "ms", f"times as fast as {of_version(record, peer)}", "largest error")
    return Table("", header, tuple(rows)).markdown()


def by_batch(record):
    """Write milliseconds a picture."""
    results = record["results"]
    header = (
        "ms a picture",
        *(f"{r['case']['psf']} {r['case']['width']}, {r['case']['batch']}" for r in results),
    )
    rows = [
        (label(each), *(per_picture(r, name) for r in results))
        for name, each in in_order(results).items()
    ]
    return Table("", header, tuple(rows)).markdown()


def by_size(*records):
    """Write milliseconds a megapixel."""
    results = [result for record in records for result in record["results"]]
    header = (
        "ms a megapixel",
        *(f"{r['case']['psf']}, {megapixels(r['case']):.3g} MP" for r in results),
    )
    rows = [
        (label(each), *(per_megapixel(r, name) for r in results))
        for name, each in in_order(results).items()
    ]
    return Table("", header, tuple(rows)).markdown()


def memory(record):
    """Write the peak of the memory, in bytes a pixel."""
    results = record["results"]
    header = ("bytes a pixel", *(f"{r['case']['psf']} {r['case']['width']}" for r in results))
    rows = [
        (label(each), *cells)
        for name, each in in_order(results).items()
        if any(cells := [bytes_a_pixel(r, name) for r in results])
    ]
    return Table("", header, tuple(rows)).markdown()


def developing(*records):
    """Write whole develops: time, in blurs of OpenCV, memory."""
    blur = of_version(records[0], BLUR)
    header = ("", "ms", "ms a megapixel", f"in the time of {blur} of one layer", "peak, MiB")
    rows = []
    for result in (result for record in records for result in record["results"]):
        case, found = result["case"], contenders(result)
        for each in found.values():
            if each["kind"] != "phos":
                continue
            peak = each.get("peak_bytes")
            rows.append(
                (
                    f"{title(case)}, {each['name']}",
                    f"{1000 * whole_s(each):.0f}",
                    f"{1000 * whole_s(each) / megapixels(case) / case['batch']:.1f}",
                    in_blurs(each, found.get(BLUR), case["batch"]),
                    "" if peak is None else f"{peak / 2**20:.0f}",
                )
            )
    return Table("", header, tuple(rows)).markdown()


def steps(*records):
    """Write the steps of one picture of each size."""
    texts = []
    for result in (result for record in records for result in record["results"]):
        table = steps_table(result)
        header = (f"{title(result['case'])}, ms", *table.header[1:])
        texts.append(Table("", header, table.rows).markdown())
    return "\n\n".join(texts)


def contenders(result):
    """Return the contenders of a result that ran, by name."""
    return {each["name"]: each for each in result["contenders"] if "trouble" not in each}


def in_order(results):
    """Return every contender of several results, by name, in the order in which they come."""
    return {name: each for result in results for name, each in contenders(result).items()}


def label(each):
    """Name a contender on the page: phos's own in bold."""
    return f"**phos, {each['name']}**" if each["kind"] in ("phos", "backend") else each["name"]


def cell(result, name, peer):
    """Milliseconds and the ratio to a peer."""
    found = contenders(result)
    if name not in found:
        return ""
    ours, theirs = found[name], found.get(peer)
    ratio = f" ({whole_s(theirs) / whole_s(ours):.2f})" if theirs else ""
    return f"{1000 * whole_s(ours):.1f}{mark(ours)}{ratio}"


def worst(results, name):
    """The largest error and the smallest PSNR of all results."""
    found = [contenders(r)[name] for r in results if name in contenders(r)]
    errors = [each["max_error"] for each in found if "max_error" in each]
    ratios = [each["psnr_db"] for each in found if "psnr_db" in each]
    return (f"{max(errors):.0e}", f"{min(ratios):.0f}") if errors else ("", "")


def error(each):
    """The largest error."""
    return f"{each['max_error']:.0e}" if "max_error" in each else ""


def per_picture(result, name):
    """Milliseconds for each picture of a batch."""
    each = contenders(result).get(name)
    if each is None:
        return ""
    return f"{1000 * whole_s(each) / result['case']['batch']:.2f}{mark(each)}"


def per_megapixel(result, name):
    """Milliseconds for each megapixel."""
    each = contenders(result).get(name)
    if each is None:
        return ""
    return f"{1000 * whole_s(each) / megapixels(result['case']):.2f}{mark(each)}"


def bytes_a_pixel(result, name):
    """Peak memory over pixels."""
    peak = contenders(result).get(name, {}).get("peak_bytes")
    return "" if peak is None else f"{peak / megapixels(result['case']) / 1e6:.1f}"


def in_blurs(each, blur, batch):
    """A develop's time in OpenCV's blurs."""
    return "" if blur is None else f"{whole_s(each) / whole_s(blur) / batch:.2f}"


def mark(each):
    """What stands after a time that was computed from a part of the picture."""
    return MARK if each["share"] < 1 else ""


def megapixels(case):
    """Pixels of one picture, in millions."""
    return case["rows"] * case["cols"] / 1e6


def title(case):
    """Size and batch."""
    together = f", {case['batch']} together" if case["batch"] > 1 else ""
    return f"{case['rows']} × {case['cols']}{together}"


def draw_pictures(records):
    """Draw time against width, and the steps of a develop, of the parts that were measured."""
    from phos_bench.plots import draw

    widths = [r for part in WIDTH_TABLES if part in records for r in records[part]["results"]]
    developed = [r for part in DEVELOPED if part in records for r in records[part]["results"]]
    for results, name in ((widths, "speed-widths.svg"), (developed, "speed-develop.svg")):
        if results:
            draw({"results": results}, PICTURES / name)


if __name__ == "__main__":
    main()
