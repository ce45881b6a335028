"""Recipe `mel_22k`: the mel spectrum at 22,050 Hz that RegNet learns and the vocoder reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.export import session
from soundstage_trainer.graphs.mel import MEL_22K, Mel22k
from soundstage_trainer.recipes.mel_references import compare
from soundstage_trainer.recipes.sound_graph import SoundGraph, build, export
from soundstage_trainer.run.recipe import Recipe


COMMAND = "python -m soundstage_trainer mel-22k --data DATA --out models"


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.feature.melspectrogram(
        y=sound, sr=22050, n_fft=1024, hop_length=256, n_mels=80, fmin=125, fmax=7600, power=1.0, pad_mode="constant"
    ).T


GRAPH = SoundGraph(
    name="mel_22k",
    does="Mel spectrum of sound at 22,050 Hz, as magnitude and laid on 0..1 in decibels.",
    module=Mel22k,
    sample_rate_hz=MEL_22K["sample_rate_hz"],
    window_samples=MEL_22K["window_samples"],
    hop_samples=MEL_22K["hop_samples"],
    outputs={
        "magnitude": (80, "magnitude", "125 to 7600 Hz on Slaney's scale, each triangle of unit area"),
        "mel": (80, "0..1", "clip((20 * log10(max(1e-5, magnitude)) - 20 + 100) / 100, 0, 1)"),
    },
    compared="magnitude",
    equals="librosa.feature.melspectrogram(y=sound, sr=22050, n_fft=1024, hop_length=256, n_mels=80, fmin=125, fmax=7600, power=1.0, pad_mode='constant').T",
    reference=_librosa,
    source="Slaney 1998 (mel scale); Cooley and Tukey 1965 (factored DFT); scale of mel as in SpecVQGAN and RegNet",
    notes={
        "published_spectra": [
            "stereo: the published spectra are of the mean of both channels. ffmpeg's -ac 1 to float samples adds them at 0.707 each, 3.01 dB or 0.030 of mel above that; to 16-bit samples it takes the mean.",
            "stereo, level put right: 0.001 to 0.004 remain, with differences of about 1.3 dB in every band that no shift in time removes, as if the published spectra came from another encoding of the same sound.",
            "video_02677 (6 s) and video_00819 (8 s): the clips agree while they last; the published spectra go on to 10 s with the sound from its start again, after a gap of about 0.02 s. They are no disagreement of the transform.",
        ]
    },
)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/mel_22k/version. With data (a folder of mel_reference/ and foley/), the agreement with those is measured."""
    return export(GRAPH, out, version, beside_references(data))


def beside_references(data: Path | None) -> list[dict[str, object]]:
    if data is None:
        return []
    clips = compare(data, session(build(GRAPH)))
    whole = [clip for clip in clips if clip.repeated_r is None]
    rows = []
    for what, group in (
        ("mono", [clip for clip in whole if clip.channels == 1]),
        ("stereo", [clip for clip in whole if clip.channels > 1]),
    ):
        if group:
            rs = [clip.r for clip in group]
            rows.append(
                {
                    "what": f"least correlation of mel with the published spectra of {len(group)} {what} clips",
                    "value": round(min(rs), 4),
                    "comparator": f"median {np.median(rs):.4f}; ours less theirs {np.median([clip.offset for clip in group]):+.4f}",
                    "command": COMMAND,
                }
            )
    rows += [
        {
            "what": f"correlation of mel with the published spectrum of {clip.clip}, the clip's own seconds",
            "value": round(clip.r, 4),
            "comparator": f"{clip.repeated_r:.4f} over 10 s with the clip laid end to end",
            "command": COMMAND,
        }
        for clip in clips
        if clip.repeated_r is not None
    ]
    return rows


RECIPE = Recipe(does="export the mel spectrum at 22,050 Hz", export=run)
