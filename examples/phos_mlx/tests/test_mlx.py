"""MLX keeps the contract of phos."""

import pytest
from phos_mlx.backend import MLXBackend, create

from phos_core.testing import ConvolutionBackendContract


class TestMLX(ConvolutionBackendContract):
    """Every law of the contract."""

    @pytest.fixture
    def backend(self) -> MLXBackend:
        """Give the backend."""
        return create()
