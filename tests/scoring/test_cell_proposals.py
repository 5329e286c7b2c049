"""The proposals behind a cell of the confusion matrix, one by one from the counts."""

import numpy as np
import pytest

from comus_core import curation
from comus_core.datasets.dataset import open_dataset
from comus_core.scoring.cell_proposals import cell_proposals, rows_of_images
from comus_core.scoring.round_scores import score_clusters


@pytest.fixture
def view(curated_view):
    return curated_view


def by_loop(view, decided, scored, predicted, true, filtered) -> list[int]:
    found, kept, rows = view.categories(decided), view.kept(decided), []
    for row, proposal_id in enumerate(view.proposals.proposal_id):
        pixels = view.counts.pixels(view.counts.rows_of([proposal_id]))[0]
        mostly = int(pixels[1:].argmax()) + 1 if pixels[1:].any() else 0
        category = found.category[row] if kept[row] or not filtered else -1
        class_of = int(scored.matched.class_of[category + 1])
        counts_as = len(view.classes) if class_of < 0 else class_of
        if (
            mostly == true
            and counts_as == predicted
            and str(view.proposals.image_id[row]) not in decided.layout.excluded
        ):
            rows.append(row)
    return rows


@pytest.mark.parametrize("filtered", [False, True])
def test_every_cell_holds_the_proposals_of_its_classes_and_all_cells_hold_all(view, filtered):
    curation.move(view, [str(p) for p in view.proposals.proposal_id[:3]], None)
    decided = curation.exclude(view, [str(view.proposals.image_id[9])])
    scored = score_clusters(view, decided, filtered=filtered)
    n, together = len(view.classes), []
    for predicted in range(n + 1):
        for true in range(n):
            rows = cell_proposals(view, decided, scored, predicted, true, filtered=filtered)
            assert rows.tolist() == by_loop(view, decided, scored, predicted, true, filtered)
            together += rows.tolist()
    gone = np.flatnonzero(view.categories(decided).excluded).tolist()
    assert gone and sorted([*together, *gone]) == list(range(len(view)))


def test_rows_of_images_are_theirs_in_the_order_of_the_images(view):
    images = [str(view.proposals.image_id[row]) for row in (20, 3)]
    empty = sorted(set(map(str, view.image_ids)) - set(view.rows_of_image))[0]
    decided = curation.decided_in(view)
    rows = rows_of_images(view, decided, [images[0], empty, images[1]])
    assert rows.tolist() == [*view.rows_of_image[images[0]], *view.rows_of_image[images[1]]]
    assert len(rows_of_images(view, decided, [empty])) == 0


def test_a_drawn_object_is_in_the_cell_of_its_pixels_and_among_the_rows_of_its_image(view):
    image_id = str(view.proposals.image_id[9])
    mask = open_dataset(view.run.config.dataset, view.workspace.drawings).truth.mask(image_id)
    true = int(np.bincount(mask[(mask > 0) & (mask < 255)]).argmax())
    decided = curation.draw(view, image_id, [curation.NewObject(mask == true, 2)])
    scored, n, drawn = score_clusters(view, decided), len(view.classes), len(view)
    cells = {(p, t): cell_proposals(view, decided, scored, p, t).tolist() for p in range(n + 1) for t in range(n)}
    counts_as = int(scored.matched.class_of[2 + 1])
    assert [cell for cell, rows in cells.items() if drawn in rows] == [(n if counts_as < 0 else counts_as, true)]
    other = str(view.proposals.image_id[20])
    expected = [*view.rows_of_image[image_id], drawn, *view.rows_of_image[other]]
    assert rows_of_images(view, decided, [image_id, other]).tolist() == expected
    decided = curation.exclude(view, [image_id])
    scored = score_clusters(view, decided)
    assert not any(drawn in cell_proposals(view, decided, scored, p, t) for p in range(n + 1) for t in range(n))
