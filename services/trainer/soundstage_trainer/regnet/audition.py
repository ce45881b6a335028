"""Sound from a mel spectrum, for the page of a training: by the vocoder among the models, else by Griffin-Lim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from soundstage_trainer import card
from soundstage_trainer.export import session
from soundstage_trainer.graphs.griffin_lim import GriffinLim
from soundstage_trainer.recipes.common import newest_version


class Audition:
    """name: what makes the sound. sound(mel [hops, 80]) → float32 [256 · hops] at 22,050 Hz."""

    def __init__(self, models: Path | None) -> None:
        self._session, self.name = None, "griffin_lim"
        for name in ("vocoder", "griffin_lim"):
            version = newest_version(models / name) if models is not None else None
            if version is not None:
                card.read_card(models / name / version)
                self._session, self.name = session(models / name / version / "model.onnx"), name
                return
        self._net = GriffinLim()

    def sound(self, mel: np.ndarray) -> np.ndarray:
        given = np.ascontiguousarray(mel[None], dtype=np.float32)
        if self._session is not None:
            return self._session.run(["sound"], {"mel": given})[0][0]
        with torch.inference_mode():
            return self._net(torch.from_numpy(given))[0].numpy()
