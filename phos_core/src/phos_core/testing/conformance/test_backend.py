"""The contract, on the backend that the command line names."""

import pytest

from phos_core.backend import ConvolutionBackend
from phos_core.convolution.choosing.selection import select
from phos_core.testing import ConvolutionBackendContract


class TestBackend(ConvolutionBackendContract):
    """The named backend keeps the contract."""

    @pytest.fixture
    def backend(self, phos_backend: str) -> ConvolutionBackend:
        """Give the backend."""
        return select(phos_backend).backend
