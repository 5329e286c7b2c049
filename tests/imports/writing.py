"""Files of label tools as those tools write them, from the masks of a run; without the program's own readers."""

import json

import numpy as np
from pycocotools import mask as coco_mask


def objects_of(view, decided=None):
    """(proposal id, image id, category id or −1, mask) of every proposal as decided."""
    decided = decided or view.workspace.decisions_of(view.run)
    masks, id_of = view.masks(decided), view.categories(decided).id_of
    for row, proposal in enumerate(view.proposals.proposal_id):
        if masks.area[row] > 0:
            yield str(proposal), str(view.proposals.image_id[row]), int(id_of[row]), masks.mask(row)


def coco(view, change=lambda proposal, mask: mask, *, ids=True, name_of=None, images=None):
    """A COCO file of a run as a dictionary; `change` gives other masks, None for none."""
    decided = view.workspace.decisions_of(view.run)
    name_of = name_of or decided.name_of
    images = list(view.image_ids) if images is None else images
    number = {image_id: k for k, image_id in enumerate(images, 1)}
    content = {
        "images": [
            {
                "id": number[i],
                "file_name": str(view.image_paths[view.image_row_of[i]]),
                "height": int(view.image_sizes[view.image_row_of[i]][0]),
                "width": int(view.image_sizes[view.image_row_of[i]][1]),
            }
            for i in images
        ],
        "categories": [{"id": k + 1, "name": name_of(k)} for k in view.labels(decided).ids],
        "annotations": [],
    }
    for proposal, image_id, category, mask in objects_of(view, decided):
        mask = change(proposal, mask) if image_id in number else None
        if mask is not None and category >= 0:
            entry = {"id": len(content["annotations"]) + 1, "image_id": number[image_id], "category_id": category + 1}
            entry["segmentation"] = rle(mask)
            content["annotations"].append(entry | ({"comus_id": proposal} if ids else {}))
    return content


def rle(mask):
    packed = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(mask.shape), "counts": packed["counts"].decode()}


def write(path, content):
    path.write_text(json.dumps(content))
    return path
