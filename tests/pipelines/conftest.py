import pytest

from tests.pipelines.small_tables import small_table


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """(workspace, settings) of a small table; the workspace is shared, so that work is reused."""
    return small_table(tmp_path_factory.mktemp("tables"))
