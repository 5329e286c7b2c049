"""`python read_with_datumaro.py FORMAT FOLDER OUT.npz`: masks and boxes as datumaro reads them."""

import sys

from answer import Answer
from datumaro.components.annotation import Bbox, Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.util.mask_tools import rles_to_mask


def main(kind, folder, out):
    dataset = Dataset.import_from(folder, kind)
    labels = next(iter(dataset.categories().values()))
    answer = Answer(out)
    for item in dataset:
        if item.subset == "trainval":  # of VOC: the images of train once more
            continue
        height, width = item.media.size
        for annotation in item.annotations:
            name = labels[annotation.label].name
            if isinstance(annotation, Mask):
                answer.add(item.id, name, mask=annotation.image)
            elif isinstance(annotation, Polygon):
                answer.add(item.id, name, mask=rles_to_mask([annotation.points], width, height))
            elif isinstance(annotation, Bbox):
                answer.add(item.id, name, box=annotation.get_bbox())
            else:
                raise TypeError(f"{item.id}: {annotation}")
    answer.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
