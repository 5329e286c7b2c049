"""A format of data sets and an encoder of somebody else's package, found by name like this program's own."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.datasets.dataset import FORMATS, absolute, open_dataset, parse_dataset, summarise
from comus_core.datasets.folder import list_images, open_folder
from comus_core.datasets.format import DatasetFormat, DatasetSummary
from comus_core.features.encoders import ENCODERS
from comus_core.features.spec import EncoderSpec
from comus_core.weights.registry import Supervision


class MeanColour:
    """The mean colour of a crop and its deviation: six numbers."""

    name, dim, crop_size, batch_size, weights_sha256 = "mean-colour", 6, 8, 4, ""

    def encode(self, crops):
        return np.array([[*c.mean((0, 1)), *c.std((0, 1))] for c in crops], np.float32) / 255

    def dense(self, images, longer_side, kind="keys"):
        return [image[::16, ::16].astype(np.float32) for image in images]


ALBUM = DatasetFormat(
    "album",
    "Album",
    "A folder that is called an album",
    lambda address, drawings, truth: open_folder(str(address), address.folder, truth),
    lambda address: DatasetSummary(len(list_images(str(address), address.folder).files), False),
)
COLOUR = EncoderSpec(
    "mean-colour", "mean colour of a crop", lambda spec, device: MeanColour(), 6, 8,
    supervision=Supervision("none", "none"), version="1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Both as `entry_points` would give them, in this process alone."""

    def point(spec):
        return type("Point", (), {"name": spec.name, "value": "theirs:SPEC", "dist": None, "load": lambda _: spec})()

    of_group = {FORMATS.group: [point(ALBUM)], ENCODERS.group: [point(COLOUR)]}
    monkeypatch.setattr("comus_core.plugins.entry_points", lambda group: of_group.get(group, []))
    for registry in (FORMATS, ENCODERS):
        vars(registry).pop("_from_packages", None)
    yield
    for registry in (FORMATS, ENCODERS):
        vars(registry).pop("_from_packages", None)


@pytest.mark.thorough
def test_they_are_listed_and_run_by_their_names(drawn, drawn_settings, tmp_path, monkeypatch):
    listed = CliRunner().invoke(cli, ["parts"]).output
    assert "  album:ROOT: A folder that is called an album (from theirs:SPEC)" in listed
    assert "  mean-colour: mean colour of a crop (from theirs:SPEC)" in listed and "  voc:ROOT:SPLIT: " in listed
    monkeypatch.chdir(drawn.parent)
    address = parse_dataset(f"album:{drawn.name}")
    assert (address.format, str(address.root), address.split) == ("album", drawn.name, "")
    assert absolute(str(address)) == f"album:{drawn.resolve()}" and summarise(str(address)).images == 30
    spec = f"album:{drawn}"
    assert len(open_dataset(spec, tmp_path).files) == 30
    settings = drawn_settings | {"dataset": spec, "features": {"encoder": "mean-colour"}}
    run = discover(make_config(**settings), open_workspace(tmp_path / "w"))
    with_object = sum(bool(np.asarray(Image.open(mask)).any()) for mask in (drawn / "masks").glob("*.png"))
    assert run.config.dataset == spec and (run.result["proposals"], run.result["clusters"]) == (with_object, 3)
    assert run.provenance["supervision"] == {"direct": "masks", "inherited": "none"}  # the masks are somebody's own
