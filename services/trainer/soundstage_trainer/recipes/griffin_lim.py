"""Recipe `griffin_lim`: export the way from a mel spectrum to sound that takes no trained net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.graphs.griffin_lim import ITERATIONS, GriffinLim
from soundstage_trainer.graphs.short_time import BANDS, HOP_SAMPLES, SAMPLE_RATE_HZ
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE, milliseconds
from soundstage_trainer.run.gate import Exported, export_with_gate
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer griffin-lim --out models"
PARITY = 0.01  # phases of all but silent bins are free: rounding turns them, and each iteration hands it on


def build(iterations: int = ITERATIONS) -> Exported:
    """The graph, every iteration in it, held to PyTorch on a glide with clicks."""
    mel = glide_mel()
    return export_with_gate(
        GriffinLim(iterations), (mel.repeat(2, 1, 1),), inputs=["mel"], outputs=["sound"],
        dynamic={"mel": {0: torch.export.Dim("n", min=1), 1: torch.export.Dim("hops", min=1)}},
        tolerance=PARITY, cases=[(mel[:, :1],), (mel[:, 5:38],)],
    )  # fmt: skip


def glide_mel(hops: int = 60) -> torch.Tensor:
    """A spectrum with something in every band: a tone that rises, and two clicks. [1, hops, 80]"""
    band, hop = torch.arange(BANDS).reshape(1, 1, -1), torch.arange(hops).reshape(1, -1, 1)
    tone = 0.7 * torch.exp(-0.5 * ((band - 10 - 50 * hop / hops) / 1.5) ** 2)
    clicks = 0.5 * ((hop == hops // 3) | (hop == 2 * hops // 3))
    return (tone + clicks + 0.05).clamp(0, 1)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/griffin_lim/version."""
    exported = build()
    progress.progress(1, 2, "exported griffin_lim")
    hops = 10 * SAMPLE_RATE_HZ // HOP_SAMPLES
    speed = milliseconds(exported.running, {"mel": np.full((1, hops, BANDS), 0.5, np.float32)})
    progress.progress(2, 2, "measured griffin_lim")
    return card.write_model(
        out / "griffin_lim" / version,
        exported.model,
        {
            "name": "griffin_lim",
            "version": version,
            "does": f"Sound from a mel spectrum without a trained net: least squares and {ITERATIONS} fast Griffin-Lim iterations.",
            "inputs": [card.tensor("mel", ["N", "hops", BANDS], "0..1", "as mel_22k's output mel; hops >= 1")],
            "outputs": [card.tensor("sound", ["N", "256*hops"], "-1..1", "mono, 22050 Hz; hop i is centred at sample 256 * i")],
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "hop_samples": HOP_SAMPLES,
            "warm_up": {"N": 1, "hops": 86},
            "recipe": "griffin_lim",
            "dataset": "none",
            "parity": exported.parity,
            "measured": [
                {"what": "times real time, 10 s of sound, onnxruntime CPU, 2 threads", "value": round(1e4 / speed, 1), "command": COMMAND},
            ],
            "limits": ["Below 125 Hz and above 7600 Hz it gives nothing: the bands end there.", "Clicks smear and noise rings, as Griffin-Lim does."],
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": "Griffin and Lim 1984; Perraudin, Balazs and Søndergaard 2013; Lee and Seung 1999; written in PyTorch",
        },
    )  # fmt: skip


RECIPE = Recipe(does="export Griffin-Lim, the way from a mel spectrum to sound without a net", export=run)
