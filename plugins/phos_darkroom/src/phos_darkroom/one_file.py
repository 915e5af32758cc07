"""Darkroom: a picture's file developed into another, with all that it says of itself."""

import contextlib
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.color import from_linear_srgb, to_linear_srgb
from phos_core.errors import ImageFileError
from phos_core.process import (
    OutputSpace,
    Recipe,
    RunReport,
    WholePicture,
    Window,
    WindowDeveloper,
    checked_recipe,
    develop_with_report,
)
from phos_darkroom.colours import coded_as, frame_of_positive, given_to_process, taken_as
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.export.finishing import check_exportable, exported
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.applying import Framed, framed
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.image_files import (
    SUFFIXES,
    check_suffix,
    check_writable,
    encode_picture,
    holds_alpha,
    is_raw,
    read_picture,
    warn_of_left_out,
)
from phos_darkroom.files.paths import exists
from phos_darkroom.files.picture import HDR_CODES, Picture
from phos_darkroom.files.signing import signed
from phos_darkroom.files.transparency import Colour, flattened
from phos_darkroom.files.whole_files import NewFiles, cannot_write, check_place, new_files
from phos_darkroom.large import check_tiff, develop_into, is_large, strips_within_memory
from phos_darkroom.settings.as_text import settings_text
from phos_darkroom.settings.sidecar import (
    FileFacts,
    Sidecar,
    Source,
    check_can_be_kept,
    describe,
    dumps,
    path_for,
)

__all__ = ["develop_file", "develop_part", "develop_picture"]

LIGHT = "EXR"  # the format that holds light, never codes
WITH_GAIN_MAP, SDR = "JPEG", "srgb"  # the format that holds HDR as SDR and a gain, and that SDR
HOLD_LIGHT = ("EXR", "TIFF")
DEEP = np.uint16  # of a positive from light, in a format of codes


def develop_picture(
    picture: Picture,
    recipe: Recipe,
    *,
    framing: Framing | None = None,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
) -> tuple[Picture, RunReport]:
    """Develop a picture as its file says that it is to be understood.

    Parameters
    ----------
    picture : Picture
        What was read.
    recipe : Recipe
        The settings. An `encoding` or `primaries` other than "srgb", or an `input_space`, go before
        what the file says.
    framing : Framing, optional
        How it is turned and cropped before it is developed.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`.
    strict : bool
        Whether it is an error to go on elsewhere where the backend fails.

    Returns
    -------
    positive : Picture
        As deep as the picture, with its alpha channel and its metadata, and the settings among
        these. It is in the recipe's output space; without one it is coded by the picture's own
        profile, and as sRGB where there was none, where that has no way back to codes, and where
        the picture was scene-linear. The texture of a scene-linear picture is such light again.
    report : RunReport
        What ran.

    Raises
    ------
    ImageFileError
        If the profile is damaged or of other pictures.
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises.
    """
    checked_recipe(recipe)
    if framing is None or framing.is_whole:
        return _developed(picture, recipe, recipe, backend=backend, strict=strict)
    return _developed_framed(framed(picture, framing), recipe, backend=backend, strict=strict)


def _developed(
    picture: Picture,
    recipe: Recipe,
    asked: Recipe,
    *,
    backend: str | ConvolutionBackend | None,
    strict: bool,
) -> tuple[Picture, RunReport]:
    """Develop a whole picture; its metadata say what was asked for."""
    frame = _signed_frame(picture, asked)
    coded, report = develop_with_report(
        given_to_process(picture, recipe),
        recipe=taken_as(picture, recipe),
        backend=backend,
        strict=strict,
    )
    return coded_as(frame, coded, recipe), report


def _developed_framed(
    view: Framed,
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None,
    strict: bool,
) -> tuple[Picture, RunReport]:
    """Develop what is wanted of a framed picture, with the light of what lies around it."""
    placed = view.recipe(recipe)
    if not view.is_cropped:
        return _developed(view.picture, placed, recipe, backend=backend, strict=strict)
    frame = _signed_frame(view.wanted, recipe)
    positive, report = develop_part(
        view.picture, placed, view.window, backend=backend, strict=strict
    )
    alpha = frame.alpha
    if alpha is not None:
        alpha = at_depth(alpha, positive.pixels.dtype)
    return replace(positive, alpha=alpha, metadata=frame.metadata), report


