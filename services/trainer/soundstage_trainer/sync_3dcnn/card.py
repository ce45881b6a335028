"""What the card and the page of the 3D-CNN tell: figures beside always zero, and what they cannot tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from soundstage_trainer import card as cards
from soundstage_trainer.graphs.lip_flow import SIDE
from soundstage_trainer.recipes.common import OWN_LICENCE, milliseconds
from soundstage_trainer.run import Exported, Page, Picture, Row, Run, Sample, Table
from soundstage_trainer.sync_3dcnn import blocks
from soundstage_trainer.sync_3dcnn.dataset import COEFFICIENTS, FRAME_RATE_HZ, Clip
from soundstage_trainer.sync_3dcnn.measures import METHODS, METRICS, NET, OTHER, ZERO, Measured
from soundstage_trainer.sync_3dcnn.net import Sync3dCnn

TRAINING_DATA = "the clips of this data set keep their own terms; no clip is contained"
FEW_SPEAKERS = 20
PAIRS = 64
# An error that is at least so large a share of always zero's is no answer.
HARDLY = 0.9


def card(
    run: Run, clips: list[Clip], learned: list[Clip], net: Sync3dCnn, parts: list[Measured], crossed: list[Measured],
    gates: list[dict[str, Any]], exported: Exported,
) -> dict[str, Any]:  # fmt: skip
    """Everything but what finish() adds."""
    command = run.command()
    given = {
        "flow": np.zeros((PAIRS, blocks.FRAMES, SIDE, SIDE), np.float32),
        "mfcc": np.zeros((PAIRS, blocks.HOPS, COEFFICIENTS), np.float32),
    }
    speed = {
        "what": f"ms for {PAIRS} pairs of blocks, onnxruntime CPU, 2 threads",
        "value": round(milliseconds(exported.running, given), 1),
    }
    return {
        "name": "sync_3dcnn",
        "version": run.version,
        "does": "How late the sound of a talking face comes, from half a second of lips and of sound. To compare with, not to use.",
        "inputs": [
            cards.tensor("flow", ["N", blocks.FRAMES, SIDE, SIDE], "1/32 of the crop's height a frame", f"8 rows of lip_flow at {FRAME_RATE_HZ:g} frames a second"),
            cards.tensor("mfcc", ["N", blocks.HOPS, COEFFICIENTS], "decibels", "56 hops of mfcc, from the time of the first frame on"),
        ],
        "outputs": [cards.tensor("offset", ["N"], f"frames of 1/{FRAME_RATE_HZ:g} s", "positive where the sound comes late; a clip's answer is the median over its blocks")],
        "frame_rate_hz": FRAME_RATE_HZ,
        "farthest_frames": blocks.FARTHEST,
        "weights": net.parameters_in_all(),
        "warm_up": {"N": 1},
        "dataset": f"{len(learned)} clips of {_speakers(learned)} speakers to learn from, of {len(clips)} of {_speakers(clips)}; version {run.dataset_version}",
        "parity": exported.parity,
        "measured": [{**gate, "command": command} for gate in gates] + [row for part in parts for row in _figures(part, command)] + [{**speed, "command": command}],
        "scores": {part.group: {METHODS[name]: _rounded(values) for name, values in part.values.items()} for part in [*crossed, *parts]},
        "licence": {"model": OWN_LICENCE, "training_data": TRAINING_DATA},
        "source": "after the AV-sync project that Soundstage grew from (3D-CNN on lip flow, CNN on MFCC, one regression), written anew and trained here",
    }  # fmt: skip


def page(learned: list[Clip], parts: list[Measured], crossed: list[Measured], groups: dict[str, list[Clip]]) -> Page:
    """Tables by metric, the clips' answers against the truth, and a pair of blocks as the net gets it."""
    columns = [*crossed, *parts]
    methods = list(dict.fromkeys(method for part in columns for method in part.values))
    note = "test, validation, stranger: speakers never trained on. known: clips kept out of the training's speakers. One row of columns a fold."
    tables = [
        Table(what, better, [Row(method, {part.group: part.values.get(method, {}).get(name) for part in columns}, "model" if method == NET else "comparator") for method in methods], note)
        for name, (what, better) in METRICS.items()
        if columns
    ]  # fmt: skip
    answers = [_answers(part) for part in columns]
    shown = next((members[0] for members in reversed(list(groups.values()))), learned[0])
    return Page(
        title="How late a sound comes, by the model that Soundstage grew from",
        tables=tables,
        samples=[*([Sample("Answers about whole clips", answers, "Across: the true offset, −7 to 7 frames; up: the answer.")] if answers else []), _pair(shown)],
        limits=limits(learned, columns),
    )  # fmt: skip


