"""The darkroom: picture files, rolls, settings as text, and the command `phos`.

Each name is loaded when it is first asked for: the command starts without image libraries.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phos_darkroom.colours import frame_of_positive
    from phos_darkroom.files.export.finishing import exported
    from phos_darkroom.files.export.record import Export
    from phos_darkroom.files.formats.raw_settings import RawSettings
    from phos_darkroom.files.framing.applying import Framed, framed
    from phos_darkroom.files.framing.record import RATIOS, Framing
    from phos_darkroom.files.framing.straightening import largest_within
    from phos_darkroom.files.image_files import (
        READABLE,
        SUFFIXES,
        check_writable,
        is_raw,
        read_image,
        read_picture,
        write_image,
        write_picture,
    )
    from phos_darkroom.files.picture import Metadata, Picture, Resolution, on_screen
    from phos_darkroom.files.whole_files import NewFiles, new_files
    from phos_darkroom.large import develop_large, is_large
    from phos_darkroom.one_file import develop_file, develop_part, develop_picture
    from phos_darkroom.roll import (
        Frame,
        FrameResult,
        develop_frames,
        develop_roll,
        frame_seed,
        frames_of,
        over_gpus,
        visible_gpus,
    )
    from phos_darkroom.roll.processes import gpus_for, worker_processes
    from phos_darkroom.roll.threads import limit_threads
    from phos_darkroom.settings.described import SETTINGS, Setting, bounds_of
    from phos_darkroom.settings.presets import (
        PresetSummary,
        load_preset,
        preset_rate_hz,
        preset_text,
        presets,
        remove_preset,
        rename_preset,
        save_preset,
    )
    from phos_darkroom.shell.help import GroupedCommand, in_group
    from phos_darkroom.shell.messages import (
        Unfailing,
        as_options,
        log_to_stderr,
        say,
        tell,
        verbose_option,
        visible,
    )
    from phos_darkroom.shell.preset_options import given, merged, preset_options
    from phos_darkroom.shell.setting_options import setting_options
    from phos_darkroom.shell.signals import stopping_at_signals
    from phos_darkroom.shell.spaces import ocio_option
    from phos_darkroom.showing.before_after import beside, divided
    from phos_darkroom.showing.contact import contact_sheets
    from phos_darkroom.showing.luts import (
        Accuracy,
        Table,
        accuracy_of,
        apply_lut,
        hald_image,
        make_layer_table,
        make_lut,
        make_table,
        notes_of,
        resampled,
        write_table,
    )

__all__ = [
    "LOGGERS",
    "RATIOS",
    "READABLE",
    "SETTINGS",
    "SUFFIXES",
    "Accuracy",
    "Export",
    "Frame",
    "FrameResult",
    "Framed",
    "Framing",
    "GroupedCommand",
    "Metadata",
    "NewFiles",
    "Picture",
    "PresetSummary",
    "RawSettings",
    "Resolution",
    "Setting",
    "Table",
    "Unfailing",
    "accuracy_of",
    "apply_lut",
    "as_options",
    "beside",
    "bounds_of",
    "check_writable",
    "contact_sheets",
    "develop_file",
    "develop_frames",
    "develop_large",
    "develop_part",
    "develop_picture",
    "develop_roll",
    "divided",
    "exported",
    "frame_of_positive",
    "frame_seed",
    "framed",
    "frames_of",
    "given",
    "gpus_for",
    "hald_image",
    "in_group",
    "is_large",
    "is_raw",
    "largest_within",
    "limit_threads",
    "load_preset",
    "log_to_stderr",
    "make_layer_table",
    "make_lut",
    "make_table",
    "merged",
    "new_files",
    "notes_of",
    "ocio_option",
    "on_screen",
    "over_gpus",
    "preset_options",
    "preset_rate_hz",
    "preset_text",
    "presets",
    "read_image",
    "read_picture",
    "remove_preset",
    "rename_preset",
    "resampled",
    "save_preset",
    "say",
    "setting_options",
    "stopping_at_signals",
    "tell",
    "verbose_option",
    "visible",
    "visible_gpus",
    "worker_processes",
    "write_image",
    "write_picture",
    "write_table",
]

LOGGERS = ("phos_core", "phos_darkroom")
"""The loggers above all of phos's own."""

HOMES = {
    "colours": ("frame_of_positive",),
    "files.image_files": (
        *("READABLE", "SUFFIXES", "check_writable", "is_raw", "read_image", "read_picture"),
        *("write_image", "write_picture"),
    ),
    "files.export.finishing": ("exported",),
    "files.export.record": ("Export",),
    "files.formats.raw_settings": ("RawSettings",),
    "files.framing.applying": ("Framed", "framed"),
    "files.framing.record": ("RATIOS", "Framing"),
    "files.framing.straightening": ("largest_within",),
    "files.picture": ("Metadata", "Picture", "Resolution", "on_screen"),
    "files.whole_files": ("NewFiles", "new_files"),
    "large": ("develop_large", "is_large"),
    "one_file": ("develop_file", "develop_part", "develop_picture"),
    "roll": (
        *("Frame", "FrameResult", "develop_frames", "develop_roll", "frame_seed", "frames_of"),
        *("over_gpus", "visible_gpus"),
    ),
    "roll.processes": ("gpus_for", "worker_processes"),
    "roll.threads": ("limit_threads",),
    "settings.described": ("SETTINGS", "Setting", "bounds_of"),
    "settings.presets": (
        *("PresetSummary", "load_preset", "preset_rate_hz", "preset_text", "presets"),
        *("remove_preset", "rename_preset", "save_preset"),
    ),
    "shell.help": ("GroupedCommand", "in_group"),
    "shell.messages": (
        *("Unfailing", "as_options", "log_to_stderr", "say", "tell", "verbose_option", "visible"),
    ),
    "shell.preset_options": ("given", "merged", "preset_options"),
    "shell.setting_options": ("setting_options",),
    "shell.signals": ("stopping_at_signals",),
    "shell.spaces": ("ocio_option",),
    "showing.before_after": ("beside", "divided"),
    "showing.contact": ("contact_sheets",),
    "showing.luts": (
        *("Accuracy", "Table", "accuracy_of", "apply_lut", "hald_image", "make_layer_table"),
        *("make_lut", "make_table", "notes_of", "resampled", "write_table"),
    ),
}
HOME_OF = {name: home for home, names in HOMES.items() for name in names}

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is printed unasked


def __getattr__(name: str) -> Any:
    """Import the module that a name is of when it is first asked for."""
    if name not in HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOME_OF[name]}"), name)
