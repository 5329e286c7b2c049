"""What reaches the command's entry: the system's refusals as sentences, the program's faults with their traceback."""

import errno
import importlib
import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.thorough

module = importlib.import_module("comus_core.cli.main")  # the package calls the function by the module's name


def ended(monkeypatch, capsys, error: BaseException, **environment: str) -> str:
    """What the command says when its work raises `error`."""

    def work(**_):
        raise error

    monkeypatch.setattr(module, "cli", work)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        module.main()
    assert left.value.code == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "/a/b"), "/a/b: no such file or folder"),
        (PermissionError(errno.EACCES, "Permission denied", b"/a/\xff"), "/a/\\udcff: permission denied"),
        (
            OSError(errno.EROFS, "Read-only file system", "/a"),
            "/a: the file system is read-only; choose another location",
        ),
        (OSError(errno.ENOSPC, "No space left", "/a"), "/a: the disk is full; free some space"),
        (OSError(errno.EXDEV, "Invalid cross-device link", "/a", None, "/b"), "/a and /b: Invalid cross-device link"),
        (MemoryError(), "out of memory: use fewer images, a smaller encoder, or a machine with more memory"),
        (RuntimeError("std::bad_alloc"), "out of memory: use fewer images"),
        (OSError(errno.ENOMEM, "Cannot allocate memory", "/a"), "out of memory: use fewer images"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "out of memory: use fewer images"),
        (RuntimeError("can't start new thread"), "no more threads can be started; close other programs"),
        (RuntimeError("Could not determine home directory."), "write paths without `~`, or set HOME"),
        ("ä".encode, "'\\xe4' cannot be written as ascii; set PYTHONUTF8=1"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(monkeypatch, capsys, error, words):
    if callable(error):
        with pytest.raises(UnicodeEncodeError) as raised:
            error("ascii")
        error = raised.value
    said = ended(monkeypatch, capsys, error)
    assert said.startswith("comus: ") and words in said and said.count("\n") == 1


def test_with_a_variable_set_its_traceback_is_shown_too(monkeypatch, capsys):
    said = ended(monkeypatch, capsys, OSError(errno.EACCES, "no", "/a"), COMUS_TRACEBACK="1")
    assert "Traceback" in said and said.endswith("choose another location\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyError("name"), OSError("no number"), RuntimeError("x")])
def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch, capsys, error):
    said = ended(monkeypatch, capsys, error)
    assert "Traceback" in said and type(error).__name__ in said and said.endswith("please report the lines above\n")


def comus(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = os.environ | {"PYTHONUTF8": "0"} | environment
    return subprocess.run([sys.executable, "-m", "comus_core", *words], env=env, capture_output=True, timeout=120)


def test_output_that_knows_no_letter_but_english_ones_holds_all_there_is_to_say(finished, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "workspace")
    run, place = finished[1], ["--workspace", str(tmp_path / "workspace")]
    assert comus("clusters", "rename", run.id, "0", "Käse█", *place).returncode == 0
    plain, full = (comus("show", run.id, *place, PYTHONIOENCODING=name) for name in ("ascii", "utf-8"))
    assert (plain.returncode, full.returncode) == (0, 0), plain.stderr
    assert plain.stdout.isascii() and full.stdout.decode().count("█") > 10
    assert plain.stdout.count(b"#") == full.stdout.decode().count("█") + full.stdout.count(b"#")
    listed = comus("clusters", "list", run.id, "--json", "-", *place, PYTHONIOENCODING="ascii")
    assert listed.returncode == 0, listed.stderr
    found, end = json.JSONDecoder().raw_decode(listed.stdout.decode())
    assert listed.stdout.decode()[:end].isascii() and "Käse█" in [row["name"] for row in found["clusters"]]
    west = comus("clusters", "list", run.id, *place, PYTHONIOENCODING="latin-1")
    assert west.returncode == 0 and rb"K\xe4se\u2588".replace(rb"\xe4", b"\xe4") in west.stdout


def test_a_reader_that_has_had_enough_is_no_fault(finished):
    words = [sys.executable, "-m", "comus_core", "show", finished[1].id, "--workspace", str(finished[0].root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 1
