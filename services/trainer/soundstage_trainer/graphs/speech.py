"""Is there speech? Silero's voice activity net, all blocks of a sound at once; only its memory goes from block to block.

The original is asked block by block and hands its state back. Here the spectrum and the layers before the memory take
every block together, so that a graph without a loop gives the same numbers many times as fast.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs.lstm import Lstm

SAMPLE_RATE_HZ = 16_000
BLOCK_SAMPLES = 512
CONTEXT_SAMPLES = 64  # of the block before, without which the answers are wrong
WINDOW_SAMPLES, HOP_SAMPLES = 256, 128
WIDTH = 128


class SpeechNet(nn.Module):
    """sound float32 [N, samples] at 16,000 Hz → probability float32 [N, blocks, 1]; blocks = ceil(samples / 512).

    Block i is samples 512 · i to 512 · (i + 1); the last is filled with zeros. Each row knows the past, not the future.
    For a piece of a longer sound: before [N, 64] are the samples before it, state [2, N, 128] is what the piece before
    gave back; zeros at the beginning. Pieces of whole blocks then give the numbers of the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.basis = nn.Conv1d(1, WINDOW_SAMPLES + 2, WINDOW_SAMPLES, stride=HOP_SAMPLES, bias=False)
        self.encoder = nn.ModuleList(
            nn.Conv1d(channels, out, 3, stride=stride, padding=1)
            for channels, out, stride in ((129, 128, 1), (128, 64, 2), (64, 64, 2), (64, WIDTH, 1))
        )
        self.memory = Lstm(WIDTH, WIDTH)
        self.answer = nn.Linear(WIDTH, 1)

    def forward(self, sound: Tensor, before: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        remembered, state = self.memory.carried(self.blocks(sound, before), state)
        return self.answers(remembered), state

    def blocks(self, sound: Tensor, before: Tensor) -> Tensor:
        """sound [N, samples] → what the memory reads, [N, blocks, WIDTH]."""
        clips, samples = sound.shape
        count = (samples + BLOCK_SAMPLES - 1) // BLOCK_SAMPLES
        padded = F.pad(sound, (0, count * BLOCK_SAMPLES - samples)).reshape(clips, count, BLOCK_SAMPLES)
        before = torch.cat([before.unsqueeze(1), padded[:, :, -CONTEXT_SAMPLES:]], dim=1)[:, :-1]
        mirrored = torch.flip(padded[:, :, -CONTEXT_SAMPLES - 1 : -1], dims=[2])
        x = torch.cat([before, padded, mirrored], dim=2).reshape(-1, 1, BLOCK_SAMPLES + 2 * CONTEXT_SAMPLES)
        real, imaginary = self.basis(x).chunk(2, dim=1)
        x = torch.sqrt(real * real + imaginary * imaginary)
        for layer in self.encoder:
            x = F.relu(layer(x))
        return x.reshape(clips, count, WIDTH)

    def answers(self, remembered: Tensor) -> Tensor:
        """[N, blocks, WIDTH] → probability [N, blocks, 1]."""
        return torch.sigmoid(self.answer(F.relu(remembered)))
