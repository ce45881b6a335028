"""How far from the truth answers about offsets are, beside answers that take no net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch

from soundstage_trainer.sync_3dcnn import blocks
from soundstage_trainer.sync_3dcnn.dataset import FRAME_RATE_HZ, Clip
from soundstage_trainer.sync_3dcnn.net import Sync3dCnn

FRAME_MS = 1000 / FRAME_RATE_HZ
BATCH = 256
NET, ZERO, MEAN, OTHER = "sync_3dcnn", "always zero", "mean offset of the training", "the same net, another clip's picture"
METHODS = {NET: "sync_3dcnn", ZERO: "always_zero", MEAN: "mean_offset", OTHER: "other_picture"}
METRICS = {
    "block_rmse_frames": ("Root mean square error of a block of 0.53 s, frames of 67 ms", "lower"),
    "clip_rmse_frames": ("Root mean square error of a clip (median of its blocks), frames of 67 ms", "lower"),
    "clip_median_ms": ("Median error of a clip, ms", "lower"),
    "clip_within_40ms": ("Share of clips within 40 ms", "higher"),
    "clip_within_80ms": ("Share of clips within 80 ms", "higher"),
}

# (clip whose picture is looked at, clip whose sound is heard, places [P]) → offsets [15, P], frames
Answers = Callable[[Clip, Clip, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Trials:
    """Every offset at every place of a clip. found float [15, P]: frames, row by row at the offsets −7 … 7."""

    found: np.ndarray

    def errors(self) -> np.ndarray:
        """Of single blocks: [15, P]."""
        return self.found - blocks.OFFSETS[:, None]

    def clip_errors(self) -> np.ndarray:
        """Of the clip at each offset, answered by the median of its blocks: [15]."""
        return np.median(self.found, axis=1) - blocks.OFFSETS


@dataclass(frozen=True)
class Measured:
    """Of a group of clips: method → metric → value. clip_answers: of the net, float [clips, 15]."""

    group: str
    clips: int
    speakers: int
    values: dict[str, dict[str, float]]
    clip_answers: np.ndarray


def trials(clip: Clip, answers: Answers, picture: Clip | None = None) -> Trials:
    """A clip's sound at all offsets against its own picture, or against that of another clip at the same places."""
    seen = picture or clip
    return Trials(answers(seen, clip, np.intersect1d(blocks.places(seen), blocks.places(clip))))


def measure(group: str, clips: list[Clip], answers: Answers, mean_offset: float) -> Measured:
    """All methods on the same trials; every offset of a clip counts alike."""
    own = [trials(clip, answers) for clip in clips]
    still = [Trials(np.zeros_like(each.found)) for each in own]
    values = {NET: _score(own), ZERO: _score(still), MEAN: _score([Trials(each.found + mean_offset) for each in still])}
    # Half the list away, since neighbours in it may say nearly the same words.
    far = len(clips) // 2
    pairs = [(clip, other) for clip, other in zip(clips, clips[far:] + clips[:far], strict=True) if clip is not other]
    strange = [trials(clip, answers, other) for clip, other in pairs]
    if strange := [each for each in strange if each.found.size]:
        values[OTHER] = _score(strange)
    answered = np.stack([np.median(each.found, axis=1) for each in own])
    return Measured(group, len(clips), len({clip.speaker for clip in clips}), values, answered)


def answers_of_net(net: Sync3dCnn) -> Answers:
    """By PyTorch. Each block goes through its own branch once, whatever it is compared with."""

    @torch.inference_mode()
    def answers(picture: Clip, sound: Clip, places: np.ndarray) -> np.ndarray:
        net.eval()
        device = net.flow_scale.device
        seen, heard = blocks.starts(places[None], blocks.OFFSETS[:, None])
        (looks, look), (hearings, hearing) = (np.unique(each, return_inverse=True) for each in (seen, heard))
        flow = np.stack([blocks.flow_block(picture, int(row)) for row in looks])
        mfcc = np.stack([blocks.sound_block(sound, int(row)) for row in hearings])
        by_look = net.seen(torch.from_numpy(flow).to(device))[torch.from_numpy(look.ravel())]
        by_hearing = net.heard(torch.from_numpy(mfcc).to(device))[torch.from_numpy(hearing.ravel())]
        return net.compare(by_look, by_hearing).float().cpu().numpy().reshape(seen.shape)

    return answers


def answers_of_graph(graph: onnxruntime.InferenceSession) -> Answers:
    """Through onnxruntime, a pair of blocks after the other, as whoever runs the model would do it."""

    def answers(picture: Clip, sound: Clip, places: np.ndarray) -> np.ndarray:
        pairs = [blocks.cut(picture, sound, int(place), int(offset)) for offset in blocks.OFFSETS for place in places]
        found = [
            graph.run(["offset"], {"flow": np.stack([flow for flow, _ in part]), "mfcc": np.stack([mfcc for _, mfcc in part])})[0]
            for part in (pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH))
        ]
        return np.concatenate(found).reshape(len(blocks.OFFSETS), len(places)) if found else np.zeros((len(blocks.OFFSETS), 0))

    return answers


def table(parts: list[Measured]) -> str:
    """For people: one line a method and group."""
    lines = [
        f"{'group':34} {'clips':>5}  {'method':38} {'block rMSE':>10} {'clip rMSE':>9} {'median ms':>9} {'≤ 40 ms':>7} {'≤ 80 ms':>7}"
    ]
    for part in parts:
        for method, values in part.values.items():
            told = "{block_rmse_frames:10.2f} {clip_rmse_frames:9.2f} {clip_median_ms:9.0f} {clip_within_40ms:7.2f} {clip_within_80ms:7.2f}"
            lines.append(f"{part.group:34} {part.clips:5}  {method:38} {told.format(**values)}")
    return "\n".join(lines)


def _score(found: list[Trials]) -> dict[str, float]:
    single = np.concatenate([each.errors().ravel() for each in found])
    whole = np.concatenate([each.clip_errors() for each in found])
    apart_ms = np.abs(whole) * FRAME_MS
    return {
        "block_rmse_frames": float(np.sqrt(np.mean(single**2))),
        "clip_rmse_frames": float(np.sqrt(np.mean(whole**2))),
        "clip_median_ms": float(np.median(apart_ms)),
        "clip_within_40ms": float(np.mean(apart_ms <= 40)),
        "clip_within_80ms": float(np.mean(apart_ms <= 80)),
    }
