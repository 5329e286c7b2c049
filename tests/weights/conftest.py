import pytest


@pytest.fixture
def weights_here(tmp_path, monkeypatch):
    """An empty weights folder of its own, so that no test sees or touches the user's."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("COMUS_WEIGHTS", str(folder))
    return folder
