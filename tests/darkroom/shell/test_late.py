"""What the command line does not load before it is needed."""

import sys
import types

import numpy as np
import pytest

from phos_darkroom.roll import FrameResult
from phos_darkroom.shell import late, progress, roll_messages


def test_a_compiler_of_fortran_is_loaded_when_something_of_it_is_asked_for(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("numpy.f2py")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(np, "f2py", None, raising=False)
    late.load_f2py_late()
    assert type(np.f2py) is not types.ModuleType
    assert "numpy.f2py.f2py2e" not in sys.modules
    assert callable(np.f2py.get_include)
    assert "numpy.f2py.f2py2e" in sys.modules


def test_what_is_loaded_already_is_left_as_it_is(monkeypatch):
    loaded = types.ModuleType("numpy.f2py")
    monkeypatch.setitem(sys.modules, "numpy.f2py", loaded)
    late.load_f2py_late()
    assert sys.modules["numpy.f2py"] is loaded


def test_what_draws_a_bar_is_loaded_where_somebody_may_see_it(tmp_path, monkeypatch):
    def no_bar(total):
        pytest.fail(f"a bar of {total}")

    monkeypatch.setattr(progress, "Bar", no_bar)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    done = FrameResult(source=tmp_path, destination=tmp_path, status="skipped")
    finished = []
    roll_messages.follow([done], 1, finished)
    assert finished == [done]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(pytest.fail.Exception, match="a bar of 1"):
        roll_messages.follow([done], 1, finished)
