import shlex

import pytest

from app.forms import run_form
from app.forms.run_form import config_of, preset_of, preset_values, preview, start, values_of
from comus_core import jobs, make_config, open_workspace
from comus_core.config import PRESETS, RunConfig
from comus_core.datasets.format import DatasetSummary
from comus_core.errors import DatasetError, SettingsError
from comus_core.jobs.table import JobTable
from comus_core.settings import to_dict
from comus_core.weights.registry import REGISTRY
from tests.jobs.watching import end_all


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_a_presets_values_give_its_settings_back_and_are_known_as_its_own(preset, tmp_path):
    values = preset_values(preset)
    assert config_of("demo", values, (tmp_path,)) == make_config(preset, dataset="demo")
    assert preset_of(values) == (preset or "")
    assert preset_of({**values, "seed": 7}) is None


def test_the_values_of_a_run_give_its_settings_back(drawn_settings, drawn):
    config = make_config(**drawn_settings, seed=5, filter_percent=33)
    assert config_of(config.dataset, values_of(config), (drawn.parent,)) == config


def test_paths_of_the_users_own_files_must_be_allowed_and_there(tmp_path):
    (tmp_path / "masks").mkdir()
    values = {**preset_values(None), "saliency.detector": f"masks:{tmp_path / 'masks'}"}
    assert config_of("demo", values, (tmp_path,)).saliency.detector == f"masks:{tmp_path / 'masks'}"
    with pytest.raises(DatasetError, match="lies outside"):
        config_of("demo", values, (tmp_path / "masks" / "deeper",))
    with pytest.raises(DatasetError, match="no such file"):
        config_of("demo", {**values, "features.encoder": f"file:{tmp_path / 'none.npz'}"}, (tmp_path,))


def test_a_value_out_of_range_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="clusters 1"):
        config_of("demo", {**preset_values(None), "clustering.clusters": 1}, (tmp_path,))


def test_the_preview_names_missing_weights_and_how_to_get_them(workspace, pypi_weights):
    config = make_config("paper-voc", dataset="demo")
    found = preview(workspace, config, DatasetSummary(240, True, 10, True), "cpu")
    assert [file.name for file in found.missing] == ["basnet", "dino-vits8"]
    assert run_form.how_to_get(REGISTRY["dino-vits8"]) == (
        "comus weights download dino-vits8",
        "comus weights import dino-vits8 dino_deitsmall8_pretrain.pth",
    )
    assert found.supervision["supervision"] == {"direct": "none", "inherited": "masks"}
    assert shlex.split(found.command) == [
        *("comus", "run", "demo", "--preset", "paper-voc", "--device", "cpu"),
        *("--workspace", str(workspace.root)),
    ]


def test_the_preview_resolves_what_is_left_to_the_machine(workspace, pypi_weights):
    found = preview(workspace, RunConfig("demo"), DatasetSummary(240, True, 10, True), "auto")
    assert found.config == RunConfig("demo")  # submitted as asked, so that it means the same anywhere
    assert (found.chosen.saliency.detector, found.chosen.features.encoder) == ("comus", "efficientnet-lite0")
    assert found.missing == ()
    assert found.cost.total > 0 and found.free_bytes > 0


def test_the_preview_knows_the_largest_image(workspace, pypi_weights):
    small, large = (
        preview(workspace, RunConfig("demo"), DatasetSummary(8, False, largest=n), "cpu") for n in (0, 10**8)
    )
    assert large.cost.memory_bytes - small.cost.memory_bytes == 8 * 10**8


def test_words_tell_what_is_not_on_this_machine(pypi_weights):
    detectors, encoders = run_form.detector_words(), run_form.encoder_words()
    assert detectors["auto"] == "best on this machine: comus"
    assert encoders["auto"] == "best on this machine: efficientnet-lite0"
    missing = {name for name, words in (detectors | encoders).items() if "not on this machine" in words}
    dino = {"dino-vits8", "dino-vits16", "dino-vitb8", "dino-vitb16", "dinov2-vits14", "dinov2-vitb14"}
    assert missing == {"basnet", "basnet-supervised", *dino}
    assert list(detectors)[-2:] == ["masks:", "annotations:"] and list(encoders)[-2:] == ["timm:", "file:"]
    assert run_form.parse_own("features.encoder", "timm:test_vit") == ("timm:", "test_vit")


def test_the_number_of_clusters_is_told_as_it_will_be():
    assert run_form.cluster_words(DatasetSummary(5, True, 3)) == "3, from labels"
    assert run_form.cluster_words(DatasetSummary(5, True, None)) == "from labels"
    assert run_form.cluster_words(DatasetSummary(5, False)).startswith("auto")
    assert run_form.cluster_words(None) == "from labels, else auto"


def test_devices_are_asked_without_torch(monkeypatch):
    monkeypatch.setattr(run_form, "gpu_names", lambda: ("cuda:0", "cuda:1"))
    assert list(run_form.device_words()) == ["auto", "cuda:0", "cuda:1", "cpu"]
    assert run_form.device_words()["auto"] == "best: cuda:0"
    assert [run_form.given_device(name) for name in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cpu",
    ]


def test_the_same_start_twice_is_one_job_and_another_setting_is_another(workspace, tmp_path):
    """The jobs fail at once, for want of a folder; what counts is what was queued."""
    config = make_config(dataset=str(tmp_path / "nowhere"))
    first = JobTable(workspace.database).insert(
        "discover", to_dict(config), {"until": "evaluation"}, "cpu", tmp_path, {}
    )
    assert start(workspace, config, "cpu").id == first.id
    other = start(workspace, make_config(dataset=config.dataset, seed=1), "cpu")
    assert other.id != first.id
    assert jobs.supervisor_pid(workspace) is not None
    assert jobs.wait(workspace, other.id, 90).state == "failed"
    assert jobs.get(workspace, first.id).state == "failed"
    assert "no such folder" in jobs.get(workspace, other.id).error
    again = start(workspace, config, "cpu")
    assert again.id not in (first.id, other.id)  # one that has ended is no reason not to try again


@pytest.mark.parametrize(
    ("asked", "seen", "auto"),
    [
        ("auto", None, True),
        ("auto", DatasetSummary(5, True, 3), True),
        (None, None, False),  # nothing is chosen yet, so nothing is in force
        (None, DatasetSummary(5, True, 3), False),  # from labels
        (None, DatasetSummary(5, False), True),
        (7, DatasetSummary(5, False), False),
    ],
)
def test_stability_is_said_to_choose_exactly_where_it_does(asked, seen, auto):
    assert run_form.is_auto(asked, seen) is auto
    for after in (True, False):
        assert run_form.is_auto(run_form.number_instead(after, seen), seen) is after
