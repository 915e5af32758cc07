"""The plug-in that brings the backend: light to load, and frank about what it needs."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from phos_core.convolution.choosing.registry import offered_backends
from phos_core.convolution.choosing.requirements import check_requirements
from phos_core.convolution.hooks import GROUP, BackendSpec

LOADED_BY_THE_HOOK = """
import json, sys
from importlib.metadata import EntryPoint
import phos_core.backend
from phos_core.convolution.choosing import registry
before = set(sys.modules)
EntryPoint(*sys.argv[1:]).load().phos_convolution_backends()
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""

CHANGED_OF_THE_PROCESS = """
import importlib, json, sys
from importlib.metadata import EntryPoint
from phos_core.convolution.choosing import process_state
from phos_core.convolution.choosing.known_answers import self_test
from phos_core.convolution.optional import probe_of
*point, factory = sys.argv[1:]
before = process_state.snapshot()
EntryPoint(*point).load().phos_convolution_backends()
module, _, function = factory.partition(":")
backend = getattr(importlib.import_module(module), function)()
probe_of(backend)
self_test(backend)
changed = process_state.changed(before)
process_state.put_back(before)
print("\\n" + json.dumps(changed))
"""


class TestPlugIn:
    """The plug-in of the named backend."""

    @pytest.fixture
    def spec(self, phos_backend: str) -> BackendSpec:
        """Give what the plug-in says of the backend."""
        (found,) = (
            offer.spec
            for offer in offered_backends()
            if offer.spec and offer.name == phos_backend and offer.status == "ok"
        )
        return found

    @pytest.fixture
    def point(self, phos_backend: str) -> EntryPoint:
        """Give the entry point that names the plug-in."""
        (origin,) = (
            offer.plug_in
            for offer in offered_backends()
            if offer.name == phos_backend and offer.status == "ok"
        )
        return EntryPoint(origin.name, origin.value, GROUP)

    def test_asking_what_it_offers_imports_nothing_but_the_plug_in(self, point: EntryPoint) -> None:
        """Whoever lists the backends loads every plug-in; its library has to wait."""
        origin = (point.name, point.value, point.group)
        asked = [sys.executable, "-P", "-c", LOADED_BY_THE_HOOK, *origin]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        own = point.module.partition(".")[0]
        heavy = set(json.loads(answer.splitlines()[-1])) - sys.stdlib_module_names - {own}
        assert not heavy, (
            f"{point.value} imports {sorted(heavy)}; import them in the backend's module"
        )

    def test_loading_and_trying_it_leaves_the_process_as_it_is(
        self, point: EntryPoint, spec: BackendSpec
    ) -> None:
        """In a process of its own: this one has loaded it already."""
        asked = [sys.executable, "-P", "-c", CHANGED_OF_THE_PROCESS]
        asked += [point.name, point.value, point.group, spec.factory]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        printed, _, changed = answer.rstrip("\n").rpartition("\n")
        assert changed == "[]", f"the plug-in changes {', '.join(json.loads(changed))}"
        assert not printed, f"the plug-in prints to stdout: {printed[:200]!r}"

    def test_what_is_missing_is_told_with_what_would_help(
        self, spec: BackendSpec, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A user without the library learns what to install."""
        for module in spec.modules:
            with monkeypatch.context() as without:
                without.setitem(sys.modules, module, None)
                report = check_requirements(spec)
            assert report.status == "missing-dependency"
            assert module in report.reason
            assert report.hint, "the spec needs a hint: what to install"
