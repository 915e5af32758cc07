import os
import pickle
import subprocess
import sys
import threading

import array_api_strict
import pytest

from phos_core.convolution.choosing import probing, registry, selection
from phos_core.convolution.choosing.selection import (
    backends,
    library_versions,
    select,
    successors,
    use_backend,
)
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import BackendUnavailableError, UnknownBackendError

ACME = "@hookimpl\ndef phos_convolution_backends(): return [spec()]\n"
NO_DEVICE = "Backend.probe = lambda self: ProbeReport('no-device', 'no card', 'buy one')\n"


def reasons_in(made):
    """Why each backend was passed over, by name; other plug-ins may be installed here."""
    return {candidate.name: candidate.reason for candidate in made.candidates}


def test_the_highest_priority_that_can_run_is_chosen(install):
    install("acme", ACME)
    selection = select()
    assert (selection.backend.name, selection.source) == ("acme", "auto")


def test_each_one_passed_over_is_recorded_with_its_reason(usual, install):
    install("acme", NO_DEVICE + ACME)
    selection = select()
    assert selection.backend.name == usual
    reasons = reasons_in(selection)
    assert list(reasons)[-1] == usual
    assert reasons["acme"] == "no-device: no card"
    assert reasons[usual] is None


def test_a_less_accurate_backend_runs_only_when_it_is_named(usual, install):
    install("acme", "Backend.accuracy = 'fast'\n" + ACME)
    assert select().backend.name == usual
    assert "accuracy is 'fast'" in reasons_in(select())["acme"]
    assert select("acme").backend.name == "acme"


def test_an_argument_goes_before_the_context_before_the_environment(install, monkeypatch):
    install("acme", ACME)
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    assert (select().backend.name, select().source) == ("scipy", "environment")
    with use_backend("acme") as chosen:
        assert chosen.name == "acme"
        assert (select().backend.name, select().source) == ("acme", "context")
        assert (select("scipy").backend.name, select("scipy").source) == ("scipy", "argument")
        with use_backend("auto"):
            assert select().source == "context"
    assert select().source == "environment"


def test_a_context_is_left_even_when_it_fails(fresh):
    with pytest.raises(ZeroDivisionError), use_backend("scipy"):
        1 / 0  # noqa: B018
    assert select().source == "auto"


def test_other_threads_do_not_see_the_context(fresh):
    seen = []
    with use_backend("scipy"):
        thread = threading.Thread(target=lambda: seen.append(select().source))
        thread.start()
        thread.join()
    assert seen == ["auto"]


def test_an_empty_variable_names_nothing(fresh, monkeypatch):
    monkeypatch.setenv("PHOS_BACKEND", "  ")
    assert select().source == "auto"


def test_a_backend_may_be_handed_over_itself(fresh):
    backend = ScipyBackend()
    assert select(backend).backend is backend
    with use_backend(backend):
        assert select().backend is backend


def test_what_is_no_backend_is_refused(fresh):
    with pytest.raises(TypeError, match="must be a name or a convolution backend, got 7"):
        select(7)


def test_a_named_backend_is_never_replaced(install):
    install("acme", NO_DEVICE + ACME)
    with pytest.raises(BackendUnavailableError, match=r"'acme' cannot run: no card; buy one"):
        select("acme")
    with pytest.raises(BackendUnavailableError), use_backend("acme"):
        pass


def test_a_broken_plug_in_is_not_called_unknown(install):
    install("acme", "raise RuntimeError('no luck')")
    with pytest.raises(BackendUnavailableError, match="no luck"):
        select("acme")


def test_an_unknown_name_is_answered_with_the_nearest(fresh):
    with pytest.raises(UnknownBackendError, match=r"'scipi'; did you mean scipy\?"):
        select("scipi")
    with pytest.raises(LookupError, match=r"unknown backend 'zzz'; known: .*scipy"):
        select("zzz")


def test_where_nothing_can_run_every_reason_is_listed(fresh, monkeypatch):
    everything = ",".join(report.name for report in backends())
    monkeypatch.setenv("PHOS_BLOCK", everything)
    with pytest.raises(BackendUnavailableError, match="scipy: blocked"):
        select()


def test_errors_survive_pickling():
    for error in (UnknownBackendError("x", ["y"]), BackendUnavailableError("x", "why", "how")):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def run(code: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PHOS_")}
    environment["PHOS_PROBE_SECONDS"] = "300"  # however busy the machine is
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=600,
    )
    return done.stdout.strip()


def test_choosing_scipy_imports_no_other_library():
    code = """
import sys
from phos_core.convolution.choosing.selection import select
assert select("scipy").backend.name == "scipy"
select()
print(*sorted({"cv2", "torch", "cupy", "PIL", "click"} & set(sys.modules)))
"""
    assert run(code) == ""


