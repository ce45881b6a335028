"""Device and number format of a training: float32 on a CPU, bfloat16 or float16 with a scaled loss on a GPU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from soundstage_trainer.errors import SoundstageError

FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def device_of(name: str) -> torch.device:
    """The device of this name; auto is a GPU where there is one. Raises SoundstageError ("bad_input") without one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise SoundstageError("bad_input", "There is no GPU that PyTorch can use; give --device cpu or auto.")
    return torch.device(name)


class Precision:
    """Mixed precision as one object: `with precision.autocast()` around the loss, `precision.step(...)` after it.

    Put state() into a task's state and load() it again: the scale of a float16 loss is part of where a run stands.
    """

    def __init__(self, device: torch.device, name: str = "auto") -> None:
        if name == "auto":
            # A T4 has no bfloat16 of its own; PyTorch would only imitate it there.
            own = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
            name = "float32" if device.type == "cpu" else "bfloat16" if own else "float16"
        if device.type == "cpu" and name != "float32":
            raise SoundstageError("bad_input", f"precision {name} needs a GPU; give float32 or auto.")
        self.device, self.name = device, name
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "float16")

    def autocast(self) -> torch.autocast:
        """Context for the forward pass and the loss."""
        return torch.autocast(self.device.type, dtype=FORMATS[self.name], enabled=self.name != "float32")

    def step(
        self,
        loss: torch.Tensor,
        optimiser: torch.optim.Optimizer,
        parameters: Iterable[torch.nn.Parameter],
        *,
        clip_norm: float | None = None,
        retain_graph: bool = False,
    ) -> None:
        """Gradients of loss, their norm held to clip_norm, one step of the optimiser; float16 leaves out a step that overflows."""
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward(retain_graph=retain_graph)
        if clip_norm is not None:
            self.scaler.unscale_(optimiser)
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        self.scaler.step(optimiser)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        return self.scaler.state_dict()

    def load(self, state: dict[str, Any]) -> None:
        if state and self.scaler.is_enabled():
            self.scaler.load_state_dict(state)
