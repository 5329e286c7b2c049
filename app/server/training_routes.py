"""Routes of self-training: a network's masks while it trains, and what its rounds made of each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import urls
from app.data.colouring import category_colours
from app.data.palette import colours
from app.data.run_cache import rounds_of, workspace
from app.server import http_responses, pictures
from comus_core.datasets.demo import drawing
from comus_core.errors import WorkspaceError
from comus_core.evaluation.error_map import IGNORED, INVENTED, MISSED, RIGHT, WRONG_CLASS
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_view import RunView
from comus_core.runs.trained_categories import trained_ids
from comus_core.runs.training_previews import previewed_mask
from comus_core.scoring.round_view import RoundView
from comus_core.types import IndexMask
from comus_core.workspace.trainings import Training

LONGEST = 960  # pixels of a layer's longer side
# Bright on a darkened image, apart for colour-blind eyes by lightness too, and none of the first classes' colours.
ERROR_COLOURS = {WRONG_CLASS: "#e8d33f", MISSED: "#4cc9f0", INVENTED: "#e5386d"}
ERROR_WORDS = {WRONG_CLASS: "wrong class", MISSED: "missed", INVENTED: "false positive", IGNORED: "ignored"}
IGNORED_COLOUR = "#8b93a0"


def routes() -> list[Route]:
    """All routes of self-training."""
    return [
        Route("/api/runs/{run}/previews/{network}/{step:int}/{row:int}", preview),
        Route("/api/runs/{run}/learned/{labels}/{row:int}", learned),
        Route("/api/trainings/{training}/{name}/{row:int}", round_picture),
    ]


def preview(request: Request) -> Response:
    """What a network predicted at a step of its training for one of the run's images."""

    def answer(view: RunView) -> Response:
        network, step = request.path_params["network"], request.path_params["step"]
        table = view.workspace.trainings
        trainings = {p.network: training for training in table.of_run(view.run.id) for p in table.previews(training)}
        training = _training_of(view, "network", trainings, network)
        return _mask(
            request, view, training, f"{network}.{step}", lambda i: previewed_mask(view.workspace, network, step, i)
        )

    return http_responses.answering(request, answer)


def learned(request: Request) -> Response:
    """The pseudo-mask that a training learned from."""

    def answer(view: RunView) -> Response:
        labels = request.path_params["labels"]
        trainings = {
            training.artifacts["labels-1"]: training for training in view.workspace.trainings.of_run(view.run.id)
        }
        training = _training_of(view, "pseudo-masks", trainings, labels)
        artifact = view.workspace.artifacts.get("pseudo_masks", labels)

        def mask(image_id: str) -> IndexMask:
            stored = MaskReader(artifact).read(image_id)
            if stored is None:
                raise WorkspaceError(f"image {image_id} has no pseudo-mask: none of its proposals was kept")
            return stored

        return _mask(request, view, training, labels, mask)

    return http_responses.answering(request, answer)


def round_picture(request: Request) -> Response:
    """The image, the ground truth, a round's mask or its errors, of an image that a training is scored on."""

    def answer() -> Response:
        rounds = rounds_of(workspace().trainings.get(request.path_params["training"]))
        row = http_responses.row("image", request.path_params["row"], len(rounds.image_ids))
        image_id, version = rounds.image_ids[row], urls.rounds_version(rounds)
        name, _, number = http_responses.choice("layer", request.path_params["name"], _names(rounds)).partition("-")
        if name == "image":
            size = http_responses.size(request, urls.IMAGE_SIZES, 0)
            path, workspace_root = rounds.dataset.by_id[image_id].path, rounds.workspace.root
            file = pictures.shown_path(image_id, path, rounds.dataset.root, workspace_root)
            return http_responses.versioned(request, version, lambda: pictures.photograph_at(file, size), "image/jpeg")
        make = {"truth": _truth, "mask": _round_mask, "errors": _errors}[name]
        return http_responses.versioned(request, version, lambda: make(rounds, image_id, int(number or 0)), "image/png")

    return http_responses.respond(answer)


def _training_of(view: RunView, subject: str, trainings: Mapping[str, Training], fingerprint: str) -> Training:
    if fingerprint not in trainings:
        raise WorkspaceError(f"{subject} {fingerprint[:40]} belongs to no training of run {view.run.id}")
    return trainings[fingerprint]


def _names(rounds: RoundView) -> tuple[str, ...]:
    numbered = [f"{what}-{number}" for number in sorted(rounds.masks) for what in ("mask", "errors")]
    return ("image", "truth", *numbered)


def _mask(
    request: Request, view: RunView, training: Training, version: str, read: Callable[[str], IndexMask]
) -> Response:
    row = http_responses.row("image", request.path_params["row"], len(view.image_ids))
    image_id = str(view.image_ids[row])

    def make() -> bytes:
        ids = trained_ids(training)
        return layer_png(read(image_id), category_colours(ids), index_dtype_and_ignore(len(ids))[1])

    return http_responses.versioned(request, version, make, "image/png")


def _truth(rounds: RoundView, image_id: str, _: int) -> bytes:
    truth = rounds.truth
    if truth is None or not truth.has(image_id):
        raise WorkspaceError(f"image {image_id} has no ground truth")
    return layer_png(truth.mask(image_id), colours(len(truth.classes) - 1), truth.ignore)


def _round_mask(rounds: RoundView, image_id: str, number: int) -> bytes:
    truth = rounds.truth
    if truth is None or number not in rounds.class_of:
        ignore = index_dtype_and_ignore(rounds.categories)[1]
        return layer_png(rounds.mask(number, image_id), category_colours(rounds.ids), ignore)
    classes, n = rounds.classes(number, image_id), len(truth.classes)
    return layer_png(np.where(classes < 0, n, classes), colours(n - 1), n)


def _errors(rounds: RoundView, image_id: str, number: int) -> bytes:
    palette = [ERROR_COLOURS[kind] for kind in sorted(ERROR_COLOURS)]
    assert (RIGHT, WRONG_CLASS, MISSED, INVENTED, IGNORED) == (0, 1, 2, 3, 4), "the palette follows that order"
    return layer_png(rounds.errors(number, image_id), palette, IGNORED)


def layer_png(mask: IndexMask, palette: list[str], ignore: int | None) -> bytes:
    """An index mask as a transparent PNG, its longer side at most `LONGEST`; index i in colour i − 1."""
    small = drawing.fitted((mask.shape[0], mask.shape[1]), LONGEST)
    return drawing.to_png(drawing.index_layer(mask, drawing.rgb(palette), ignore, small))
