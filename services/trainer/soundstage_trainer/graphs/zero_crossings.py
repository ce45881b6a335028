"""How often the wave crosses zero, as librosa counts it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES, HOP_SAMPLES = 304, 152  # the window is two hops, which the sums below rely on
SMALLEST = 1e-10  # what is nearer to zero counts as zero, and zero as positive


class ZeroCrossings(nn.Module):
    """sound float32 [N, samples] → rate float32 [N, hops, 1]: crossings within the window, divided by its samples.

    hops = 1 + samples // HOP_SAMPLES; beyond both ends the first and the last sample go on, so nothing is crossed there.
    """

    def forward(self, sound: Tensor) -> Tensor:
        clips, samples = sound.shape
        hops = 1 + samples // HOP_SAMPLES
        negative = (sound < -SMALLEST).to(sound.dtype)
        crossed = (negative[:, 1:] - negative[:, :-1]).abs()  # between sample n and n + 1
        # Padded so that entry n stands for the step into sample n − HOP_SAMPLES of the sound.
        crossed = F.pad(crossed, (HOP_SAMPLES + 1, 2 * HOP_SAMPLES))[:, : (hops + 1) * HOP_SAMPLES]
        blocks = crossed.reshape(clips, hops + 1, HOP_SAMPLES)
        sums = blocks.sum(dim=2)
        into_window = blocks[:, :-1, 0]  # the step into a window's first sample lies outside it
        return ((sums[:, :-1] + sums[:, 1:] - into_window) / WINDOW_SAMPLES).unsqueeze(2)
