"""For tests of what a browser, a printer on paper or a socket does: it does not depend on the database, and costs time."""

import pytest


@pytest.fixture
def backend() -> str:
    """Imported by a test's module, it takes the place of the one that runs everything on both databases."""
    return "sqlite"
