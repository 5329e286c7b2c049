"""An 8-bit form of an ONNX segmenter, by ONNX Runtime's static quantization. No torch."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

QUANTISED = ["Conv", "Relu", "Clip", "Add", "Concat", "GlobalAveragePool"]


def int8_bytes(model: bytes, inputs: Iterable[Mapping[str, Any]]) -> bytes:
    """The model with 8-bit convolutions; what comes after the softmax stays in floating point.

    Weights take 7 bits a channel, so that sums fit the 16 bits that processors without VNNI have for them.

    Args:
        model: an ONNX model.
        inputs: name -> array, of the images from which the ranges of activations are taken.

    Returns:
        The ONNX model, with weights and activations of convolutions as QuantizeLinear and DequantizeLinear pairs.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.inputs: Iterator[Mapping[str, Any]] = iter(inputs)

        def get_next(self) -> Mapping[str, Any] | None:
            return next(self.inputs, None)

    loaded = onnx.load_model_from_string(model)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model)
        logging.disable(logging.WARNING)  # its advice to prepare the model is for older exporters
        try:
            quantize_static(
                source,
                target,
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=QUANTISED,
                nodes_to_exclude=after_softmax(loaded),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.disable(logging.NOTSET)
        content: bytes = onnx.load(str(target)).SerializeToString(deterministic=True)
    return content


def after_softmax(model: Any) -> list[str]:
    """Names of the nodes that use what a softmax gave, in the order of the model."""
    reached: set[str] = set()
    names = []
    for node in model.graph.node:  # in topological order, as ONNX demands
        after = not reached.isdisjoint(node.input)
        if after:
            names.append(str(node.name))
        if after or node.op_type == "Softmax":
            reached.update(node.output)
    return names
