"""One optimisation step of the vocoder after the other, as run/train.py asks for them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from soundstage_trainer.graphs.griffin_lim import consistent_sound
from soundstage_trainer.graphs.short_time import (
    EXTRA_HOPS, HOP_SAMPLES, WINDOW_SAMPLES, modulus, with_extra_hops, without_extra_hops,
)  # fmt: skip
from soundstage_trainer.graphs.vocoder_net import VocoderNet
from soundstage_trainer.run import Run
from soundstage_trainer.run.rate import set_rates
from soundstage_trainer.vocoder.dataset import Recording
from soundstage_trainer.vocoder.judge import SpectrumJudge
from soundstage_trainer.vocoder.losses import SpectralDistance

TRAINING_RESOLUTIONS = (2048, 1024, 512)
CLIP_NORM = 5.0
MARGIN_HOPS = 4  # at both ends of a crop, where the sound beyond it is missing: not judged
FAINTEST = 1e-3
VALIDATED_S = 3.0
MEL_WEIGHT, CONVERGENCE_WEIGHT = 10.0, 2.0
SOFTEST_DB, LOUDEST_DB = -24.0, 6.0  # beside the recording


@dataclass(frozen=True)
class Plan:
    """crop_hops: of 256 samples, judged ones. iterations: of Griffin-Lim that the loss looks through. gan_from: a step."""

    steps: int
    batch: int
    crop_hops: int
    learning_rate: float
    iterations: int
    gan_weight: float
    gan_from: int


class VocoderTask:
    """The true spectrum's magnitude, and the sound at several resolutions after `iterations` of Griffin-Lim; a judge if asked."""

    def __init__(self, net: VocoderNet, train: list[Recording], validation: list[Recording], plan: Plan, run: Run) -> None:
        self.net, self.plan, self.seed, self.device = net.to(run.device), plan, run.seed, run.device
        self.train, self.held_out = train, validation
        self.steps, self.validate_every = plan.steps, max(1, plan.steps // 8)
        self.distance = SpectralDistance(TRAINING_RESOLUTIONS).to(run.device)
        self.judge = SpectrumJudge().to(run.device)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), plan.learning_rate, betas=(0.8, 0.99), weight_decay=0.01)
        self.judge_optimiser = torch.optim.AdamW(self.judge.parameters(), plan.learning_rate, betas=(0.5, 0.9), weight_decay=0.01)
        self.precision, self.judge_precision = run.precision(), run.precision()
        hops = np.array([len(recording.mel) for recording in train], dtype=np.float64)
        self.chances = hops / hops.sum()  # every second of sound is as likely as another

    def step(self, n: int) -> dict[str, float]:
        set_rates([self.optimiser, self.judge_optimiser], self.plan.learning_rate, n, self.steps)
        mel, sound = self._batch(n)
        wide = with_extra_hops(mel)
        frames = wide.shape[1]
        # The trunk may run in half precision; spectra of 100 dB may not.
        with self.precision.autocast():
            magnitude, phases = self.net.spectrum(wide)
        magnitude, phases = magnitude.float(), phases.float()
        whole = consistent_sound(self.net.short_time, magnitude, phases, frames, self.plan.iterations)
        made = without_extra_hops(whole, mel.shape[1])
        inside = slice(MARGIN_HOPS * HOP_SAMPLES, -MARGIN_HOPS * HOP_SAMPLES)
        made, true = made[:, inside], sound[:, inside]
        convergence, log_magnitude, mel_error = self.distance(made, true)
        near, far = self._magnitude_error(magnitude, sound, frames)
        loss = CONVERGENCE_WEIGHT * (convergence + far) + log_magnitude + near + MEL_WEIGHT * mel_error
        told = {"convergence": convergence.item(), "log_magnitude": log_magnitude.item(), "mel_error": mel_error.item()}
        if self.plan.gan_weight > 0 and n >= self.plan.gan_from:
            told["judge"] = self._teach_judge(made.detach(), true)
            deceived = self.judge.distance(made, 1.0)
            loss = loss + self.plan.gan_weight * deceived
            told["gan"] = deceived.item()
        self.precision.step(loss, self.optimiser, self.net.parameters(), clip_norm=CLIP_NORM)
        return {"loss": loss.item(), **told}

    @torch.inference_mode()
    def validate(self, n: int) -> dict[str, float]:
        """On the first seconds of every validation clip, with as many iterations as will be served."""
        if not self.held_out:
            return {}
        figures = []
        for recording in self.held_out:
            hops = min(len(recording.mel), round(VALIDATED_S * 22_050 / HOP_SAMPLES))
            mel = torch.from_numpy(recording.mel[:hops])[None].to(self.device)
            true = torch.from_numpy(recording.sound[: hops * HOP_SAMPLES])[None].to(self.device)
            figures.append([float(part) for part in self.distance(self.net(mel), true)])
        return dict(zip(("convergence", "log_magnitude", "mel_error"), np.mean(figures, axis=0).tolist(), strict=True))

    def trained(self) -> VocoderNet:
        return copy.deepcopy(self.net).cpu().eval()

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(), "judge": self.judge.state_dict(), "optimiser": self.optimiser.state_dict(),
            "judge_optimiser": self.judge_optimiser.state_dict(), "precision": self.precision.state(),
            "judge_precision": self.judge_precision.state(),
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        for name in ("net", "judge", "optimiser", "judge_optimiser", "precision", "judge_precision"):
            part = getattr(self, name)
            part.load(state[name]) if name.endswith("precision") else part.load_state_dict(state[name])

    def _magnitude_error(self, magnitude: Tensor, sound: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """The net's own magnitude, before any phase: log L1 and spectral convergence."""
        short_time, hops = self.net.short_time, sound.shape[1] // HOP_SAMPLES
        aside = WINDOW_SAMPLES // 2
        true = modulus(short_time.analyse(F.pad(sound, (aside, aside)), hops + 1))
        true = true.reshape(short_time.kept, -1, hops + 1, short_time.rest)[:, :, MARGIN_HOPS : hops - MARGIN_HOPS]
        ours = magnitude.reshape(short_time.kept, -1, frames, short_time.rest)
        ours = ours[:, :, EXTRA_HOPS + MARGIN_HOPS : EXTRA_HOPS + hops - MARGIN_HOPS]
        near = (true.clamp(min=FAINTEST).log() - ours.clamp(min=FAINTEST).log()).abs().mean()
        whole = true.square().sum(dim=(0, 2, 3)).sqrt().clamp(min=0.1)
        return near, ((true - ours).square().sum(dim=(0, 2, 3)).sqrt() / whole).mean()

    def _teach_judge(self, made: Tensor, true: Tensor) -> float:
        loss = self.judge.distance(true, 1.0) + self.judge.distance(made, 0.0)
        self.judge_precision.step(loss, self.judge_optimiser, self.judge.parameters(), clip_norm=CLIP_NORM)
        return loss.item()

    def _batch(self, n: int) -> tuple[Tensor, Tensor]:
        """Crops at random loudness: mel [batch, hops, 80] and sound [batch, 256 · hops]."""
        random = np.random.default_rng([self.seed, n])
        hops = self.plan.crop_hops + 2 * MARGIN_HOPS
        sound = np.zeros((self.plan.batch, hops * HOP_SAMPLES), np.float32)
        for row in range(self.plan.batch):
            recording = self.train[random.choice(len(self.train), p=self.chances)]
            begin = int(random.integers(max(1, len(recording.mel) - hops + 1)))
            part = recording.sound[begin * HOP_SAMPLES : (begin + hops) * HOP_SAMPLES]
            loudest_db = -20 * np.log10(max(float(np.abs(part).max()), 1e-3))
            gain_db = random.uniform(SOFTEST_DB, min(LOUDEST_DB, loudest_db))
            sound[row, : len(part)] = part * 10 ** (gain_db / 20)
        given = torch.from_numpy(sound).to(self.device)
        mel = self.distance.mel(given).transpose(1, 2)[:, :hops].clamp(0.0, 1.0)
        return mel, given
