"""Facts about this machine's devices: which backends there are, and what each computes on."""

from collections.abc import Mapping
from dataclasses import dataclass

from phos_core.convolution.choosing import probing
from phos_core.convolution.choosing.guarded import Trouble, attempt, shown
from phos_core.convolution.choosing.registry import OfferedBackend, is_builtin, offered_backends
from phos_core.convolution.choosing.selection import library_versions
from phos_core.convolution.contract import ConvolutionBackend, MemoryInfo
from phos_core.convolution.optional import ReportsDevice, memory_of

__all__ = ["DeviceInfo", "describe_device", "device_info", "offers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A backend and the device that it computes on.

    Parameters
    ----------
    backend : str
        The backend's name.
    status : str
        "ok", or what is the matter; "crashed" if asking took the process down.
    device : str
        The device, as the backend's library names it.
    free_bytes, total_bytes : int or None
        Its memory; None where that cannot be known.
    facts : mapping of str to str
        What the backend knows besides: the device's name, its driver, its pools.
    versions : mapping of str to str
        Versions of the backend and its libraries.
    reason, hint : str
        Why it cannot run, and what would help.
    """

    backend: str
    status: str
    device: str = ""
    free_bytes: int | None = None
    total_bytes: int | None = None
    facts: Mapping[str, str]
    versions: Mapping[str, str]
    reason: str = ""
    hint: str = ""


def device_info() -> tuple[DeviceInfo, ...]:
    """Describe each backend's device; this imports and tries every backend that is installed.

    Returns
    -------
    tuple of DeviceInfo
        Highest priority first; those that cannot run with their reason.
    """
    return tuple(describe_device(offer) for offer in offers())


def offers() -> list[OfferedBackend]:
    """List the offered backends; none is imported or tried.

    Returns
    -------
    list of OfferedBackend
        Highest priority first; each has a `name`.
    """
    return sorted(
        offered_backends(),
        key=lambda offer: (-(offer.priority or 0), not is_builtin(offer.plug_in), offer.name),
    )


def describe_device(offer: OfferedBackend) -> DeviceInfo:
    """Describe the device of one backend; this imports and tries it.

    Parameters
    ----------
    offer : OfferedBackend
        One of `offers`.

    Returns
    -------
    DeviceInfo
        With the reason where it cannot run.
    """
    probed = probing.probe(offer)
    report, backend = probed.report, probed.backend
    if backend is None:
        return DeviceInfo(
            backend=report.name,
            status=report.status,
            facts={},
            versions={report.distribution: report.version},
            reason=report.reason,
            hint=report.hint,
        )
    memory = attempt(lambda: memory_of(backend), f"memory of {report.name}")
    facts = _facts(backend)
    if not isinstance(memory, MemoryInfo):
        facts |= {"memory": memory if isinstance(memory, Trouble) else f"got {shown(memory)}"}
        memory = MemoryInfo()
    return DeviceInfo(
        backend=report.name,
        status=report.status,
        device=str(backend.device),
        free_bytes=memory.free_bytes,
        total_bytes=memory.total_bytes,
        facts=facts,
        versions=library_versions(backend),
        reason=report.reason,
        hint=report.hint,
    )


def _facts(backend: ConvolutionBackend) -> dict[str, str]:
    """Ask a backend for what it knows of its device."""
    if not isinstance(backend, ReportsDevice):
        return {}
    ask = backend.device_facts
    told = attempt(lambda: {str(key): str(value) for key, value in ask().items()}, "device facts")
    return {"trouble": told} if isinstance(told, Trouble) else told
