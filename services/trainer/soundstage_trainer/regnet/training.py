"""One optimisation step of RegNet after the other, as run/train.py asks for them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from soundstage_trainer.graphs.regnet_net import HOPS_A_FRAME, Judge, RegNet, Sizes
from soundstage_trainer.regnet.dataset import Clip
from soundstage_trainer.regnet.plan import Plan
from soundstage_trainer.run import Run
from soundstage_trainer.run.rate import set_rates

CLIP_NORM = 1.0
EPSILON = 1e-3
AVERAGED = 0.98  # share that the mean of the weights keeps at each step, once there are enough of them


class RegNetTask:
    """Least squares on the spectrum and a least-squares GAN (Mao et al. 2017) that begins after a part of the steps.

    The mean of the latest weights is judged (Polyak averaging): with few clips a single step moves the answer a lot. Where
    it did best on the validation clips is kept; best() is the net that has those weights.
    """

    def __init__(self, train: list[Clip], validation: list[Clip], sizes: Sizes, plan: Plan, run: Run) -> None:
        self.clips, self.held_out, self.plan, self.seed, self.device = train, validation, plan, run.seed, run.device
        self.steps, self.validate_every = plan.steps, max(1, plan.steps // 20)
        torch.manual_seed(run.seed)
        self.net, self.judge = RegNet(sizes), Judge(sizes)
        _fit_scales(self.net, train)
        self.net.to(self.device), self.judge.to(self.device)
        rate, decay = plan.learning_rate, plan.weight_decay
        self.optimiser = torch.optim.AdamW(self.net.parameters(), rate, betas=(0.8, 0.99), weight_decay=decay)
        self.judge_optimiser = torch.optim.AdamW(self.judge.parameters(), rate, betas=(0.5, 0.9), weight_decay=1e-4)
        self.precision, self.judge_precision = run.precision(), run.precision()
        self.average = copy.deepcopy(self.net)
        self.best_error, self.best_weights = float("inf"), copy.deepcopy(self.net.state_dict())

    def step(self, n: int) -> dict[str, float]:
        torch.manual_seed(self.seed * 1_000_003 + n)  # dropout
        set_rates([self.optimiser, self.judge_optimiser], self.plan.learning_rate, n, self.steps)
        visual, mel, there, heard = self._batch(n)
        self.net.train()
        with self.precision.autocast():
            before, after = self.net.learn(visual, mel, heard)
            near = _error(before, mel, there) + _error(after, mel, there)
        told = {"mel_error": near.item()}
        loss, judged = near, self.plan.gan_weight > 0 and n >= self.plan.gan_from
        if judged:
            told |= self._teach_judge(visual, mel, after.detach())
            with self.precision.autocast():
                deceived = (self.judge(visual, after.float() * there + mel * (1 - there)) - 1).square().mean()
            loss = near + self.plan.gan_weight * deceived
            told["gan"] = deceived.item()
        self.precision.step(loss, self.optimiser, self.net.parameters(), clip_norm=CLIP_NORM)
        self._average_weights(n)
        return {"loss": loss.item(), **told}

    def validate(self, n: int) -> dict[str, float]:
        """Mean |difference| of the spectrum on the validation clips, the auxiliary branch silent."""
        if not self.held_out:
            self.best_weights = copy.deepcopy(self.average.state_dict())
            return {}
        error = float(np.mean([np.abs(spectrum(self.average, clip) - clip.mel).mean() for clip in self.held_out]))
        if error < self.best_error:
            self.best_error, self.best_weights = error, copy.deepcopy(self.average.state_dict())
        return {"mel_l1": error, "mel_l1_best": self.best_error}

    def best(self) -> RegNet:
        """The net to be exported."""
        net = copy.deepcopy(self.net)
        net.load_state_dict(self.best_weights)
        return net.eval()

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(), "average": self.average.state_dict(), "judge": self.judge.state_dict(),
            "optimiser": self.optimiser.state_dict(), "judge_optimiser": self.judge_optimiser.state_dict(),
            "precision": self.precision.state(),
            "judge_precision": self.judge_precision.state(), "best_error": self.best_error, "best_weights": self.best_weights,
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        for name in ("net", "average", "judge", "optimiser", "judge_optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.precision.load(state["precision"])
        self.judge_precision.load(state["judge_precision"])
        self.best_error, self.best_weights = state["best_error"], state["best_weights"]

    @torch.no_grad()
    def _average_weights(self, n: int) -> None:
        kept = min(AVERAGED, (n + 1) / (n + 10))
        for mean, latest in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            mean.lerp_(latest, 1 - kept) if mean.is_floating_point() else mean.copy_(latest)

    def _teach_judge(self, visual: Tensor, mel: Tensor, made: Tensor) -> dict[str, float]:
        """True spectra are to look true; made ones, and true ones of another clip, are not."""
        with self.judge_precision.autocast():
            true = (self.judge(visual, mel) - 1).square().mean()
            false = self.judge(visual, made.float()).square().mean()
            other = self.judge(visual, mel.roll(1, dims=0)).square().mean()
            loss = true + 0.5 * (false + other)
        self.judge_precision.step(loss, self.judge_optimiser, self.judge.parameters(), clip_norm=CLIP_NORM)
        return {"judge": loss.item()}

    def _batch(self, n: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Crops of clips: visual, mel, there [N, hops, 1] (0 beyond a short clip's end), heard [N]."""
        random = np.random.default_rng([self.seed, n])
        frames, batch = self.plan.crop_frames, self.plan.batch
        visual = np.zeros((batch, frames, self.clips[0].visual.shape[1]), np.float32)
        mel = np.zeros((batch, frames * HOPS_A_FRAME, self.clips[0].mel.shape[1]), np.float32)
        there = np.zeros((batch, frames * HOPS_A_FRAME, 1), np.float32)
        for row in range(batch):
            clip = self.clips[random.integers(len(self.clips))]
            begin = int(random.integers(max(1, len(clip.visual) - frames + 1)))
            seen = clip.visual[begin : begin + frames]
            hops = HOPS_A_FRAME * len(seen)
            visual[row, : len(seen)] = seen
            mel[row, :hops] = clip.mel[HOPS_A_FRAME * begin : HOPS_A_FRAME * begin + hops]
            there[row, :hops] = 1
        heard = (random.uniform(size=batch) >= self.plan.auxiliary_silent).astype(np.float32)
        visual *= 1 + self.plan.visual_noise * random.standard_normal((batch, 1, visual.shape[2])).astype(np.float32)
        return tuple(torch.from_numpy(part).to(self.device) for part in (visual, mel, there, heard))


@torch.inference_mode()
def spectrum(net: RegNet, clip: Clip) -> np.ndarray:
    """What the net makes of a whole clip: float32 [4 · T, 80]."""
    net.eval()
    visual = torch.from_numpy(clip.visual)[None].to(net.mel_mean.device)
    return net(visual)[0].cpu().numpy()


def _error(found: Tensor, true: Tensor, there: Tensor) -> Tensor:
    """Squared and plain difference, since least squares alone paints everything in the mean."""
    gap = (found - true) * there
    whole = there.sum() * true.shape[2]
    return gap.square().sum() / whole + 0.1 * gap.abs().sum() / whole


def _fit_scales(net: RegNet, clips: list[Clip]) -> None:
    visual, mel = np.concatenate([clip.visual for clip in clips]), np.concatenate([clip.mel for clip in clips])
    net.visual_mean.copy_(torch.from_numpy(visual.mean(axis=0)))
    net.visual_scale.copy_(torch.from_numpy(1.0 / (visual.std(axis=0) + 0.1 * visual.std() + EPSILON)))
    net.mel_mean.copy_(torch.from_numpy(mel.mean(axis=0)))
