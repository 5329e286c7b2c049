"""Images that a person excluded: no round learns from them or is scored on them, whoever labels them."""

import numpy as np
import pytest

from comus_core import curation, make_training
from comus_core.pipelines.train import train
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.round_view import open_round_view
from comus_core.stages import networks
from comus_core.training import TrainSettings
from tests.builders import TINY_TRAINING, copy_of

pytestmark = pytest.mark.thorough
TWO_ROUNDS = TrainSettings(make_training(**TINY_TRAINING | {"rounds": 2, "prediction.classifier_share": 0.0}))


def test_no_round_learns_from_an_excluded_image_or_is_scored_on_it(finished, tmp_path, monkeypatch):
    view = open_run_view(*copy_of(finished, tmp_path))
    place, run, seen = view.workspace, view.run, []
    gone = [str(view.proposals.image_id[np.flatnonzero(view.cluster == k)[0]]) for k in (0, 1)]
    labelled = networks.labelled

    def watched(*values, **named):
        examples = labelled(*values, **named)
        seen.append(set(examples.image_ids))
        return examples

    monkeypatch.setattr(networks, "labelled", watched)
    curation.exclude(view, gone)
    training = train(run, place, TWO_ROUNDS, device="cpu")
    assert len(seen) == 2 and all(images and not images & set(gone) for images in seen)
    assert seen[1] == {str(i) for i in view.image_ids} - set(gone)

    counts = place.artifacts.get("round_counts", training.artifacts["counts-2"])
    ids = counts.table().column("image_id").to_pylist()
    values = np.array(counts.table().column("values").to_pylist())
    tables = values.reshape(len(ids), len(training.result["categories"]) + 1, -1)
    stays = [i not in gone for i in ids]
    scored = score_round(place, RunRound(run, 2, training))
    assert np.array_equal(scored.rows.contingency, tables[stays].sum(axis=0))
    assert training.result["rounds"][2]["miou"] == scored.score.miou
    opened = open_round_view(place, training)
    assert all(set(s.rows.image_ids) == set(np.array(ids)[stays]) for s in opened.scores.values())

    curation.include(view, gone)  # a sum over the same counts: nothing is predicted again
    assert np.array_equal(score_round(place, RunRound(run, 2, training)).rows.contingency, tables.sum(axis=0))
    again = train(run, place, TWO_ROUNDS, device="cpu")
    assert again.id != training.id and set(gone) & seen[2]
    assert again.artifacts["network-2"] != training.artifacts["network-2"]
