"""A table's settings over drawn images with noisy vectors, and a training of a second."""

from comus_core import TableSettings, open_workspace
from comus_core.config import ClusteringSettings, FeatureSettings, SaliencySettings
from comus_core.training import make_training
from tests.builders import TINY_TRAINING, draw_folder, write_vectors

TINY = TINY_TRAINING | {"prediction.classifier_share": 0.0, "labels.regroup": False, "labels.surroundings": 0.0}


def small_table(root):
    """(workspace, settings of table 5) over 30 images below a folder; later rounds would learn from six others."""
    folder = draw_folder(root / "shapes")
    vectors = write_vectors(folder, root / "vectors.npz", noise=3.5)
    settings = TableSettings(
        "5",
        dataset=str(folder),
        more=str(draw_folder(root / "more", count=6, seed=5)),
        saliency=SaliencySettings(detector=f"masks:{folder / 'masks'}"),
        features=FeatureSettings(encoder=f"file:{vectors}"),
        clustering=ClusteringSettings(neighbours=6),
        training=make_training(**TINY),
    )
    return open_workspace(root / "w"), settings