def limits(learned: list[Clip], parts: list[Measured]) -> list[str]:
    """What this training cannot give, in sentences for the card and the page."""
    said = [
        f"Its frames are {1000 / FRAME_RATE_HZ:.0f} ms, offsets lie within ±{blocks.FARTHEST} of them, and it answers whatever it is given.",
        "Videos at other rates lose or double frames on the way to its own, so that flow is told over unequal times.",
    ]
    if (speakers := _speakers(learned)) < FEW_SPEAKERS:
        said.append(
            f"It learned from {len(learned)} clips of {speakers} {'speaker' if speakers == 1 else 'speakers'}; what it knows of others' mouths is little."
        )
    for part in parts:
        ours, zero = part.values[NET], part.values[ZERO]
        if ours["clip_rmse_frames"] >= HARDLY * zero["clip_rmse_frames"]:
            said.append(
                f"On {part.group} its error is {ours['clip_rmse_frames']:.2f} frames a clip where always zero has"
                f" {zero['clip_rmse_frames']:.2f}: it hardly knows anything there."
            )
        if OTHER in part.values and part.values[OTHER]["clip_rmse_frames"] < HARDLY * zero["clip_rmse_frames"]:
            said.append(
                f"On {part.group} it also beats always zero with another clip's picture ({part.values[OTHER]['clip_rmse_frames']:.2f}"
                " frames): a part of what it knows is where in a sentence a block lies, since sentences begin alike."
            )
    if not any(part.group == "test" or part.group.startswith("stranger") for part in parts):
        said.append("No speaker was kept out: nothing was measured on strangers.")
    return said


def _figures(part: Measured, command: str) -> list[dict[str, Any]]:
    rows = []
    for name, (what, _) in METRICS.items():
        others = {method: values[name] for method, values in part.values.items() if method != NET}
        rows.append(
            {
                "what": f"{what}; {part.group}, {part.clips} clips of {part.speakers} speakers, all {len(blocks.OFFSETS)} offsets",
                "value": round(part.values[NET][name], 4),
                "comparator": "; ".join(f"{method}: {value:.4f}" for method, value in others.items()),
                "command": command,
            }
        )
    return rows


def _answers(part: Measured) -> Picture:
    """How often which answer was given at which true offset: columns −7 … 7, rows from 7 at the top to −7."""
    counts = np.zeros((len(blocks.OFFSETS), len(blocks.OFFSETS)))
    answered = np.clip(np.round(part.clip_answers), -blocks.FARTHEST, blocks.FARTHEST).astype(int)
    for column in range(len(blocks.OFFSETS)):
        np.add.at(counts[:, column], blocks.FARTHEST - answered[:, column], 1)
    return Picture(part.group, np.kron(counts / part.clips, np.ones((16, 16))), 0.0, None)


def _pair(clip: Clip) -> Sample:
    flow, mfcc = blocks.cut(clip, clip, int(blocks.places(clip)[len(blocks.places(clip)) // 2]), 0)
    strip = np.kron(np.concatenate(list(flow), axis=1), np.ones((4, 4)))
    most = float(np.abs(strip).max()) or 1.0
    heard = np.kron(mfcc.T, np.ones((8, 8)))
    return Sample(
        "A pair of blocks, in sync",
        [Picture("lip flow of 8 frames, down is bright", strip, -most, most), Picture("MFCC of the same half second", heard)],
        clip.id,
    )


def _speakers(clips: list[Clip]) -> int:
    return len({clip.speaker for clip in clips})


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
