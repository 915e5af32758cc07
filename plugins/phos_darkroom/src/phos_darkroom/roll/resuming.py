"""What is there already when a roll is started: positives that are right, and parts left behind."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from phos_core.backend import usable_cores
from phos_core.errors import SidecarError
from phos_darkroom.files.paths import exists
from phos_darkroom.files.whole_files import part_stem, sweep
from phos_darkroom.roll.frames import Frame
from phos_darkroom.settings import sidecar

__all__ = [
    "Standing",
    "is_done",
    "is_left_as_it_is",
    "refuse_replacing",
    "settle_parts",
    "standings",
]

Standing = Literal["to do", "already done", "skipped", "in the way", "the input itself"]


def standings(
    frames: Sequence[Frame], *, overwrite: bool = False, skip_existing: bool = False
) -> list[Standing]:
    """Say of each frame whether it is to be developed.

    Parameters
    ----------
    frames : sequence of Frame
        Of a roll.
    overwrite : bool
        Whether what exists is replaced, be it right already.
    skip_existing : bool
        Whether what exists is passed over.

    Returns
    -------
    list of str
        "to do"; "already done": the positive is there, and its sidecar says that it was made from
        this source by this recipe, and both files are as they were then; "skipped"; "in the way"
        and "the input itself": it exists and may not be replaced.

    Raises
    ------
    ValueError
        If what exists is to be replaced and passed over.
    """
    if overwrite and skip_existing:
        raise ValueError(
            "overwrite and skip_existing exclude each other: what exists is replaced or passed over"
        )

    def standing(frame: Frame) -> Standing:
        if not exists(frame.destination):
            return "to do"
        if is_left_as_it_is(frame, overwrite=overwrite):
            return "already done"
        if skip_existing:
            return "skipped"
        if overwrite:
            return "to do"
        return "the input itself" if _is_its_source(frame) else "in the way"

    return _at_once(standing, frames)


def is_left_as_it_is(frame: Frame, *, overwrite: bool) -> bool:
    """Whether a frame's positive is there and right, and not to be made again.

    One that has taken its source's place cannot be: it would be developed twice.
    """
    return is_done(frame) and (not overwrite or _is_its_source(frame))


def is_done(frame: Frame) -> bool:
    """Whether a frame's positive is there and right; one may have taken its source's place."""
    if not _is_its_source(frame):
        return sidecar.is_done(*_asked(frame))
    try:
        found = sidecar.read(sidecar.path_for(frame.destination))
    except SidecarError:
        return False
    in_place = replace(found, source=found.picture)
    return sidecar.matches(in_place, *_asked(frame))


def _asked(frame: Frame) -> tuple[Any, ...]:
    """What a sidecar is compared with."""
    return (
        *(frame.source, frame.recipe, frame.destination),
        *(frame.raw, frame.framing, frame.export, frame.gain_map),
    )


def refuse_replacing(frames: Iterable[Frame], standing: Iterable[Standing]) -> None:
    """Raise a `ValueError` if a positive would replace what is no positive of its own."""
    refused = [
        (frame, why)
        for frame, why in zip(frames, standing, strict=True)
        if why in ("in the way", "the input itself")
    ]
    if not refused:
        return
    frame, why = refused[0]
    what = "is the input itself" if why == "the input itself" else "exists already"
    others = f", as do {len(refused) - 1} others" if len(refused) > 1 else ""
    raise ValueError(
        f"{frame.destination} {what}{others}; --overwrite replaces it, --skip-existing passes over"
    )


def settle_parts(frames: Iterable[Frame]) -> None:
    """Settle what writing left behind when it was killed, of these positives and their sidecars.

    A positive that is whole takes its place: that is one whose sidecar, which goes first, was
    there already and knows it by its hash. Everything else is removed.
    """
    ours: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for frame in frames:
        for path in (frame.destination, sidecar.path_for(frame.destination)):
            target = Path(os.path.realpath(path))
            ours[target.parent][part_stem(target.name)].append(target)

    def settle(stem: str, part: Path) -> None:
        targets = ours[part.parent].get(stem, ())
        known = next((target for target in targets if sidecar.knows(target, part)), None)
        if known is not None:
            part.replace(known)
        elif targets:
            part.unlink(missing_ok=True)

    for folder in list(ours):
        sweep(folder, settle)


def _is_its_source(frame: Frame) -> bool:
    try:
        return frame.destination.samefile(frame.source)
    except OSError:
        return False


def _at_once(tell: Callable[[Frame], Standing], frames: Sequence[Frame]) -> list[Standing]:
    """Ask of each frame, on every core: files are read for it."""
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="phos-roll") as threads:
        return list(threads.map(tell, frames))
