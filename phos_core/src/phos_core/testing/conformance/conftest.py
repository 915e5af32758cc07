"""What the tests of this folder share."""

import pytest


@pytest.fixture(scope="session")
def phos_backend(request: pytest.FixtureRequest) -> str:
    """Give the name of the backend that is proved."""
    name = request.config.getoption("--phos-backend")
    if name is None:
        pytest.fail("name a backend: --phos-backend=NAME", pytrace=False)
    return str(name)
