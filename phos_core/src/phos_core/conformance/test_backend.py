"""The contract, on the backend that the command line names."""

import pytest

from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.selection import select
from phos_core.testing import ConvolutionBackendContract


class TestBackend(ConvolutionBackendContract):
    """The named backend keeps the contract."""

    @pytest.fixture
    def backend(self, request: pytest.FixtureRequest) -> ConvolutionBackend:
        """Give the backend; an error if it cannot run."""
        name = request.config.getoption("--phos-backend")
        if name is None:
            raise pytest.UsageError("name a backend: --phos-backend=NAME")
        return select(name).backend
