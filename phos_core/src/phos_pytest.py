"""The option of ``pytest --phos-backend=NAME --pyargs phos_core.testing.conformance``.

Every run of pytest beside an installed phos-core imports this module, so it stands outside the
package and imports nothing but pytest.
"""

import pytest

__all__: list[str] = []

pytest.register_assert_rewrite("phos_core.testing")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("phos").addoption(
        "--phos-backend",
        metavar="NAME",
        help="the backend that phos_core.testing.conformance proves",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Where a backend is named, see to it that it is proved."""
    name = config.getoption("--phos-backend")
    if name and not config.option.collectonly:
        config.pluginmanager.register(_Proof(name), "phos-proof")


class _Proof:
    """A run that proves a backend: it needs the backend, and at least one law tried on it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._passed_or_failed = 0

    def pytest_report_header(self) -> str:
        return f"phos backend: {self._name}"

    def pytest_sessionstart(self) -> None:
        from phos_core.convolution.choosing.selection import select
        from phos_core.errors import PhosError

        try:
            select(self._name)
        except PhosError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed_or_failed += report.when == "call" and not report.skipped

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and not self._passed_or_failed:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        if not self._passed_or_failed:
            terminalreporter.write_line(f"nothing was proved of {self._name}: no test ran")
