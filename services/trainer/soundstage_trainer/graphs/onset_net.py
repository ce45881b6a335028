"""When does it sound? A small temporal net over motion features, on a uniform 50 Hz grid.

One small net looks at every part of the picture alike (so that it learns what a blow looks
like and not where it stood in the training clips), the loudest and the mean answer go on to a
second one over the whole picture. Several such pairs, trained from different seeds, vote.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs import motion

GRID_RATE_HZ = 50.0
BLOCK = 2  # the motion grid's cells are joined two by two: 12 blocks learn as well as 48 cells, four times as fast
BLOCKS = motion.CELLS // BLOCK**2
PEAK_REACH_STEPS = 4  # 80 ms to each side: peaks then stand at least 100 ms apart
CELL_INPUTS = len(motion.CELL_CHANNELS)
CLIP_INPUTS = len(motion.CLIP_CHANNELS)
# Where each channel's logarithm bends; in the units of motion.CELL_CHANNELS and motion.CLIP_CHANNELS.
CELL_BENDS = (0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1)
CLIP_BENDS = (0.05, 0.05, 0.1, 0.1, 0.05, 1.0)


class OnsetNet(nn.Module):
    """features float32 [T, C], times_s float32 [T], grid_s float32 [G] → onset, peak, envelope float32 [G], trust [1].

    times_s: the middle of each frame pair, rising. grid_s: uniform, 50 Hz. T and G are at least 1.
    """

    def __init__(self, voters: int = 1, cell_width: int = 12, clip_width: int = 24) -> None:
        super().__init__()
        self.voters = nn.ModuleList(OnsetVoter(cell_width, clip_width) for _ in range(voters))
        # Of trust: the chance that a found onset is right is sigmoid(bias + slope · sureness); see onset/trust.py.
        self.register_buffer("trust_line", torch.tensor([0.0, 0.0]))

    def forward(self, features: Tensor, times_s: Tensor, grid_s: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        cells, clip = compress(features)
        left, right, share = neighbours(times_s, grid_s)
        cells = interpolate(cells, left, right, share).permute(2, 1, 0).unsqueeze(0)  # [1, cells, channels, G]
        clip = interpolate(clip, left, right, share).permute(1, 0).unsqueeze(0)  # [1, channels, G]
        votes = torch.stack([torch.sigmoid(voter(cells, clip)[0]) for voter in self.voters]).mean(dim=0)
        onset, envelope = votes[0], votes[1]
        peak = local_peaks(onset)
        sureness = (peak * peak).sum(dim=0, keepdim=True) / (peak.sum(dim=0, keepdim=True) + 1e-3)
        trust = torch.sigmoid(self.trust_line[:1] + self.trust_line[1:] * sureness)
        return onset, peak, envelope, trust


class OnsetVoter(nn.Module):
    """cells [B, cells, channels, G], clip [B, channels, G] → logits [B, 2, G]: onset, envelope."""

    def __init__(self, cell_width: int, clip_width: int) -> None:
        super().__init__()
        self.cell_width = cell_width
        self.cell_in = nn.Conv1d(CELL_INPUTS, cell_width, 5, padding=2)
        self.cell_layers = nn.ModuleList(
            nn.Conv1d(cell_width, cell_width, 5, padding=2 * dilation, dilation=dilation) for dilation in (2, 4)
        )
        self.clip_in = nn.Conv1d(2 * cell_width + CLIP_INPUTS, clip_width, 5, padding=2)
        self.clip_layers = nn.ModuleList(
            nn.Conv1d(clip_width, clip_width, 5, padding=2 * dilation, dilation=dilation) for dilation in (2, 4)
        )
        self.dropout = nn.Dropout(0.4)
        self.out = nn.Conv1d(clip_width, 2, 1)

    def forward(self, cells: Tensor, clip: Tensor) -> Tensor:
        batch, count, channels, steps = cells.shape
        x = F.relu(self.cell_in(cells.reshape(batch * count, channels, steps)))
        for layer in self.cell_layers:
            x = x + F.relu(layer(x))
        x = x.reshape(batch, count, self.cell_width, steps)
        x = torch.cat([x.amax(dim=1), x.mean(dim=1), clip], dim=1)
        x = F.relu(self.clip_in(self.dropout(x)))
        for layer in self.clip_layers:
            x = x + F.relu(layer(x))
        return self.out(self.dropout(x))


def compress(features: Tensor) -> tuple[Tensor, Tensor]:
    """Signed logarithm of each channel, then the clip's own root mean square taken as one.

    features [T, C] → cells [T, channels, BLOCKS], clip [T, channels]. NaN and infinity count as nothing moving.
    """
    features = torch.nan_to_num(features, nan=0.0, posinf=0.0, neginf=0.0)
    split = CELL_INPUTS * motion.CELLS
    cells = _join(features[:, :split])
    cells = _signed_log(cells, torch.tensor(CELL_BENDS, device=features.device)[None, :, None])
    cells = cells / (torch.sqrt((cells * cells).mean(dim=(0, 2), keepdim=True)) + 0.1)
    clip = _signed_log(features[:, split:], torch.tensor(CLIP_BENDS, device=features.device)[None])
    return cells, clip


def _join(cells: Tensor) -> Tensor:
    """Cells [T, channels · CELLS] in blocks of BLOCK × BLOCK: the largest of the largest, the mean of the rest."""
    blocks = cells.reshape(-1, CELL_INPUTS, motion.ROWS // BLOCK, BLOCK, motion.COLUMNS // BLOCK, BLOCK)
    joined = [
        blocks[:, [c]].amax(dim=(3, 5)) if name.endswith("_max") else blocks[:, [c]].mean(dim=(3, 5))
        for c, name in enumerate(motion.CELL_CHANNELS)
    ]
    return torch.cat(joined, dim=1).flatten(2)


def neighbours(times_s: Tensor, grid_s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each grid time, the indices of the times around it and the share of the right one (0..1).

    Counts the times that lie before each grid time by one scatter and a running sum: T + G steps, not T · G.
    """
    steps = grid_s.shape[0]
    first_s = grid_s[0]
    slot = torch.ceil((times_s - first_s) * GRID_RATE_HZ).clamp(0, steps).to(torch.int64)
    counts = torch.zeros(steps + 1, dtype=torch.float32, device=times_s.device)
    counts = counts.scatter_add(0, slot, torch.ones_like(times_s))
    last = times_s.shape[0] - 1
    left = (torch.cumsum(counts, dim=0)[:steps].to(torch.int64) - 1).clamp(0, last)
    right = (left + 1).clamp(0, last)
    gap_s = (times_s[right] - times_s[left]).clamp(min=1e-4)
    share = ((grid_s - times_s[left]) / gap_s).clamp(0.0, 1.0)
    return left, right, share


def interpolate(values: Tensor, left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """values [T, ...] at the grid: [G, ...]."""
    share = share.reshape([-1] + [1] * (values.dim() - 1))
    return values[left] * (1.0 - share) + values[right] * share


def local_peaks(onset: Tensor) -> Tensor:
    """onset [G] where it is the first largest value within PEAK_REACH_STEPS to each side, else 0.

    A level stretch has no peak, and neither has the very first step.
    """
    reach = PEAK_REACH_STEPS
    x = onset.reshape(1, 1, 1, -1)  # two-dimensional pooling: the one-dimensional one exports with a fixed length
    before = F.pad(x, (reach, 0, 0, 0), mode="replicate")[..., :-1]
    after = F.pad(x, (0, reach, 0, 0), mode="replicate")[..., 1:]
    above = x > F.max_pool2d(before, (1, reach), stride=1)
    level = x >= F.max_pool2d(after, (1, reach), stride=1)
    return torch.where(above & level, x, torch.zeros_like(x)).reshape(-1)


def _signed_log(values: Tensor, bends: Tensor) -> Tensor:
    return torch.sign(values) * torch.log1p(values.abs() / bends)
