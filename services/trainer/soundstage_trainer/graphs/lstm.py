"""An LSTM that exports for any number of steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Lstm(nn.LSTM):
    """x float32 [N, steps, inputs] → float32 [N, steps, width · directions]; batch first, state zero at the start.

    PyTorch's own layer, except in an export: torch.export would fix the number of steps to the example's, so there each
    layer becomes ONNX's operator LSTM with the same weights.
    """

    def __init__(self, inputs: int, width: int, *, layers: int = 1, both_ways: bool = False) -> None:
        super().__init__(inputs, width, num_layers=layers, batch_first=True, bidirectional=both_ways)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if not torch.compiler.is_exporting():
            return super().forward(x)[0]
        x = x.transpose(0, 1)
        for layer in range(self.num_layers):
            x = self._operator(x, layer)
        return x.transpose(0, 1)

    def carried(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One layer, one way, going on from where an earlier call ended.

        x float32 [N, steps, inputs], state float32 [2, N, width] (answer and memory; zeros at the start) → float32
        [N, steps, width] and the state at the end.
        """
        if not torch.compiler.is_exporting():
            found, (answer, memory) = super().forward(x, (state[:1].contiguous(), state[1:].contiguous()))
            return found, torch.cat([answer, memory])
        steps, clips = x.shape[1], x.shape[0]
        one = (1, clips, self.hidden_size)
        found, answer, memory = torch.onnx.ops.symbolic_multi_out(
            "LSTM", (x.transpose(0, 1), *self._weights(0, [""]), None, state[:1], state[1:]),
            {"hidden_size": self.hidden_size, "direction": "forward"},
            dtypes=(x.dtype,) * 3, shapes=((steps, 1, clips, self.hidden_size), one, one), version=14,
        )  # fmt: skip
        return found.permute(0, 2, 1, 3).reshape(steps, clips, self.hidden_size).transpose(0, 1), torch.cat([answer, memory])

    def _weights(self, layer: int, suffixes: list[str]) -> tuple[Tensor, Tensor, Tensor]:
        def stacked(kind: str) -> Tensor:
            return torch.stack([_reordered(getattr(self, f"{kind}_l{layer}{suffix}")) for suffix in suffixes])

        return stacked("weight_ih"), stacked("weight_hh"), torch.cat([stacked("bias_ih"), stacked("bias_hh")], dim=1)

    def _operator(self, x: Tensor, layer: int) -> Tensor:
        suffixes = ["", "_reverse"] if self.bidirectional else [""]
        steps, clips = x.shape[0], x.shape[1]
        found = torch.onnx.ops.symbolic(
            "LSTM", (x, *self._weights(layer, suffixes)),
            {"hidden_size": self.hidden_size, "direction": "bidirectional" if self.bidirectional else "forward"},
            dtype=x.dtype, shape=(steps, len(suffixes), clips, self.hidden_size), version=14,
        )  # fmt: skip
        return found.permute(0, 2, 1, 3).reshape(steps, clips, len(suffixes) * self.hidden_size)


def _reordered(weights: Tensor) -> Tensor:
    """Gates from PyTorch's order (input, forget, cell, output) to ONNX's (input, output, forget, cell)."""
    width = weights.shape[0] // 4
    return torch.cat([weights[:width], weights[3 * width :], weights[width : 3 * width]], dim=0)
