"""Nothing is written that does not give, through onnxruntime, what PyTorch gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, to_onnx


@dataclass(frozen=True)
class Exported:
    """model: the graph. parity: for the card's `parity`. running: a session of the very file that will be written."""

    model: onnx.ModelProto
    parity: dict[str, Any]
    running: onnxruntime.InferenceSession


def export_with_gate(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    *,
    inputs: list[str],
    outputs: list[str],
    dynamic: dict[str, dict[int, object]],
    tolerance: float,
    cases: Sequence[tuple[torch.Tensor, ...]] = (),
    compared: list[str] | None = None,
    change: Callable[[onnx.ModelProto], onnx.ModelProto] = lambda model: model,
) -> Exported:
    """Export module and hold the graph to it on the example and on every case (tuples of inputs, other sizes and contents).

    tolerance: the largest |PyTorch − onnxruntime| of any value of the outputs in compared (all, where none are named; of the
    others shape and finite values are checked). change: what is done to the graph before it is
    measured (weights stored as float16). Raises SoundstageError ("export_failed") above the tolerance, on another shape, or
    where a value is no number.
    """
    module = module.eval().cpu()
    model = change(to_onnx(module, example, inputs=inputs, outputs=outputs, dynamic=dynamic))
    running = session(model)
    worst = dict.fromkeys(outputs if compared is None else compared, 0.0)
    shapes = []
    for case in (example, *cases):
        with torch.inference_mode():
            answer = module(*case)
        expected = [tensor.numpy() for tensor in (answer if isinstance(answer, (tuple, list)) else (answer,))]
        found = running.run(outputs, {name: tensor.numpy() for name, tensor in zip(inputs, case, strict=True)})
        shapes.append(" ".join("×".join(map(str, tensor.shape)) or "1" for tensor in case))
        for name, ours, theirs in zip(outputs, found, expected, strict=True):
            difference = _difference(name, shapes[-1], ours, theirs)
            if name in worst:
                worst[name] = max(worst[name], difference)
    largest = max(worst.values(), default=0.0)
    if largest > tolerance:
        raise SoundstageError(
            "export_failed",
            f"The exported graph differs from PyTorch by {largest:.2g}, more than {tolerance:g}; nothing was written.",
        )
    parity = {
        "what": "largest |PyTorch − onnxruntime| of any value of these outputs, CPU",
        "max_abs_difference": _short(largest),
        "by_output": {name: _short(value) for name, value in worst.items()},
        "tolerance": tolerance,
        "inputs": shapes,
    }
    return Exported(model, parity, running)


def metric_gate(what: str, pytorch: float, onnx_runtime: float, *, tolerance: float) -> dict[str, Any]:
    """The recipe's metric by both, as an entry of the card's `measured`.

    Raises SoundstageError ("export_failed") where they lie further apart than tolerance.
    """
    apart = abs(pytorch - onnx_runtime)
    if not apart <= tolerance:
        raise SoundstageError(
            "export_failed",
            f"{what} is {pytorch:.6g} by PyTorch and {onnx_runtime:.6g} through onnxruntime, more than {tolerance:g} apart; nothing was written.",
        )
    return {"what": f"{what}, through onnxruntime", "value": _short(onnx_runtime, 6), "pytorch": _short(pytorch, 6)}


def _difference(name: str, shape: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        raise SoundstageError(
            "export_failed",
            f"Output {name} for inputs {shape} has shape {ours.shape} in the graph and {theirs.shape} in PyTorch.",
        )
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise SoundstageError("export_failed", f"Output {name} for inputs {shape} holds values that are no numbers.")
    return float(np.abs(ours.astype(np.float64) - theirs).max(initial=0.0))


def _short(value: float, digits: int = 2) -> float:
    return float(f"{value:.{digits}g}")
