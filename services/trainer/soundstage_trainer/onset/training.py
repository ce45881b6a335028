"""Fit the onset net on clips; find the threshold; run it over a clip. One seed, one result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from soundstage_trainer.graphs import onset_net
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.scoring import Counts, count_hits, pooled

GRID_S = 1.0 / onset_net.GRID_RATE_HZ
CROP_STEPS = 150
TARGET_SIGMA_S = 0.025
ONSET_WEIGHT = 4.0
ENVELOPE_SHARE = 0.3
THRESHOLDS = np.round(np.arange(0.06, 0.8, 0.02), 2)


@dataclass(frozen=True)
class TrainingPlan:
    """epochs: one epoch draws as many crops as there are clips. voters: nets whose answers are averaged."""

    epochs: int = 30
    voters: int = 3
    batch: int = 8
    learning_rate: float = 3e-3
    seed: int = 1


def device_of(name: str) -> torch.device:
    """The device of this name; auto is a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def fit(
    clips: list[Clip], plan: TrainingPlan, device: torch.device, on_epoch: Callable[[int, float], None] = lambda done, loss: None
) -> onset_net.OnsetNet:
    """An OnsetNet trained on clips: onsets from the impact clips, loudness from all of them. on_epoch: its last loss."""
    torch.manual_seed(plan.seed)
    net = onset_net.OnsetNet(voters=plan.voters).to(device)
    material = [_Material(clip, device) for clip in clips]
    steps = max(1, round(len(clips) / plan.batch))
    for number, voter in enumerate(net.voters):
        random = np.random.default_rng([plan.seed, number])
        torch.manual_seed(plan.seed * 1000 + number)
        optimiser = torch.optim.AdamW(voter.parameters(), lr=plan.learning_rate, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.learning_rate, total_steps=plan.epochs * steps)
        voter.train()
        for epoch in range(plan.epochs):
            for _ in range(steps):
                loss = _loss(voter, _draw(material, plan.batch, random))
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(voter.parameters(), 1.0)
                optimiser.step()
                schedule.step()
            on_epoch(number * plan.epochs + epoch + 1, float(loss.detach()))
    return net.eval().cpu()


