"""U²-Net-p (Qin et al., Pattern Recognition 2020) through ONNX Runtime: fast, but trained on the masks of DUTS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.machine.device import cpu_cores
from comus_core.saliency.preprocessing import normalise, resize_antialiased
from comus_core.saliency.spec import DetectorSpec
from comus_core.types import ImageId, RgbImage, SoftMap

NAME = "u2netp"
SIDE = 320  # pixels: the published file has this input size, and a batch of one, built in


@dataclass(frozen=True)
class U2netpDetector:
    """The fused output of U²-Net-p, without the min-max scaling of its own script."""

    weights_sha256: dict[str, str]
    session: Any  # onnxruntime.InferenceSession, which ships no types
    name: str = NAME
    batch_size: int = 8
    at_least: int = 2 * SIDE

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One (320, 320) map per image, computed one by one."""
        return [self._soft_map(image) for image in images]

    def _soft_map(self, image: RgbImage) -> SoftMap:
        input_name, output_name = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        maps = self.session.run([output_name], {input_name: normalise(resize_antialiased(image, SIDE))})[0]
        return np.asarray(
            np.clip(maps[0, 0], 0, 1), np.float32
        )  # ONNX Runtime's fast sigmoid may leave [0, 1] by one rounding


def load(settings: SaliencySettings, device: str) -> U2netpDetector:
    """The detector with the weights of this machine, on CUDA if ONNX Runtime supports it, else on all CPU cores.

    Raises:
        WeightsError: ONNX Runtime or the file is missing, or the file is another model.
    """
    from comus_core.weights.store import file_sha256, locate

    path = locate(NAME)
    return U2netpDetector({NAME: file_sha256(path)}, _open(path, device))


def _open(path: Path, device: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise WeightsError(
            "saliency 'u2netp' needs ONNX Runtime: `pip install onnxruntime`, or choose another"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leaves the cores to decoding in between
    preferred = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    providers = [p for p in (*preferred, "CPUExecutionProvider") if p in onnxruntime.get_available_providers()]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no base class but this
        pass_on_memory_fault(error, path)
        message = str(error).splitlines()[0]
        raise WeightsError(f"{path} is not an ONNX model ({message}): `comus weights download {NAME}`") from None
    shapes = session.get_inputs()[0].shape, session.get_outputs()[0].shape
    if shapes != ([1, 3, SIDE, SIDE], [1, 1, SIDE, SIDE]):
        raise WeightsError(
            f"{path} is not U²-Net-p: it maps {shapes[0]} to {shapes[1]}, not [1, 3, {SIDE}, {SIDE}] to "
            f"[1, 1, {SIDE}, {SIDE}]: "
            f"`comus weights download {NAME}`"
        )
    return session


SPEC = DetectorSpec(NAME, "U²-Net-p at 320 px: fast, trained on the masks of DUTS", load, weights=NAME, gflop=40.6)