def develop_part(
    picture: Picture,
    recipe: Recipe,
    window: Window,
    *,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
) -> tuple[Picture, RunReport]:
    """Develop a window of a picture as the whole would come out there.

    Parameters
    ----------
    picture : Picture
        The whole picture.
    recipe : Recipe
        The settings of the whole, as for `develop_picture`.
    window : tuple of slice
        Rows and columns that are wanted, each with a start and a stop.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`.
    strict : bool
        Whether it is an error if the backend fails; else another one continues.

    Returns
    -------
    positive : Picture
        The window as `develop_picture` codes it, without an alpha channel, and without the
        settings among its metadata.
    report : RunReport
        What ran.

    Raises
    ------
    ImageFileError
        If the profile is damaged or of other pictures.
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises.

    Notes
    -----
    What is developed is larger by as far as light and developer reach. The noise of the grain
    belongs to the place in the frame, so it is that of the whole.
    """
    picture = replace(picture, alpha=None)
    whole = WholePicture.of(picture.pixels.shape[:2], taken_as(picture, recipe))
    if recipe.auto_balance:
        whole = whole.balanced(given_to_process(_cut(picture, whole.measured), recipe))
    developer = WindowDeveloper(whole, backend=backend, strict=strict)
    strips = []
    for strip in strips_within_memory(window, whole.reach_px):
        tile = whole.tile(strip)
        read = _cut(picture, (tile.read_rows, tile.read_cols))
        strips.append(developer.develop(strip, given_to_process(read, recipe)))
    positive = strips[0] if len(strips) == 1 else np.concatenate(strips)
    frame = frame_of_positive(_cut(picture, window), recipe)
    return coded_as(frame, positive, recipe), developer.report()


def _cut(picture: Picture, window: Window) -> Picture:
    return picture.part(window)


def develop_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
    overwrite: bool = False,
    sidecar: bool = True,
    background: Colour | None = None,
    raw: RawSettings | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool = True,
) -> RunReport:
    """Develop a picture's file into another.

    Parameters
    ----------
    source, destination : path
        The picture, and its positive, whose ending chooses the format.
    recipe : Recipe
        The settings, as for `develop_picture`.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`.
    strict : bool
        Whether it is an error to go on elsewhere where the backend fails.
    overwrite : bool
        Whether an existing file may be replaced, the source itself included.
    sidecar : bool
        Whether a sidecar is written beside the positive.
    background : tuple of int, optional
        Red, green and blue, sRGB codes from 0 to 255: what the positive is laid on where it is
        transparent and its format holds no transparency. By default that is an error.
    raw : RawSettings, optional
        How a camera's raw file becomes light; other files do not ask.
    framing : Framing, optional
        How the picture is turned and cropped before it is developed.
    export : Export, optional
        What the positive becomes in its file: its size, its sharpness, its quality.
    gain_map : bool
        Whether a picture with a gain map is developed with its light beyond white; else its SDR
        rendering is, as a viewer shows it.

    Returns
    -------
    RunReport
        What ran.

    Raises
    ------
    ImageFileError
        If the source cannot be read or the destination written, or something of the picture would
        be lost in its format.
    SidecarError
        If a sidecar is wanted of a `Film` or an input space that was made in Python.
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises.

    Notes
    -----
    A positive is as deep as its source where its format is. From an EXR or a raw file it has 16
    bits, but in EXR light as floats.

    The positive and its sidecar are written to files of other names, which then take their places,
    the sidecar's first: it knows the positive by the hash of its bytes, so that a positive beside
    a sidecar of its own is whole, whenever the writing was stopped.
    """
    source, destination = Path(source), Path(destination)
    check_suffix(destination)
    checked_recipe(recipe)
    if sidecar:
        check_can_be_kept(recipe)
    _refuse_existing(destination, overwrite)
    framing, export = framing or Framing(), export or Export()
    is_by_tiles = is_large(source)
    develop_one = (
        _developed_by_tiles
        if is_by_tiles
        else partial(
            _developed_whole,
            background=background,
            raw=raw,
            framing=framing,
            export=export,
            gain_map=gain_map,
        )
    )
    if is_by_tiles:
        _refuse_changes(source, framing, export)
    with contextlib.ExitStack() as opened:
        held = opened.enter_context(Source(source)) if sidecar else None
        _check_places(destination, sidecar)
        files = opened.enter_context(new_files(overwrite=overwrite))
        report, asked, has_gain_map = develop_one(
            source, held, files, destination, recipe, backend=backend, strict=strict
        )
        if held is not None:
            used = (raw or RawSettings()) if is_raw(source) else None
            told = gain_map if has_gain_map else None
            made = partial(describe, raw=used, framing=framing, export=export, gain_map=told)
            _write_sidecar(recipe, asked, report, held.facts(), files, destination, made)
    return report


