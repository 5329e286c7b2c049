"""`make torch` takes PyTorch's CPU build where no NVIDIA card is and its index answers, and says which it takes."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSIONS = {"torch": "2.999+cpu", "torchvision": "0.999+cpu"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def environment(tmp_path) -> Path:
    """An empty virtual environment with pip."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    return tmp_path / "venv"


@pytest.fixture
def index(tmp_path):
    """The URL of a package index on this machine that has tiny wheels of both packages."""
    for name, version in VERSIONS.items():
        folder = tmp_path / "index" / name
        folder.mkdir(parents=True)
        metadata, stem = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(folder / stem, "w") as wheel:
            wheel.writestr(f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{metadata}/RECORD", "")
        (folder / "index.html").write_text(f'<a href="{stem.replace("+", "%2B")}">{stem}</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "index"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def make_torch(venv: Path, url: str, path: str = "") -> str:
    """What it prints."""
    words = ["make", "--no-print-directory", "torch", f"VENV={venv}", f"TORCH_CPU_INDEX={url}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PATH": path + os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}  # no index of this machine's own
    done = subprocess.run(words, cwd=ROOT, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(venv: Path) -> dict[str, str]:
    """Version of each of the two packages that the environment has."""
    listed = subprocess.run([venv / "bin/pip", "list", "--format=json"], text=True, capture_output=True, check=True)
    return {row["name"]: row["version"] for row in json.loads(listed.stdout) if row["name"] in VERSIONS}


@pytest.mark.thorough
def test_the_cpu_build_is_installed_from_an_index_that_answers(environment, index):
    assert make_torch(environment, index).endswith(f"PyTorch: no NVIDIA card: the CPU build of {index}\n")
    assert installed(environment) == VERSIONS


def test_an_index_that_does_not_answer_leaves_it_to_pypi(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    url = "http://127.0.0.1:9"
    expected = f"PyTorch: no NVIDIA card, but {url} cannot be reached: the build of PyPI, with CUDA\n"
    assert make_torch(tmp_path, url) == expected


def test_a_machine_with_a_card_takes_the_build_with_cuda(tmp_path, index):
    card = tmp_path / "card"
    card.mkdir()
    (card / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: a card'\n")
    (card / "nvidia-smi").chmod(0o755)
    expected = "PyTorch: an NVIDIA card is here: the build of PyPI, with CUDA\n"
    assert make_torch(tmp_path, index, f"{card}:") == expected