def test_what_is_importable_without_choosing_loads_no_heavy_library():
    code = """
import sys
import phos_core.psf, phos_core.convolution.running.convolve, phos_core.convolution.choosing.builtin
from phos_core.convolution.choosing.registry import offered_backends
offered_backends()
heavy = {"scipy", "cv2", "torch", "cupy", "PIL", "tifffile", "click", "rich", "pytest"}
print(*sorted(heavy & set(sys.modules)))
"""
    assert run(code) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_asks_for_itself_and_has_threads_of_its_own():
    code = """
import os, warnings
import numpy as np
from phos_core.convolution.choosing.selection import select
from phos_core.kernels.strips import by_rows

warnings.simplefilter("ignore")
before = select().backend
many_rows = np.zeros((3, 2000, 200), np.float32)
by_rows(before, lambda strip, row_start, out: strip, many_rows)
if os.fork() == 0:
    anew = select().backend is not before
    by_rows(select().backend, lambda strip, row_start, out: strip, many_rows)
    os._exit(0 if anew else 1)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert run(code) == "0"


# ------------------------------------------------------------------ small pictures, owned arrays

FAR = "@hookimpl\ndef phos_convolution_backends(): return [spec(transfer_worth_pixels=1000)]\n"
OWNER = "Backend.owns = lambda self, x: True\n"


def test_a_small_picture_stays_on_the_cpu_unasked(usual, install):
    install("acme", FAR)
    small = select(pixels=999)
    assert small.backend.name == usual
    assert "pays from 1000 pixels up" in reasons_in(small)["acme"]
    assert select(pixels=1000).backend.name == "acme"
    assert select("acme", pixels=1).backend.name == "acme"
    assert select().backend.name == "acme"


def test_a_small_picture_does_not_load_the_far_backend_s_library(install):
    install("acme", FAR + "raise_on_use = Backend.__init__\n")
    select(pixels=1)
    offer = next(offer for offer in registry.offered_backends() if offer.name == "acme")
    assert offer not in probing._answers.by_offer


def test_a_far_backend_is_better_than_none(install, monkeypatch):
    install("acme", FAR)
    others = {report.name for report in backends()} - {"acme"}
    monkeypatch.setenv("PHOS_BLOCK", ",".join(others))
    assert select(pixels=1).backend.name == "acme"


def test_the_backend_that_owns_the_array_is_chosen_whatever_its_size(usual, install):
    install("acme", OWNER + FAR.replace("1000", "1000, priority=1"))
    image = array_api_strict.ones((2, 2))
    assert select(pixels=4).backend.name == usual
    selection = select(pixels=4, holding=image)
    assert selection.backend.name == "acme"
    assert reasons_in(selection)[usual] == "it does not own the image"


def test_a_backend_passed_over_once_does_not_take_over_later(usual, install):
    install("acme", FAR)
    names = [backend.name for backend in successors(select(pixels=1))]
    assert names
    assert not {"acme", usual} & set(names)
    assert usual in [backend.name for backend in successors(select(pixels=1000))]


def test_the_versions_of_a_backend_are_its_own_and_its_libraries(fresh):
    import scipy

    versions = library_versions(select("scipy").backend)
    assert versions["scipy"] == scipy.__version__
    assert "phos-core" in versions
    assert library_versions(ScipyBackend()) == {}


def without(*distributions):
    """Stand in for a machine where some plug-ins are not installed."""
    there = tuple(p for p in registry.plug_ins() if p.distribution not in distributions)
    offers = tuple(
        o for o in registry.offered_backends() if o.plug_in.distribution not in distributions
    )
    return (lambda: there), (lambda: offers)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("cv2", "phos-cv2"), ("cupy", "phos-cupy"), ("torch:cuda", "phos-torch")],
)
def test_a_plug_in_of_ours_that_is_not_installed_is_named_with_its_folder(
    name, distribution, monkeypatch
):
    there, offers = without("phos-cv2", "phos-cupy", "phos-torch")
    monkeypatch.setattr(selection, "plug_ins", there)
    monkeypatch.setattr(selection, "offered_backends", offers)
    (row,) = (report for report in selection.backends() if report.name == name)
    assert (row.status, row.distribution) == ("missing-dependency", distribution)
    folder = "./plugins/" + distribution.replace("-", "_")
    assert folder in row.hint
    with pytest.raises(BackendUnavailableError, match=f"{distribution} is not installed") as caught:
        selection.select(name)
    assert folder in str(caught.value)


def test_a_family_s_name_suggests_its_backends():
    with pytest.raises(UnknownBackendError, match="torch:c"):
        selection.select("torch")
