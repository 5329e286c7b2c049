"""A packaged ONNX model run by ONNX Runtime, and what `preprocessing.json` says of its inputs and outputs. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from comus_core.training.input_size import LEAST, STRIDE, input_size, resized
from comus_core.training.onnx_opset import OPSET
from comus_core.training.settings import PredictionSettings
from comus_core.types import IndexMask, RgbImage


class PackagedModel:
    """An ONNX model of a package.

    `content` is that of the file, `settings` those of prediction that it was packaged with.
    """

    def __init__(self, content: bytes, settings: PredictionSettings) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # its warnings are about the model's form
        self.settings = settings
        self.session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def inputs(self, image: RgbImage) -> dict[str, Any]:
        """What the model is given of an (H, W, 3) uint8 image."""
        pixels = resized(image, input_size(image, self.settings))
        return {"image": pixels[None], "size": np.array(image.shape[:2], np.int64)}

    def mask(self, image: RgbImage) -> IndexMask:
        """The (H, W) index mask of an image."""
        mask: IndexMask = self.session.run(["mask"], self.inputs(image))[0][0]
        return mask


def preprocessing(settings: PredictionSettings, mean: list[float], std: list[float]) -> dict[str, Any]:
    """How an image becomes an input of the model, and what the outputs are.

    `mean` and `std` are three numbers each, of pixels in [0, 1]; the model itself applies them.
    """
    return {
        "size": settings.size,
        "keep_shape": settings.resize == "keep",
        "multiple": STRIDE,
        "least": LEAST,
        "resample": "bilinear with antialiasing: Pillow's Image.resize(…, Image.Resampling.BILINEAR)",
        "orientation": "upright, as the EXIF tag says",
        "colour": "RGB",
        "opset": OPSET,
        "inputs": {
            "image": {"type": "uint8", "shape": ["n", f"{STRIDE} high", f"{STRIDE} wide", 3]},
            "size": {"type": "int64", "shape": [2], "what": "height and width of the masks"},
        },
        "in_the_model": {"mean": mean, "std": std, "mirrored_view": settings.flip},
        "outputs": {
            "mask": "(n, height, width), index of the best category, 0 background: see labels.json",
            "confidence": "(n, height, width) float32, the share of that category",
            "shares": "(n, categories + 1, 16 high, 16 wide) float32, shares of all, which sum to 1",
        },
    }