def _developed_whole(
    source: Path,
    held: Source | None,
    files: NewFiles,
    destination: Path,
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None,
    strict: bool,
    background: Colour | None,
    raw: RawSettings | None,
    framing: Framing,
    export: Export,
    gain_map: bool,
) -> tuple[RunReport, Recipe, bool]:
    """Develop it as a whole; the report, the recipe as it was taken, and if it has a gain map."""
    picture = read_picture(source, raw=raw)
    has_gain_map = picture.gain_map is not None
    if not gain_map:
        picture = replace(picture, gain_map=None)
    if held is not None:
        held.check_opened()
        held.facts()  # of what was read, whatever becomes of the file from now on
    view = framed(picture, framing)
    alpha = None
    if background is not None and not holds_alpha(destination):
        alpha = view.wanted.alpha
        view = replace(view, picture=replace(view.picture, alpha=None))
    if _format_of(destination) == WITH_GAIN_MAP and recipe.space.is_hdr:
        lay = None if background is None or alpha is None else partial(_laid_on, background, alpha)
        positive, report = _developed_with_gain_map(
            view, destination, recipe, export, lay, backend=backend, strict=strict
        )
        encode_picture(files.open(destination), destination, positive, export.quality)
        return report, taken_as(view.wanted, recipe), has_gain_map
    is_light = picture.encoding == "display"
    into_light = _format_of(destination) == LIGHT
    if into_light:  # its positive is finer than its codes
        view = replace(view, picture=view.picture.at_depth(np.float32))
    wanted = view.wanted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `_developed_framed` warns
        recipe = _for_file(destination, wanted, recipe)
        frame = _signed_frame(wanted, recipe)
    frame = _as_light(frame) if into_light else frame
    check_writable(destination, frame)
    check_exportable(destination, frame, export)
    warn_of_left_out(destination, wanted.metadata)
    positive, report = _developed_framed(view, recipe, backend=backend, strict=strict)
    if background is not None and alpha is not None:
        positive = flattened(positive, alpha, background)
    if into_light:
        positive = _in_light(positive, taken_as(wanted, recipe).space)
    elif positive.encoding != "linear" and (
        is_light or _format_of(source) == LIGHT or is_raw(source)
    ):
        positive = positive.at_depth(DEEP)
    positive = exported(positive, export)
    encode_picture(files.open(destination), destination, positive, export.quality)
    return report, taken_as(wanted, recipe), has_gain_map


def _developed_with_gain_map(
    view: Framed,
    destination: Path,
    recipe: Recipe,
    export: Export,
    lay: Callable[[Picture, Picture], tuple[Picture, Picture]] | None,
    *,
    backend: str | ConvolutionBackend | None,
    strict: bool,
) -> tuple[Picture, RunReport]:
    """Develop a picture for HDR into a format of SDR: in sRGB, with what makes it the other."""
    plain, wanted = replace(recipe, output_space=SDR), view.wanted
    frame = frame_of_positive(wanted, plain)
    metadata = signed(frame.metadata, settings_text(recipe))
    check_writable(destination, replace(frame, metadata=metadata))
    warn_of_left_out(destination, wanted.metadata)
    bright, report = _developed_framed(view, recipe, backend=backend, strict=strict)
    positive, _ = _developed_framed(view, plain, backend=backend, strict=strict)
    if lay is not None:
        positive, bright = lay(positive, bright)
    bright = exported(bright, replace(export, sharpen="none"))
    positive = exported(replace(positive, metadata=metadata), export).at_depth(np.uint8)
    gain_map = GainMap.between(positive.light(), _linear_srgb(bright))
    return replace(positive, gain_map=gain_map), report


def _laid_on(
    background: Colour, alpha: NDArray[Any], positive: Picture, bright: Picture
) -> tuple[Picture, Picture]:
    """A positive and its HDR rendering on a colour, which is as bright in both."""
    laid = flattened(positive, alpha, background)
    light, primaries = bright.light(), bright.light_primaries
    behind = _linear_srgb(bright), positive.light(), laid.light()
    share = at_depth(alpha, np.float32).reshape(*alpha.shape, *(1,) * (light.ndim - 2))
    mixed = np.where(share < 1.0, share * (behind[0] - behind[1]) + behind[2], behind[0])
    if light.ndim == 3 and primaries != "srgb":
        mixed = mixed @ np.array(from_linear_srgb(primaries), np.float32).T
    return laid, replace(bright, pixels=mixed.astype(np.float32), encoding="display", alpha=None)


