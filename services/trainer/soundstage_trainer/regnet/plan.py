"""The numbers of a training of RegNet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """gan_from: the step at which the judge comes in. auxiliary_silent: share of the clips for which that branch is silent.
    visual_noise: how far each visual feature of a crop is scaled at random."""

    steps: int
    batch: int
    crop_frames: int
    learning_rate: float
    weight_decay: float
    gan_weight: float
    gan_from: int
    auxiliary_silent: float
    visual_noise: float = 0.1
