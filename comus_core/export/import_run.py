"""The masks of an import as the proposals of a new run beside the old one, which stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core import stages
from comus_core.export.export_facts import ancestors
from comus_core.export.import_events import Step, category_steps, highest_id, inherited_steps, mask_steps
from comus_core.export.import_plan import ImportPlan, PlannedMask
from comus_core.pipelines.apply_rounds import context_on
from comus_core.pipelines.discover import both_scores, new_run, note_artifacts, prints, result_json, with_artifacts
from comus_core.proposals.table import Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.runs.decided_objects import DecidedObjects, decided_objects
from comus_core.runs.run_view import RunView
from comus_core.stages import StageContext
from comus_core.stages.imported import given_proposals, reused_clusters, reused_features
from comus_core.types import OnProgress
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace import Artifact, Run
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import is_drawn_id


def import_run(
    view: RunView,
    decided: Decisions,
    plan: ImportPlan,
    *,
    device: str,
    on_progress: OnProgress,
    on_run: Callable[[Run], object],
) -> Run:
    """Make the run that a plan describes; the same plan again is the same run.

    Proposals keep their ids, clusters and vectors where nothing has changed; decisions go on. A person has corrected
    masks, so the run's supervision is masks.

    Raises:
        DatasetError: an image whose masks change is gone, or is another file than in the run.
        SettingsError: the run's vectors came from a file, and a mask has another box.
        WorkspaceError: the run came in a bundle.
    """
    run = view.run
    run.require_own_images()
    context = context_on(run, run.config.dataset, view.workspace, device, on_progress)
    objects = decided_objects(view, decided)
    proposals = _proposals(objects, plan)
    steps = _steps(objects, plan, proposals)
    row = _row(view, context, plan, proposals, steps)
    with view.workspace.runs.attempt(row.id):
        begun = view.workspace.runs.begin(row)
        on_run(begun)
        imported, made = _stages(context, view, plan, begun, proposals, steps)
        every, filtered = both_scores(view.workspace, imported) if "counts" in made else (None, None)
        clusters = tables.read_clusters(made["clustering"]).count
        result = result_json(imported, context, made, clusters, every, filtered)
        done = prints(made)
        return view.workspace.runs.finish(imported.id, done, result, row.provenance if context.computed else {})


def _stages(
    context: StageContext,
    view: RunView,
    plan: ImportPlan,
    run: Run,
    proposals: Proposals,
    steps: Sequence[Step],
) -> tuple[Run, dict[str, Artifact]]:
    note_artifacts(context, run)
    workspace = view.workspace
    made = {"images": stages.check_images(context)}
    stages.require_unchanged(workspace.artifact(view.run, "images"), made["images"], sorted(plan.masks))
    if "soft_maps" in view.run.artifacts:
        made["soft_maps"] = workspace.artifact(view.run, "soft_maps")
    made["proposals"] = given_proposals(context, made["images"], proposals)
    vectors = reused_features(context, view.run, made["proposals"])
    made["features"] = vectors.features
    made["clustering"] = reused_clusters(context, view.run, vectors)
    run = with_artifacts(run, made)
    made["projection"] = stages.projection(context, made["features"])
    log, clustering = workspace.decisions, made["clustering"].fingerprint
    decided = log.append_all(run.id, clustering, lambda now: list(steps) if now.version == 0 else [])
    made["pseudo_masks"] = stages.pseudo_masks(context, made, decided)
    if context.dataset.truth is not None:
        made["counts"] = stages.counts(context, made["images"], made["proposals"])
    return with_artifacts(run, made), made


def _row(view: RunView, context: StageContext, plan: ImportPlan, proposals: Proposals, steps: Sequence[Step]) -> Run:
    """The row of the new run; its id says which masks and decisions it begins with."""
    run = view.run
    masks = {str(p): [bytes(rle).decode(), *map(int, size)] for p, rle, size in _masks(proposals)}
    plus = digest([run.artifacts["clustering"], masks, list(steps)])[:8]
    facts = new_run(context).provenance
    known = [Supervision(**facts["supervision"])]
    drawn = [Supervision("masks", "none")] if plan.changed or plan.new else []
    before = run.provenance.get("added_to")
    provenance = {
        **facts,
        "classes": run.provenance["classes"],
        "root": run.provenance["root"],
        "supervision": asdict(strongest([*known, *drawn])),
        "imported_from": {
            "run": run.id,
            "runs": sorted(ancestors(view)),
            "file": Path(plan.file).name,
            "format": plan.format,
            "counts": plan.counts(),
        },
        **({"added_to": before} if before is not None else {}),
    }
    name = f"{run.name} + {plan.format}"
    return Run(f"{run.id}-import-{plus}", name=name, config=run.config, provenance=provenance)


def _masks(proposals: Proposals) -> list[tuple[Any, Any, Any]]:
    return list(zip(proposals.proposal_id, proposals.rle, proposals.size_hw, strict=True))


def _steps(objects: DecidedObjects, plan: ImportPlan, proposals: Proposals) -> list[Step]:
    """All that is decided in the new run at first: what was decided before, and what the file says."""
    view, kept = objects.view, [str(p) for p in proposals.proposal_id]
    in_category = {c.proposal: bool(objects.category[objects.row_of[c.proposal]] >= 0) for c in plan.changed}
    steps = inherited_steps(view, objects.decided, kept, _drawn(objects, plan))
    return [*steps, *category_steps(plan, view.clusters, highest_id(view)), *mask_steps(plan, in_category)]


def _drawn(objects: DecidedObjects, plan: ImportPlan) -> dict[str, str]:
    """Id -> mask of the drawn objects of the new run, as packed run lengths: as planned, else as decided."""
    planned = {p.proposal: p.rle for masks in plan.masks.values() for p in masks if is_drawn_id(p.proposal)}
    masks, own = objects.masks, range(len(objects.view), len(objects))
    as_decided = {
        str(masks.proposal_id[row]): masks.rle[row].decode()
        for row in own
        if masks.area[row] > 0 and masks.image_id[row] not in plan.masks
    }
    return as_decided | planned


def _proposals(objects: DecidedObjects, plan: ImportPlan) -> Proposals:
    """All proposals of the new run: those of images that the plan touches as planned, the others as decided.

    One of whose mask nothing is left, since a drawn one covers it, is none.
    """
    view, masks = objects.view, objects.view.masks(objects.decided)
    columns: dict[str, list[Any]] = {name: [] for name in Proposals.__dataclass_fields__}
    score_of = dict(zip(masks.proposal_id, masks.score.tolist(), strict=True))
    for image_id in view.image_ids:
        size = view.image_sizes[view.image_row_of[image_id]]
        hw = (int(size[0]), int(size[1]))
        if image_id in plan.masks:
            rows = [
                _planned(planned, hw, score_of) for planned in plan.masks[image_id] if not is_drawn_id(planned.proposal)
            ]
        else:
            rows = [_stored(masks, row) for row in view.rows_of_image.get(image_id, []) if masks.area[row] > 0]
        for proposal, box, area, score, rle in rows:
            values = (image_id, proposal, box, area, score, hw, rle)
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    return _of_columns(columns)


def _planned(planned: PlannedMask, hw: tuple[int, int], score_of: Mapping[Any, float]) -> tuple[Any, ...]:
    """The columns of a planned mask; one that a person drew has the score 1."""
    rle = {"size": list(hw), "counts": planned.rle.encode()}
    x, y, w, h = (int(v) for v in coco_mask.toBbox(rle))
    score = 1.0 if planned.drawn else score_of[planned.proposal]
    return planned.proposal, (x, y, x + w, y + h), int(coco_mask.area(rle)), score, planned.rle.encode()


def _stored(masks: Proposals, row: int) -> tuple[Any, ...]:
    box = tuple(int(v) for v in masks.box_xyxy[row])
    return str(masks.proposal_id[row]), box, int(masks.area[row]), float(masks.score[row]), bytes(masks.rle[row])


def _of_columns(columns: Mapping[str, list[Any]]) -> Proposals:
    def texts(name: str) -> Any:
        values = np.empty(len(columns[name]), object)
        values[:] = columns[name]
        return values

    return Proposals(
        image_id=texts("image_id"),
        proposal_id=texts("proposal_id"),
        box_xyxy=np.array(columns["box_xyxy"], np.int32).reshape(-1, 4),
        area=np.array(columns["area"], np.int64),
        score=np.array(columns["score"], np.float32),
        size_hw=np.array(columns["size_hw"], np.int32).reshape(-1, 2),
        rle=texts("rle"),
    )