def detect(net: onset_net.OnsetNet, clip: Clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """onset, peak and envelope of a clip at 50 Hz from 0, as serving sees them."""
    with torch.inference_mode():
        onset, peak, envelope, _ = net(*(torch.from_numpy(a) for a in (clip.features, clip.times_s, grid_of(clip))))
    return onset.numpy(), peak.numpy(), envelope.numpy()


def grid_of(clip: Clip) -> np.ndarray:
    return (np.arange(max(1, int(clip.duration_s / GRID_S) + 1)) * GRID_S).astype(np.float32)


def peak_times(onset: np.ndarray, peak: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times and heights of the peaks; between the grid's steps by a parabola, as the caller of the graph does it."""
    at = np.flatnonzero(peak > 0)
    before, top, after = onset[np.maximum(at - 1, 0)], onset[at], onset[np.minimum(at + 1, len(onset) - 1)]
    bend = before - 2 * top + after
    part = np.where(bend < -1e-6, np.clip(0.5 * (before - after) / np.minimum(bend, -1e-6), -0.5, 0.5), 0.0)
    return (at + part) * GRID_S, top


def best_threshold(scored: list[tuple[np.ndarray, np.ndarray, np.ndarray]], thresholds: np.ndarray) -> float:
    """The threshold with the best pooled F1 at 50 and 100 ms together. scored: (times_s, strengths, true_s) a clip."""

    def score(threshold: float) -> float:
        return sum(
            pooled([count_hits(times[strengths >= threshold], true, tolerance) for times, strengths, true in scored]).f1
            for tolerance in (0.05, 0.1)
        )

    values = np.array([score(threshold) for threshold in thresholds])
    smooth = np.convolve(np.pad(values, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    return float(thresholds[int(np.argmax(smooth))])


def folds_by_source(clips: list[Clip], folds: int, seed: int) -> list[list[int]]:
    """Indices of each fold's clips: sources stay whole, and onsets are spread evenly (largest source first)."""
    sources: dict[str, list[int]] = {}
    for index, clip in enumerate(clips):
        sources.setdefault(clip.entry.source, []).append(index)

    def order(name: str) -> tuple[float, str]:
        onsets = sum(len(clips[i].onsets_s) for i in sources[name] if clips[i].entry.impact)
        return (-onsets, hashlib.sha256(f"{seed}{name}".encode()).hexdigest())

    result: list[list[int]] = [[] for _ in range(folds)]
    weight = [0.0] * folds
    for name in sorted(sources, key=order):
        lightest = min(range(folds), key=lambda fold: (weight[fold], fold))
        result[lightest].extend(sources[name])
        weight[lightest] += 1e-3 + sum(len(clips[i].onsets_s) for i in sources[name] if clips[i].entry.impact)
    return result


class _Material:
    """One clip, compressed as the net sees it, on the device."""

    def __init__(self, clip: Clip, device: torch.device) -> None:
        self.impact = clip.entry.impact
        self.cells, self.clip = onset_net.compress(torch.from_numpy(clip.features).to(device))
        self.times_s = torch.from_numpy(clip.times_s).to(device)
        self.onsets_s = torch.from_numpy(clip.onsets_s.astype(np.float32)).to(device)
        self.envelope = torch.from_numpy(clip.envelope).to(device)
        self.duration_s = clip.duration_s


def _draw(material: list[_Material], size: int, random: np.random.Generator) -> tuple[Tensor, ...]:
    """A batch of crops: any place, played a little faster or slower, mirrored or not, cells left out."""
    impact = [m for m in material if m.impact] or material
    parts = []
    for number in range(size):
        clip = impact[random.integers(len(impact))] if number % 4 else material[random.integers(len(material))]
        pace = float(np.exp(random.uniform(-0.2, 0.2)))
        length_s = CROP_STEPS * GRID_S * pace
        start_s = random.uniform(-0.3, max(0.0, clip.duration_s - length_s) + 0.3)
        grid_s = torch.arange(CROP_STEPS, device=clip.times_s.device) * (GRID_S * pace) + start_s
        left, right, share = _neighbours_plain(clip.times_s, grid_s)
        cells = onset_net.interpolate(clip.cells, left, right, share)
        whole = onset_net.interpolate(clip.clip, left, right, share)
        if random.random() < 0.5:
            cells, whole = cells.clone(), whole.clone()
            cells[:, 2], whole[:, 0] = -cells[:, 2], -whole[:, 0]
        keep = torch.from_numpy((random.random(onset_net.BLOCKS) > 0.1).astype(np.float32)).to(cells.device)
        gain = torch.from_numpy(np.exp(random.normal(0, 0.15, onset_net.CELL_INPUTS)).astype(np.float32)).to(cells.device)
        cells = cells * keep * gain[None, :, None]
        away_s = (grid_s[:, None] - clip.onsets_s[None]).abs() / pace
        onset = torch.exp(-0.5 * (away_s / TARGET_SIGMA_S) ** 2).amax(dim=1) if len(clip.onsets_s) else grid_s * 0
        steps = (grid_s / GRID_S).round().clamp(0, len(clip.envelope) - 1).to(torch.int64)
        inside = ((grid_s >= 0) & (grid_s <= clip.duration_s)).to(torch.float32)
        parts.append(
            (cells.permute(2, 1, 0), whole.permute(1, 0), onset, clip.envelope[steps], inside, inside * float(clip.impact))
        )
    return tuple(torch.stack(column) for column in zip(*parts, strict=True))


def _loss(voter: onset_net.OnsetVoter, batch: tuple[Tensor, ...]) -> Tensor:
    cells, whole, onset, envelope, inside, counted = batch
    logits = voter(cells, whole)
    weight = counted * (1.0 + (ONSET_WEIGHT - 1.0) * onset)
    onsets = F.binary_cross_entropy_with_logits(logits[:, 0], onset, weight, reduction="sum") / weight.sum().clamp(min=1)
    loud = F.binary_cross_entropy_with_logits(logits[:, 1], envelope, inside, reduction="sum") / inside.sum().clamp(min=1)
    return onsets + ENVELOPE_SHARE * loud


def _neighbours_plain(times_s: Tensor, grid_s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As onset_net.neighbours, for a grid of any pace; by search, which ONNX does not have."""
    last = len(times_s) - 1
    left = (torch.searchsorted(times_s, grid_s, right=True) - 1).clamp(0, last)
    right = (left + 1).clamp(0, last)
    gap_s = (times_s[right] - times_s[left]).clamp(min=1e-4)
    return left, right, ((grid_s - times_s[left]) / gap_s).clamp(0.0, 1.0)


def counts_at(found: list[np.ndarray], clips: list[Clip], tolerance_s: float) -> list[Counts]:
    return [count_hits(times, clip.onsets_s, tolerance_s) for times, clip in zip(found, clips, strict=True)]
