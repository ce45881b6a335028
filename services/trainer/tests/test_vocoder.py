"""From mel spectra to sound: Griffin-Lim and the net that ends in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MODELS, long_test
from scipy.io import wavfile
from sounding_clips import lay_out, without_mel

from soundstage_trainer import cli
from soundstage_trainer.card import read_card
from soundstage_trainer.export import session
from soundstage_trainer.graphs.griffin_lim import GriffinLim, fixed_noise
from soundstage_trainer.graphs.short_time import MelInverse, ShortTime, filters, modulus
from soundstage_trainer.graphs.vocoder_net import VocoderNet
from soundstage_trainer.recipes import griffin_lim as griffin_lim_recipe
from soundstage_trainer.recipes import vocoder as recipe
from soundstage_trainer.run import Run
from soundstage_trainer.vocoder import dataset, measures
from soundstage_trainer.vocoder.losses import SpectralDistance
from soundstage_trainer.vocoder.training import VocoderTask


def chirp(hops: int = 120) -> torch.Tensor:
    """A tone from 200 to 3000 Hz: [1, 256 · hops]."""
    time_s = torch.arange(hops * 256) / 22_050
    return (0.3 * torch.sin(2 * torch.pi * (200 * time_s + 0.5 * 2800 / time_s[-1] * time_s**2)))[None]


def mel_of(sound: torch.Tensor) -> torch.Tensor:
    return SpectralDistance().mel(sound).transpose(1, 2)[:, : sound.shape[1] // 256].clamp(0, 1)


def test_spectra_are_those_of_the_fft_and_give_the_sound_back() -> None:
    short_time, sound = ShortTime(), torch.randn(2, 20 * 256 + 768)
    spectra = short_time.analyse(sound, 20)
    frames = sound.unfold(1, 1024, 256).reshape(-1, 1024) * torch.hann_window(1024)
    expected = torch.fft.rfft(frames).abs()[:, torch.as_tensor(short_time.bins)]
    found = modulus(spectra).transpose(0, 1).reshape(40, -1)
    assert float((found - expected).abs().max()) < 1e-3
    assert float((short_time.synthesise(spectra, 20) - sound)[:, 768:-768].abs().max()) < 1e-5


def test_the_inverse_of_the_mel_bands_is_heard_as_the_bands() -> None:
    magnitude = mel_of(chirp())
    spectrum = MelInverse()(magnitude)
    again = spectrum @ torch.tensor(filters(), dtype=torch.float32).T
    assert float(spectrum.min()) >= 0
    assert float((again - magnitude).abs().mean()) < 0.02 * float(magnitude.mean())


def test_griffin_lim_gives_a_chirp_back_better_than_noise_for_phases() -> None:
    sound = chirp()
    distance, mel = SpectralDistance(), mel_of(sound)
    with torch.inference_mode():
        by_noise, by_iterations = (distance(GriffinLim(count)(mel), sound) for count in (0, 16))
    assert float(by_iterations[0]) < 0.7 * float(by_noise[0])  # spectral convergence
    assert float(by_iterations[2]) < 0.9 * float(by_noise[2])  # log-mel, most of it the floor beside the tone


def test_its_first_phases_are_noise_and_always_the_same() -> None:
    noise = fixed_noise(400, 17, 32)
    assert torch.equal(noise, fixed_noise(400, 17, 32))
    real = noise[..., :32]
    assert abs(float(real.mean())) < 0.01
    for moved in (real.roll(1, dims=1), real.roll(1, dims=2), real.roll(1, dims=0)):
        assert abs(float((real * moved).mean())) < 0.01


def test_the_griffin_lim_that_ships_is_small_and_gives_what_pytorch_gives() -> None:
    folder = MODELS / "griffin_lim" / "1"
    card = read_card(folder)
    assert card["bytes"] < 1_500_000
    mel = mel_of(chirp(30))
    with torch.inference_mode():
        expected = GriffinLim()(mel).numpy()
    found = session(folder / "model.onnx").run(["sound"], {"mel": mel.numpy()})[0]
    assert found.shape == (1, 30 * 256)
    assert np.abs(found - expected).max() < griffin_lim_recipe.PARITY


def test_the_net_gives_256_samples_a_hop_and_keeps_silence_silent() -> None:
    net = VocoderNet(channels=16, layers=1, iterations=2).eval()
    with torch.inference_mode():
        for hops in (1, 37):
            assert net(torch.rand(2, hops, 80)).shape == (2, 256 * hops)
        assert float(net(torch.zeros(1, 20, 80)).abs().max()) < 1e-3


def test_what_the_net_makes_is_heard_as_what_it_was_given() -> None:
    torch.manual_seed(1)
    net = VocoderNet(channels=16, layers=1, iterations=0).eval()
    torch.nn.init.normal_(net.end.weight, std=0.2)  # a net that shares out wildly
    wanted = torch.rand(1, 30, 80) * 0.4 + 0.3
    with torch.inference_mode():
        magnitude = net.spectrum(wanted)[0].transpose(0, 1).reshape(30, -1)
        found = magnitude @ net.bands_in.T
    assert float((torch.log10(found) + 4 - 5 * wanted[0]).abs().mean()) < 0.15  # decades, of 5


def new_task(data: Path, folder: Path) -> VocoderTask:
    config = recipe.VocoderConfig(
        device="cpu", steps=4, batch=1, crop_hops=16, channels=8, layers=1, gan_weight=0.1, gan_begin=0.25, iterations=1
    )
    recordings = dataset.load(dataset.read_rows(data)[0], MODELS)
    run = Run("vocoder", "1", config, out=folder, checkpoints=folder / "kept", data=data)
    torch.manual_seed(1)
    learned, held_out = (dataset.of_split(recordings, split) for split in ("train", "validation"))
    return VocoderTask(config.net(), learned, held_out, config.plan(), run)


def test_a_training_that_was_stopped_ends_in_the_same_weights(tmp_path: Path) -> None:
    data = without_mel(lay_out(tmp_path / "data"))  # its mel spectra come from the graph mel_22k
    undisturbed, first, second = (new_task(data, tmp_path / name) for name in "abc")
    for n in range(4):
        undisturbed.step(n)
    for n in range(2):
        first.step(n)
    first.validate(2)
    second.load(first.state())
    for n in range(2, 4):
        second.step(n)
    for name, weight in undisturbed.net.state_dict().items():
        assert torch.equal(weight, second.net.state_dict()[name]), name


def test_padding_is_no_sound_and_a_silent_data_set_ends_with_42(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = lay_out(tmp_path)
    assert len(dataset.load(dataset.read_rows(data)[0], MODELS)[0].mel) in (42, 43)
    for path in data.glob("*.wav"):
        wavfile.write(path, 22_050, np.zeros(22_050, np.float32))
    assert cli.main(["vocoder", "--data", str(data), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 42
    assert "nothing to learn from" in capsys.readouterr().err


@long_test
def test_a_small_training_runs_to_its_card_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"steps": 2, "batch": 2, "crop_hops": 16, "channels": 8, "layers": 1, "iterations": 1}
    data = lay_out(tmp_path / "data")
    ended = cli.main(
        ["vocoder", "--data", str(data), "--out", str(tmp_path), "--parameters", json.dumps(settings), "--device", "cpu"]
        + ["--models", str(MODELS), "--threads", "1"]
    )
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ended == 0 and events[-1]["event"] == "done"
    card = read_card(tmp_path / "vocoder" / "1")
    assert set(card["scores"]["test"]) == set(measures.METHODS.values())
    assert set(card["beats_griffin_lim"]["test"]) == set(measures.METRICS)
    assert card["parity"]["max_abs_difference"] < recipe.PARITY and "1×1×80" in card["parity"]["inputs"]
    assert "hundred hours" in " ".join(card["limits"])
