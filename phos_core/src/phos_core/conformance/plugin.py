"""The option that names the backend, for pytest."""

import pytest

pytest.register_assert_rewrite("phos_core.testing")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--phos-backend``."""
    parser.addoption("--phos-backend", metavar="NAME", help="the backend to prove")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which backend is proved."""
    return f"phos backend: {config.getoption('--phos-backend')}"
