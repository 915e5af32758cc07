"""Convolution with point-spread functions: the one part of phos that others can replace.

The names here are for programs that list, choose, check or measure backends and other plug-ins:
the darkroom's `doctor` and `plugin check`, a benchmark, a cluster. Whoever writes a backend imports
`phos_core.backend` instead; whoever only convolves needs `phos_core.convolve`.
"""

from phos_core.convolution.choosing import process_state
from phos_core.convolution.choosing.configuration import configuration
from phos_core.convolution.choosing.device_facts import DeviceInfo, describe_device, offers
from phos_core.convolution.choosing.guarded import (
    Trouble,
    attempt,
    in_one_line,
    is_anyone_left_behind,
)
from phos_core.convolution.choosing.installed import Installed, installed, normalised
from phos_core.convolution.choosing.known_plugins import PLUG_IN_COMMANDS, owner_of_backend
from phos_core.convolution.choosing.probing import BackendReport, self_test
from phos_core.convolution.choosing.registry import brought, kept_out, plug_ins, schedulers
from phos_core.convolution.choosing.requirements import check_requirements
from phos_core.convolution.choosing.selection import library_versions, select, wanted
from phos_core.convolution.hooks import CONTRACT, GROUP, HOOK_API
from phos_core.convolution.optional import memory_of, probe_of, release, synchronize
from phos_core.convolution.running.arguments import check_shape, checked_psfs
from phos_core.convolution.waiting import NOTICE

__all__ = [
    "CONTRACT",
    "GROUP",
    "HOOK_API",
    "NOTICE",
    "PLUG_IN_COMMANDS",
    "BackendReport",
    "DeviceInfo",
    "Installed",
    "Trouble",
    "attempt",
    "brought",
    "check_requirements",
    "check_shape",
    "checked_psfs",
    "configuration",
    "describe_device",
    "in_one_line",
    "installed",
    "is_anyone_left_behind",
    "kept_out",
    "library_versions",
    "memory_of",
    "normalised",
    "offers",
    "owner_of_backend",
    "plug_ins",
    "probe_of",
    "process_state",
    "release",
    "schedulers",
    "select",
    "self_test",
    "synchronize",
    "wanted",
]
