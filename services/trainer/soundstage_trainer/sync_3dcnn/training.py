"""One optimisation step of the 3D-CNN after the other, as run/train.py asks for them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from soundstage_trainer.run import Run
from soundstage_trainer.run.rate import set_rates
from soundstage_trainer.sync_3dcnn import blocks
from soundstage_trainer.sync_3dcnn.dataset import Clip
from soundstage_trainer.sync_3dcnn.measures import FRAME_MS, answers_of_net, trials
from soundstage_trainer.sync_3dcnn.net import Sync3dCnn

CLIP_NORM = 5.0
EPSILON = 1e-4


@dataclass(frozen=True)
class Plan:
    """The numbers of a training. batch: pairs of blocks a step."""

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float
    dropout: float


class Sync3dTask:
    """Least squares on the offset of single blocks. The weights that do best on the clips `chosen_on` are kept; best() is the
    net that has them (those of the last step, where there are no such clips)."""

    def __init__(self, learned: list[Clip], chosen_on: list[Clip], plan: Plan, run: Run) -> None:
        self.clips, self.chosen_on, self.plan, self.seed, self.device = learned, chosen_on, plan, run.seed, run.device
        self.places = [blocks.places(clip) for clip in learned]
        self.steps, self.validate_every = plan.steps, max(1, plan.steps // 10)
        torch.manual_seed(run.seed)
        self.net = Sync3dCnn(plan.dropout)
        fit_scales(self.net, learned)
        self.net.to(self.device)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
        self.precision = run.precision()
        self.best_error, self.best_weights = float("inf"), copy.deepcopy(self.net.state_dict())

    def step(self, n: int) -> dict[str, float]:
        torch.manual_seed(self.seed * 1_000_003 + n)  # dropout
        set_rates([self.optimiser], self.plan.learning_rate, n, self.steps)
        flow, mfcc, offset = self._batch(n)
        self.net.train()
        with self.precision.autocast():
            loss = (self.net(flow, mfcc) - offset).square().mean()
        self.precision.step(loss, self.optimiser, self.net.parameters(), clip_norm=CLIP_NORM)
        return {"loss": loss.item()}

    def validate(self, n: int) -> dict[str, float]:
        """Root mean square error of blocks, and the median error of whole clips, of the speakers who are learned from."""
        if not self.chosen_on:
            self.best_weights = copy.deepcopy(self.net.state_dict())
            return {}
        found = [trials(clip, answers_of_net(self.net)) for clip in self.chosen_on]
        error = float(np.sqrt(np.mean(np.concatenate([each.errors().ravel() for each in found]) ** 2)))
        if error < self.best_error:
            self.best_error, self.best_weights = error, copy.deepcopy(self.net.state_dict())
        clips = np.concatenate([each.clip_errors() for each in found])
        return {"block_rmse_frames": error, "clip_median_ms": float(np.median(np.abs(clips)) * FRAME_MS)}

    def best(self) -> Sync3dCnn:
        """The net to be measured and exported, on the CPU."""
        net = Sync3dCnn(self.plan.dropout)
        net.load_state_dict(self.best_weights)
        return net.eval()

    def mean_offset(self) -> float:
        """The mean of all offsets that were drawn: the best guess of who knows nothing but them."""
        return float(np.mean([self._offsets(n) for n in range(self.steps)]))

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "precision": self.precision.state(),
            "best_error": self.best_error, "best_weights": self.best_weights,
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.precision.load(state["precision"])
        self.best_error, self.best_weights = state["best_error"], state["best_weights"]

    def _offsets(self, n: int) -> np.ndarray:
        return np.random.default_rng([self.seed, n]).choice(blocks.OFFSETS, self.plan.batch)

    def _batch(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs of blocks of any clips and places; offsets are drawn evenly, each alike."""
        offsets = self._offsets(n)
        random = np.random.default_rng([self.seed, n, 1])
        pairs = []
        for offset in offsets:
            at = int(random.integers(len(self.clips)))
            clip = self.clips[at]
            pairs.append(blocks.cut(clip, clip, int(random.choice(self.places[at])), int(offset)))
        flow, mfcc = (np.stack(part) for part in zip(*pairs, strict=True))
        return tuple(torch.from_numpy(part).to(self.device) for part in (flow, mfcc, offsets.astype(np.float32)))


def fit_scales(net: Sync3dCnn, clips: list[Clip]) -> None:
    flow, mfcc = np.concatenate([clip.flow for clip in clips]), np.concatenate([clip.mfcc for clip in clips])
    net.flow_scale.copy_(torch.tensor(1.0 / (float(flow.std()) + EPSILON)))
    net.mfcc_mean.copy_(torch.from_numpy(mfcc.mean(axis=0)))
    net.mfcc_scale.copy_(torch.from_numpy(1.0 / (mfcc.std(axis=0) + EPSILON)))
