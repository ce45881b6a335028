"""Features of sound have librosa's numbers, whatever the length, one clip or many, whole or cut into pieces."""

from __future__ import annotations

import importlib
import json

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import model_folder

from soundstage_trainer.export import session
from soundstage_trainer.graphs import stft
from soundstage_trainer.graphs.spectrum import Spectrum, hann
from soundstage_trainer.recipes import mel_references
from soundstage_trainer.recipes.sound_graph import SoundGraph, example_sound

NAMES = ("mel_22k", "mel_16k", "stft_11k", "mfcc", "zero_crossings")


def graph_of(name: str) -> SoundGraph:
    return importlib.import_module(f"soundstage_trainer.recipes.{name}").GRAPH


@pytest.fixture(scope="module")
def shipped() -> dict[str, onnxruntime.InferenceSession]:
    return {name: session(model_folder(name) / "model.onnx") for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0.005, 1.0, 3.3])
def test_a_shipped_graph_gives_librosa_s_numbers_to_one_in_ten_thousand(shipped, name: str, seconds: float) -> None:
    graph = graph_of(name)
    sound = example_sound(graph, seconds, seed=5)
    found = shipped[name].run([graph.compared], {"sound": sound[None]})[0][0]
    expected = graph.reference(sound)
    assert found.shape == expected.shape == (1 + len(sound) // graph.hop_samples, graph.outputs[graph.compared][0])
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_several_clips_at_once_give_what_each_gives_alone(shipped, name: str) -> None:
    sounds = np.stack([example_sound(graph_of(name), 0.4, seed) for seed in range(3)])
    for output in graph_of(name).outputs:
        together = shipped[name].run([output], {"sound": sounds})[0]
        for index, sound in enumerate(sounds):
            assert np.abs(together[index] - shipped[name].run([output], {"sound": sound[None]})[0][0]).max() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_with_the_card_s_context_gives_the_middle_of_the_whole(shipped, name: str) -> None:
    card = json.loads((model_folder(name) / "card.json").read_text())
    hop, context, first, count = card["hop_samples"], card["context_hops"], 20, 15
    sound = example_sound(graph_of(name), 1.5)
    piece = sound[(first - context) * hop : (first + count + context) * hop]
    whole = shipped[name].run(None, {"sound": sound[None]})
    for of_piece, of_whole in zip(shipped[name].run(None, {"sound": piece[None]}), whole, strict=True):
        assert np.abs(of_piece[0, context : context + count] - of_whole[0, first : first + count]).max() < 1e-5
    if context > 1:  # fewer would not do
        short = shipped[name].run(None, {"sound": sound[None, (first - context + 1) * hop : (first + count) * hop]})[0]
        assert np.abs(short[0, context - 1] - whole[0][0, first]).max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_silence_gives_numbers_and_a_loud_sound_larger_ones(shipped, name: str) -> None:
    silent = shipped[name].run(None, {"sound": np.zeros((1, 4000), np.float32)})
    loud = shipped[name].run(None, {"sound": np.sign(np.random.default_rng(1).normal(size=(1, 4000))).astype(np.float32)})
    for quiet, noisy in zip(silent, loud, strict=True):
        assert np.isfinite(quiet).all()
        assert np.isfinite(noisy).all()
    if name != "mfcc":  # whose coefficients tell the shape of a spectrum, not how much there is
        assert silent[0].max() < loud[0].max()


def test_the_mel_of_mel_22k_is_its_magnitude_in_decibels(shipped) -> None:
    magnitude, mel = shipped["mel_22k"].run(None, {"sound": example_sound(graph_of("mel_22k"), 1.0)[None]})
    expected = np.clip((20 * np.log10(np.maximum(1e-5, magnitude)) - 20 + 100) / 100, 0, 1)
    assert np.abs(mel - expected).max() < 1e-5
    assert mel.min() == 0.0
    assert 0.5 < mel.max() <= 1.0


def test_log_frequency_is_a_bilinear_warp_of_the_magnitude(shipped) -> None:
    magnitude, found = shipped["stft_11k"].run(None, {"sound": example_sound(graph_of("stft_11k"), 1.0)[None]})
    rows = (np.power(21, np.linspace(0, 1, 256)) - 11) / 10  # −1..1 over the bins
    grid = torch.from_numpy(np.stack(np.meshgrid(np.linspace(-1, 1, magnitude.shape[1]), rows), axis=-1)).float()[None]
    image = torch.from_numpy(magnitude).transpose(1, 2)[None]
    expected = torch.nn.functional.grid_sample(image, grid, align_corners=True)[0].transpose(1, 2).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3 * expected.max()
    assert stft.log_frequency_places()[0][-1] == stft.BINS - 2


@pytest.mark.parametrize(("samples", "factor"), [(1024, 32), (1022, 14), (304, 16), (60, 5)])
def test_the_factored_transform_is_the_transform(samples: int, factor: int) -> None:
    frame = np.random.default_rng(2).normal(size=samples)
    spectrum = Spectrum(window=hann(samples), hop_samples=samples // 2, factor=factor)
    energy = spectrum(torch.from_numpy(frame).float()[None])[0, 1].numpy()  # hop 1 is centred in the frame
    assert np.abs(np.sqrt(energy[spectrum.first]) - np.abs(np.fft.rfft(frame * hann(samples)))).max() < 1e-4
    assert np.allclose(energy, energy[spectrum.first][spectrum.bins], atol=1e-3)


def test_a_window_that_the_factor_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        Spectrum(window=hann(1000), hop_samples=250, factor=32)


def test_the_published_spectra_agree_where_the_clips_last_and_their_channels_are_averaged(shipped, real_clips) -> None:
    found = {clip.clip: clip for clip in mel_references.compare(real_clips.parent, shipped["mel_22k"])}
    assert len(found) == 22
    mono = [clip for clip in found.values() if clip.channels == 1]
    assert len(mono) == 5
    assert min(clip.r for clip in mono) >= 0.996
    assert max(abs(clip.offset) for clip in found.values()) < 0.005  # 0.03 and more with ffmpeg's mix-down
    assert {name for name, clip in found.items() if clip.repeated_r is not None} == {"video_02677", "video_00819"}
    for name in ("video_02677", "video_00819"):
        assert found[name].r > 0.997  # for as long as the clip lasts
        assert found[name].repeated_r > 0.97  # and from its start again