def _linear_srgb(picture: Picture) -> NDArray[np.float32]:
    """A picture's light in sRGB's primaries, whatever its own are."""
    light = picture.light()
    if light.ndim == 2 or picture.light_primaries == "srgb":
        return light
    srgb: NDArray[np.float32] = light @ to_linear_srgb(picture.light_primaries).T.astype(np.float32)
    return srgb


def _developed_by_tiles(
    source: Path,
    held: Source | None,
    files: NewFiles,
    destination: Path,
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None,
    strict: bool,
) -> tuple[RunReport, Recipe, bool]:
    """Develop a TIFF that is too large to be developed as a whole, as above."""
    check_tiff(destination)
    report, asked = develop_into(
        files.open(destination),
        source,
        recipe,
        described=partial(signed, settings=settings_text(recipe)),
        destination=destination,
        held=held,
        backend=backend,
        strict=strict,
    )
    return report, asked, False


def _refuse_changes(source: Path, framing: Framing, export: Export) -> None:
    """Raise if a picture that goes from file to file in tiles is to be framed or scaled."""
    for is_asked, what, options in (
        (not framing.is_whole, "turned or cropped", "--turn, --flip, --straighten, --crop"),
        (export != Export(quality=export.quality), "scaled or sharpened", "--size, --sharpen"),
    ):
        if is_asked:
            raise ImageFileError(
                f"{source} is too large to be held as a whole, so that it is developed by tiles, "
                f"and not {what}: leave out {options}, or allow more memory (PHOS_MEMORY_LIMIT)"
            )


def _check_places(destination: Path, sidecar: bool) -> None:
    """Raise before the work what would stop the writing after it."""
    check_place(destination)
    if not sidecar:
        return
    try:
        check_place(path_for(destination))
    except ImageFileError as error:
        raise ImageFileError(f"{error}; it is the sidecar, which sidecar=False leaves out") from (
            error.__cause__
        )


def _write_sidecar(
    recipe: Recipe,
    asked: Recipe,
    report: RunReport,
    read: FileFacts,
    files: NewFiles,
    destination: Path,
    described: Callable[..., Sidecar],
) -> None:
    """Write the sidecar of a positive that is written and has not taken its place yet."""
    with cannot_write(destination):  # which is read again for its hash
        made = described(
            recipe,
            report,
            source=read,
            picture=destination,
            written=files.written(),
            encoding=str(asked.input_space) or asked.encoding,
            primaries=str(asked.primaries),
        )
    beside = path_for(destination)
    with cannot_write(beside):
        files.open(beside).write(dumps(made).encode())


def _signed_frame(picture: Picture, recipe: Recipe) -> Picture:
    """What the positive of a picture is, but for its pixels, with the settings in its metadata."""
    frame = frame_of_positive(picture, recipe)
    return replace(frame, metadata=signed(frame.metadata, settings_text(recipe)))


def _format_of(path: Path) -> str | None:
    return SUFFIXES.get(path.suffix.lower())


def _refuse_existing(destination: Path, overwrite: bool) -> None:
    if exists(destination) and not overwrite:
        raise ImageFileError(
            f"{destination} exists already; it is replaced only on request (overwrite)"
        )


def _for_file(destination: Path, picture: Picture, recipe: Recipe) -> Recipe:
    """The recipe for a file: the texture of light is sRGB where the format holds no light."""
    is_light = frame_of_positive(picture, recipe).encoding == "linear"
    if is_light and not recipe.output_space and _format_of(destination) not in HOLD_LIGHT:
        return replace(recipe, output_space="srgb")
    return recipe


def _as_light(picture: Picture) -> Picture:
    """What the positive of a picture is in a format of light, but for its colours."""
    if picture.encoding in ("linear", "density"):
        return picture
    metadata = replace(picture.metadata, icc_profile=None)
    return replace(picture, encoding="linear", primaries="srgb", metadata=metadata)


def _in_light(positive: Picture, space: OutputSpace) -> Picture:
    """A positive in display-linear light, of its space's primaries."""
    if positive.encoding == "linear":
        return positive
    light, primaries = positive.light(), space.primaries
    if positive.encoding in HDR_CODES:
        return replace(_as_light(replace(positive, pixels=light)), primaries=primaries)
    if primaries != "srgb" and light.ndim == 3:
        light = light @ np.array(from_linear_srgb(primaries), np.float32).T
    return replace(_as_light(replace(positive, pixels=light)), primaries=primaries)
