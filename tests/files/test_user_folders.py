import os
import stat
import tempfile
from pathlib import Path

import pytest

from comus_core.datasets.allowed_folders import image_roots
from comus_core.files import user_folders
from comus_core.weights.store import weights_folder
from tests.unprivileged import ROOT, comus_unprivileged, open_to_all, run_unprivileged

pytestmark = pytest.mark.thorough

SHOW = "import os, comus_core; print(os.environ.get('NUMBA_CACHE_DIR'), os.environ.get('TORCHINDUCTOR_CACHE_DIR'))"
COMPILED = "import comus_core, comus_core.clustering.block_lanczos as b; print('compiled')"


@pytest.mark.parametrize("home", [{}, {"HOME": "/"}, {"HOME": "/proc/none"}])
def test_without_a_home_that_can_be_written_numba_finds_a_place_of_the_users_own(tmp_path, home):
    temporary = open_to_all(tmp_path / "tmp")
    done = run_unprivileged("-c", COMPILED, TMPDIR=str(temporary), **home)
    assert done.stdout == "compiled\n", done.stderr
    told = run_unprivileged("-c", SHOW, TMPDIR=str(temporary), **home).stdout.split()
    folder = Path(told[0]).parent
    assert [Path(name).parent for name in told] == [folder, folder] and folder.parent == temporary
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_the_cache_can_be_written_nothing_is_changed(tmp_path):
    home = open_to_all(tmp_path / "home")
    assert run_unprivileged("-c", SHOW, HOME=str(home)).stdout == "None None\n"
    assert os.listdir(home) == []
    chosen = run_unprivileged("-c", SHOW, HOME="/", NUMBA_CACHE_DIR="/chosen", TMPDIR=str(tmp_path)).stdout
    assert chosen.split()[0] == "/chosen"


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path, monkeypatch):
    """Whoever runs this is the somebody else: the user who asks has another number."""
    another = os.getuid() + 1
    somebodys = open_to_all(tmp_path / f"comus-{another}")
    somebodys.chmod(0o700)
    for name in user_folders.COMPILED:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: another)
    user_folders.provide_caches()
    chosen = Path(os.environ["NUMBA_CACHE_DIR"]).parent
    assert chosen.parent == tmp_path and chosen.name.startswith("comus-") and chosen != somebodys
    assert os.listdir(somebodys) == []


def test_doctor_works_without_a_home(tmp_path):
    place, temporary = open_to_all(tmp_path / "workspace"), open_to_all(tmp_path / "tmp")
    done = comus_unprivileged("doctor", "--workspace", str(place), TMPDIR=str(temporary))
    assert done.returncode == 0 and "`comus run` " in done.stdout, done.stderr


def test_the_folders_of_one_who_has_no_home(tmp_path, monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    for name in ("COMUS_WEIGHTS", "XDG_CACHE_HOME", "COMUS_IMAGE_ROOTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(ROOT)
    assert user_folders.home_folder() is None
    assert weights_folder().parts[-2:] == ("comus", "weights") and weights_folder().is_absolute()
    assert image_roots(tmp_path) == (ROOT, tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "comus" / "weights"
