"""The learning rate of a step: up in a warm-up, then down along half a cosine."""

import numpy as np
import torch

WARM_UP = 50  # steps, but no more than a tenth of them
LOWEST = 0.05  # of the highest, at the end


def set_rates(optimisers: list[torch.optim.Optimizer], highest: float, n: int, steps: int) -> None:
    """Sets the rate of step `n` of `steps` (0 is the first) in all groups: a function of the step alone, so that a run
    that was taken up again goes on with the rate that it would have had."""
    falling = 0.5 * (1 + np.cos(np.pi * n / steps))
    rising = min(1.0, (n + 1) / max(1, min(WARM_UP, steps // 10)))
    rate = float(highest * rising * (LOWEST + (1 - LOWEST) * falling))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
