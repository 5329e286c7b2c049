"""The linear classifier of a run's features joined to the workspace: what it learned, and how it names objects."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from comus_core.errors import WorkspaceError
from comus_core.features.encoders import own_vectors
from comus_core.runs import artifact_readers as tables
from comus_core.stages.context import StageContext
from comus_core.stages.vectors import surroundings
from comus_core.training.preview_plan import Classify
from comus_core.workspace import Artifact, Run
from comus_core.workspace.decisions import Decisions

FILE = "classifier.npz"


def classifier(
    context: StageContext,
    run: Run,
    labels: Artifact,
    *,
    clusters: Artifact,
    decided: Decisions,
    share: float = 0.0,
) -> Artifact | None:
    """`classifier.npz`: `weight` (C, d), `bias` (C,) and `surroundings`, learned from the core.

    None where the run's features came from a file: nobody can make such a feature of a new crop. `labels` are the
    pseudo-masks of these clusters, the run's own or regrouped, and decisions; their key stands for both. `share` of a
    box's sides is added for a second crop, of what is around an object; 0: no second crop.
    """
    if own_vectors(context.config.features.encoder):
        return None
    features = context.workspace.artifact(run, "features")
    around = surroundings(context, context.workspace.artifact(run, "proposals"), share)

    def write(folder: Path) -> None:
        from comus_core.clustering.linear_classifier import fit_classifier, joint_vectors

        categories = tables.categories_of(tables.read_clusters(clusters), decided)
        ids, vectors = tables.read_vectors(features)
        learned = categories.kept(decided) & (categories.category >= 0)
        table_ids = tables.read_clusters(clusters).proposal_id
        category_of = dict(zip(table_ids[learned], categories.category[learned].tolist(), strict=True))
        rows = [row for row, proposal_id in enumerate(ids) if proposal_id in category_of]
        category = np.array([category_of[ids[row]] for row in rows], np.int32)
        core = np.asarray(vectors[rows])
        if around is not None:
            core = joint_vectors(core, tables.vectors_of(around, ids)[rows])
        fitted = fit_classifier(core, category, len(categories.ids), share)
        np.savez(folder / FILE, weight=fitted.weight, bias=fitted.bias, surroundings=fitted.surroundings)

    inputs = {"surroundings": around} if around is not None else {}
    key = context.key("classifier", {}, None, features=features, labels=labels, **inputs)
    return context.make("classifier", key, None, write)


def load_classifier(context: StageContext, artifact: Artifact) -> Classify:
    """What names the objects of an image in `prediction.predict`; loads the run's encoder.

    Raises:
        WorkspaceError: its file is gone, damaged, or of another version that says less.
    """
    from comus_core.clustering.linear_classifier import LinearClassifier
    from comus_core.features.encoders import load_encoder
    from comus_core.features.regions import describer
    from comus_core.training.object_classifier import objects_of

    with artifact.reading(FILE) as file, np.load(file, allow_pickle=False) as stored:
        if "surroundings" not in stored:
            raise WorkspaceError(f"{file} is of another version: train the run again (`comus train RUN`)")
        learned = LinearClassifier(stored["weight"], stored["bias"], float(stored["surroundings"]))
    how = context.config.features
    describe = describer(load_encoder(how.encoder, context.device, how.precision), how)
    return partial(objects_of, describe=describe, classifier=learned)
