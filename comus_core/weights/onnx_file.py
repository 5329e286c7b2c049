"""ONNX files looked into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from comus_core.errors import WeightsError
from comus_core.files.memory_faults import pass_on_memory_fault


def fits(name: str, image: tuple[int, ...], result: tuple[int, ...]) -> Callable[[Path, str], None]:
    """A check of the file of `name`: one input ending in the shape `image`, a first output ending in `result`.

    It raises `WeightsError`, naming the file as it is told to, where the file is no such model.
    """

    def check(file: Path, called: str) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise WeightsError(f"weights '{name}' need ONNX Runtime: pip install onnxruntime") from None
        try:
            session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base class but this
            pass_on_memory_fault(error, file)
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise WeightsError(f"{called} cannot be read as an ONNX model: {reason}") from None
        inputs = [tuple(i.shape[-len(image) :]) for i in session.get_inputs()]
        output = tuple(session.get_outputs()[0].shape[-len(result) :])
        if (inputs, output) != ([image], result):
            raise WeightsError(
                f"{called} does not fit '{name}': one input {image} and a map {result} are needed, "
                f"it has {inputs} and {output}"
            )

    return check
