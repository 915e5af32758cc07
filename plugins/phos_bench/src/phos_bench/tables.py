"""Results as tables: for the terminal, and for pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from phos_bench.cases import case_from

__all__ = ["MARK", "Table", "setting_line", "steps_table", "tables_of", "whole_s"]

MARK = "*"  # after a time that was computed from a part of the picture


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Parameters
    ----------
    title : str
        What it shows.
    header : tuple of str
        The columns' names.
    rows : tuple of tuple of str
        The cells.
    notes : tuple of str
        Lines to stand below it.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Write the header and the rows as a Markdown table."""
        lines = [self.header, tuple("---" for _ in self.header), *self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def tables_of(record: dict[str, Any]) -> list[Table]:
    """Lay out all results of a record.

    Parameters
    ----------
    record : dict
        As `run_cases` returns it.

    Returns
    -------
    list of Table
        One for each case, and one more for the steps of a develop.
    """
    return [table for result in record["results"] for table in _tables_of(result)]


def setting_line(record: dict[str, Any]) -> str:
    """Tell in one line what the figures depend on."""
    machine, versions = record["machine"], record["versions"]
    memory = machine["memory_bytes"]
    parts = [
        record["date"],
        machine["processor"] or machine["architecture"],
        f"{machine['cores']} cores",
        *([f"{memory / 2**30:.0f} GiB"] if memory else []),
        machine["system"],
        f"Python {record['python']}",
        *(f"{name} {version}" for name, version in versions.items()),
        *([f"OpenBLAS for {machine['matrix_products']}"] if machine["matrix_products"] else []),
        *(f"{name}={value}" for name, value in record["environment"].items()),
    ]
    return ", ".join(parts)


def steps_table(result: dict[str, Any]) -> Table:
    """Lay out milliseconds of each step, for each picture, a column for each backend."""
    case = case_from(result["case"])
    stepped = [each for each in result["contenders"] if "steps_s" in each]
    return Table(
        f"{case.title}: milliseconds a step",
        ("step", *(each["name"] for each in stepped)),
        tuple(
            (
                name,
                *(f"{1000 * each['steps_s'].get(name, 0.0) / case.batch:.1f}" for each in stepped),
            )
            for name in _in_order(each["steps_s"] for each in stepped)
        ),
    )


def whole_s(contender: dict[str, Any]) -> float:
    """Return the time of the whole picture: the median, over the share that was computed."""
    return float(contender["median_s"] / contender["share"])


def _tables_of(result: dict[str, Any]) -> list[Table]:
    case = case_from(result["case"])
    if "trouble" in result:
        return [Table(case.title, ("", ""), (("nothing measured", result["trouble"]),))]
    found = [each for each in result["contenders"] if "trouble" not in each]
    tables = [Table(case.title, *_comparison(found, case.work, case.batch), _notes(result))]
    if any("steps_s" in each for each in found):
        tables.append(steps_table(result))
    return tables


def _comparison(
    found: list[dict[str, Any]], work: str, batch: int
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """A row for each contender, a column for each of phos's to compare with."""
    ours = [each for each in found if each["kind"] == "phos"]
    error = "largest difference" if work == "develop" else "largest error"
    header = (
        "",
        "ms" if batch == 1 else "ms a picture",
        error,
        "PSNR, dB",
        "peak MiB",
        *(f"÷ {each['name']}" for each in ours),
    )
    rows = tuple(
        (
            each["name"],
            f"{1000 * whole_s(each) / batch:.2f}{MARK if each['share'] < 1 else ''}",
            _cell(
                each.get("max_error", each.get("max_difference")),
                ".1e" if work == "convolve" else ".0f",
            ),
            _cell(each.get("psnr_db"), ".0f"),
            _peak(each),
            *(f"{whole_s(each) / whole_s(own):.2f}" for own in ours),
        )
        for each in found
    )
    return header, rows


def _in_order(mappings: Iterable[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    contenders = result["contenders"]
    notes = [f"{each['name']}: {each['trouble']}" for each in contenders if "trouble" in each]
    notes += [
        f"{MARK} from {each['share']:.2%} of the picture: {each['name']}, {each['median_s']:.2f} s"
        for each in contenders
        if each.get("share", 1.0) < 1
    ]
    notes += [
        f"memory of {each['name']}: {each['memory_trouble']}"
        for each in contenders
        if "memory_trouble" in each
    ]
    if result["absent"]:
        notes.append(f"not here: {', '.join(result['absent'])}")
    return tuple(notes)


def _peak(each: dict[str, Any]) -> str:
    """Memory of the process; that of a device behind it."""
    host, on_device = each.get("peak_bytes"), each.get("device_peak_bytes")
    told = _cell(None if host is None else host / 2**20, ".0f")
    return f"{told} + {on_device / 2**20:.0f} on the GPU" if on_device else told


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
