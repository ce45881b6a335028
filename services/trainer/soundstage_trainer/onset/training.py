"""Fit the onset net on clips; find the threshold; run it over a clip. One seed, one result, killed on the way or not."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from soundstage_trainer.graphs import onset_net
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.scoring import Counts, count_hits, pooled
from soundstage_trainer.run.precision import Precision
from soundstage_trainer.run.run import Run
from soundstage_trainer.run.train import train

GRID_S = 1.0 / onset_net.GRID_RATE_HZ
CROP_STEPS = 150
TARGET_SIGMA_S = 0.025
ONSET_WEIGHT = 4.0
ENVELOPE_SHARE = 0.3
VALIDATED_EPOCHS = 5
Scored = tuple[np.ndarray, np.ndarray, np.ndarray]  # times_s and heights of the peaks, true times_s
THRESHOLDS = np.round(np.arange(0.06, 0.8, 0.02), 2)


@dataclass(frozen=True)
class TrainingPlan:
    """epochs: one epoch draws as many crops as there are clips. voters: nets whose answers are averaged."""

    epochs: int = 30
    voters: int = 3
    batch: int = 8
    learning_rate: float = 3e-3
    seed: int = 1


def steps_of(clips: int, plan: TrainingPlan) -> int:
    """Optimisation steps of a training on so many clips."""
    return plan.voters * plan.epochs * max(1, round(clips / plan.batch))


class OnsetTraining:
    """The task (run/train.py) that makes an OnsetNet: onsets from the impact clips, loudness from all of them.

    One voter after the other, each with generators of its own seed. One epoch draws as many crops as there are clips.
    validation: clips on which the voter at hand is judged after every VALIDATED_EPOCHS; none, and nothing is validated.
    """

    def __init__(self, clips: list[Clip], plan: TrainingPlan, precision: Precision, validation: list[Clip] | None = None) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.precision, self.validation = plan, precision, validation or []
        self.net = onset_net.OnsetNet(voters=plan.voters).to(precision.device)
        self.material = [_Material(clip, precision.device) for clip in clips]
        self.steps = steps_of(len(clips), plan)
        self.steps_of_voter = self.steps // plan.voters
        self.validate_every = VALIDATED_EPOCHS * (self.steps_of_voter // plan.epochs)

    def step(self, n: int) -> dict[str, float]:
        if n % self.steps_of_voter == 0:
            self._begin(n // self.steps_of_voter)
        with self.precision.autocast():
            loss = _loss(self.voter, _draw(self.material, self.plan.batch, self.random))
        self.precision.step(loss, self.optimiser, self.voter.parameters(), clip_norm=1.0)
        self.schedule.step()
        return {"loss": float(loss.detach())}

    def validate(self, n: int) -> dict[str, float]:
        if not any(len(clip.onsets_s) and clip.entry.impact for clip in self.validation):
            return {}
        net = onset_net.OnsetNet(voters=0)
        net.voters.append(copy.deepcopy(self.voter).cpu())
        scored = [heard(net.eval(), clip) for clip in self.validation if clip.entry.impact]
        threshold = best_threshold(scored, THRESHOLDS)
        return {"f1_50ms": f1_at(scored, threshold, 0.05)}

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(), "voter": self.number, "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(), "random": json.dumps(self.random.bit_generator.state),
            "precision": self.precision.state(),
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        self._begin(state["voter"])
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.random.bit_generator.state = json.loads(state["random"])
        self.precision.load(state["precision"])

    def _begin(self, number: int) -> None:
        self.number, self.voter = number, self.net.voters[number]
        self.random = np.random.default_rng([self.plan.seed, number])
        torch.manual_seed(self.plan.seed * 1000 + number)
        rate = self.plan.learning_rate
        self.optimiser = torch.optim.AdamW(self.voter.parameters(), lr=rate, weight_decay=0.02)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, rate, total_steps=self.steps_of_voter)
        self.voter.train()


def fit(clips: list[Clip], plan: TrainingPlan, run: Run, validation: list[Clip] | None = None) -> onset_net.OnsetNet:
    """An OnsetNet trained on clips, on the CPU; a run that was killed goes on from its newest checkpoint."""
    task = OnsetTraining(clips, plan, run.precision(), validation)
    train(task, run)
    return task.net.eval().cpu()


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


def heard(net: onset_net.OnsetNet, clip: Clip) -> Scored:
    """All peaks of a clip, and its truth."""
    onset, peak, _ = detect(net, clip)
    return (*peak_times(onset, peak), clip.onsets_s)


def f1_at(scored: list[Scored], threshold: float, tolerance_s: float) -> float:
    """Pooled F1 of the peaks of at least threshold."""
    return pooled([count_hits(times[heights >= threshold], true, tolerance_s) for times, heights, true in scored]).f1


def best_threshold(scored: list[Scored], thresholds: np.ndarray) -> float:
    """The threshold with the best pooled F1 at 50 and 100 ms together."""

    def score(threshold: float) -> float:
        return f1_at(scored, threshold, 0.05) + f1_at(scored, threshold, 0.1)

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
