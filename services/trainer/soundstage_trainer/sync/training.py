"""Learn which sound goes with which lips, and when: each lip stretch must find its own among all lags of all sounds of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from soundstage_trainer.graphs.sync_net import HOPS_PER_FRAME, LENGTHS, SyncNet, SyncVoter
from soundstage_trainer.run import Run, train
from soundstage_trainer.run.rate import set_rates
from soundstage_trainer.sync import augment, streams
from soundstage_trainer.sync.dataset import Clip, speakers

REACH = 100  # hops: lags of ±1 s
SOFT_HOPS = 2.0  # standard deviation of what counts as right, 20 ms
WEIGHT_DECAY = 0.02
# What differs between people in how far each length moves, and how often a length says nothing at all.
LENGTH_GAIN, LENGTH_DROPPED = 0.42, 0.14
MOST_BANDS_DROPPED = 9


@dataclass(frozen=True)
class Plan:
    """steps: for each voter. frames: of a lip stretch."""

    steps: int
    voters: int
    batch: int
    frames: int
    learning_rate: float
    width: int
    size: int
    dropout: float
    seed: int

    def voter(self) -> SyncVoter:
        return SyncVoter(self.width, self.size, dropout=self.dropout)


class SyncTask:
    """One voter after the other. Batch n is drawn from [seed, voter, n] alone."""

    validate_every = 1 << 30

    def __init__(self, clips: list[Clip], plan: Plan, run: Run) -> None:
        self.plan, self.steps = plan, plan.steps * plan.voters
        self.by_speaker = [[clip for clip in clips if clip.speaker == speaker] for speaker in speakers(clips)]
        self.mels = [clip.mel for clip in clips]
        self.device, self.precision = run.device, run.precision()
        torch.manual_seed(plan.seed)
        self.net = SyncNet([plan.voter() for _ in range(plan.voters)]).to(self.device)
        lags = torch.arange(-REACH, REACH + 1, device=self.device)
        self.target = torch.softmax(-0.5 * (lags / SOFT_HOPS) ** 2, dim=0)
        self._begin(0)

    def step(self, n: int) -> dict[str, float]:
        number, at = divmod(n, self.plan.steps)
        if at == 0:
            self._begin(number)
        set_rates([self.optimiser], self.plan.learning_rate, at, self.plan.steps)
        points, mel = self._batch(np.random.default_rng([self.plan.seed, number, at]))
        with self.precision.autocast():
            scores = agreements(self.voter, points, mel)
        logs = F.log_softmax(scores.float().flatten(1), dim=1).reshape(scores.shape)
        own = torch.arange(len(scores), device=self.device)
        loss = -(logs[own, own] * self.target).sum(dim=1).mean()
        self.precision.step(loss, self.optimiser, self.voter.parameters(), clip_norm=5.0)
        return {"loss": float(loss.detach())}

    def validate(self, n: int) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(), "voter": self.number, "optimiser": self.optimiser.state_dict(),
            "precision": self.precision.state(),
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        self._begin(state["voter"])
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.precision.load(state["precision"])

    def _begin(self, number: int) -> None:
        self.number, self.voter = number, self.net.voters[number]
        self.voter.train()
        self.optimiser = torch.optim.AdamW(self.voter.parameters(), lr=self.plan.learning_rate, weight_decay=WEIGHT_DECAY)

    def _batch(self, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        cuts = [
            streams.cut(self.by_speaker[draw.integers(len(self.by_speaker))], self.plan.frames, REACH, draw)
            for _ in range(self.plan.batch)
        ]
        points = augment.lips(np.stack([points for points, _ in cuts]), draw)
        mel = augment.sound(np.stack([mel for _, mel in cuts]), self.mels, draw)
        return torch.from_numpy(points).to(self.device), torch.from_numpy(mel).to(self.device)


def agreements(voter: SyncVoter, points: Tensor, mel: Tensor) -> Tensor:
    """points [B, frames, 52, 3], mel [B, 4 · frames + 2 · REACH, 80] → [B lips, B sounds, lags], summed over the frames.

    While the voter trains, lengths and bands are left out at random.
    """
    shape = voter.shape(points)
    heard = torch.ones(mel.shape[:2], device=mel.device)
    if voter.training:
        count = len(shape)
        gains = torch.exp(torch.randn(count, 1, len(LENGTHS), device=shape.device) * LENGTH_GAIN)
        shape = shape * gains * (torch.rand(gains.shape, device=shape.device) > LENGTH_DROPPED)
        mel = _without_bands(mel)
    lips, sound = voter.of_lips(shape), voter.of_sound(mel, heard)
    return F.conv1d(sound, lips, dilation=HOPS_PER_FRAME)[:, :, : 2 * REACH + 1].transpose(0, 1)


def _without_bands(mel: Tensor) -> Tensor:
    """A few neighbouring bands of each sound stand still at their mean."""
    count, _, bands = mel.shape
    band = torch.arange(bands, device=mel.device)
    first = torch.randint(0, bands, (count, 1), device=mel.device)
    number = 2 * torch.randint(0, MOST_BANDS_DROPPED, (count, 1), device=mel.device)
    dropped = ((band >= first) & (band < first + number)).unsqueeze(1)
    return torch.where(dropped, mel.mean(dim=1, keepdim=True), mel)


def fit(clips: list[Clip], plan: Plan, run: Run) -> SyncNet:
    """A SyncNet of the plan's voters trained on clips, on the CPU; a run that was killed goes on from its newest checkpoint."""
    task = SyncTask(clips, plan, run)
    train(task, run)
    return task.net.eval().cpu()
