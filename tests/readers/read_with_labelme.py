"""`python read_with_labelme.py FOLDER OUT.npz`: the masks of each shape group as labelme reads and fills them.

No window is opened: labelme opens a file by `read_label_file`, and its exporters fill by `shapes_to_label`.
"""

import sys
from pathlib import Path

from answer import Answer
from labelme._label_file import read_label_file
from labelme.utils import img_data_to_arr, shapes_to_label


def main(folder, out):
    names = (Path(folder) / "labels.txt").read_text().splitlines()
    value_of = {name: value for value, name in enumerate(names, -1)}
    answer = Answer(out)
    for path in sorted((Path(folder) / "images").glob("*.json")):
        read = read_label_file(str(path))
        classes, instances = shapes_to_label(img_data_to_arr(read.image_data).shape, read.shapes, value_of)
        for number in range(1, int(instances.max()) + 1):
            mask = instances == number
            answer.add(path.stem, names[int(classes[mask][0]) + 1], mask=mask)
    answer.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
