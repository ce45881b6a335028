"""RegNet: any length, silent where nothing was heard, the same graph through onnxruntime, and no training on bad data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from sounding_clips import lay_out

from soundstage_trainer import cli
from soundstage_trainer.card import read_card
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.regnet_net import SMALL, VISUAL, RegNet
from soundstage_trainer.recipes import regnet as recipe
from soundstage_trainer.regnet import dataset, measures
from soundstage_trainer.regnet.training import RegNetTask, spectrum
from soundstage_trainer.run import Run
from soundstage_trainer.run import config as configs

TINY = replace(SMALL, encoder=16, decoder=16, postnet=8, judge=8, auxiliary=4)


@pytest.fixture(scope="module")
def net() -> RegNet:
    torch.manual_seed(3)
    made = RegNet(TINY)
    for last in (made.to_mel, made.postnet[-1]):
        torch.nn.init.normal_(last.weight, std=0.1)  # as if it was trained: it begins at the mean
    return made.eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("regnet"))


def new_task(data: Path, folder: Path, **settings: object) -> RegNetTask:
    config = recipe.RegNetConfig(**{"device": "cpu", "steps": 8, "batch": 3, "crop_frames": 24, **settings})
    clips, version = dataset.load(data)
    run = Run("regnet", "1", config, out=folder, checkpoints=folder / "kept", data=data)
    return RegNetTask(dataset.of_split(clips, "train"), dataset.of_split(clips, "validation"), TINY, config.plan(), run)


@pytest.mark.parametrize("frames", [1, 8, 37, 215])
def test_a_frame_gives_four_hops_at_any_length(net: RegNet, frames: int) -> None:
    with torch.inference_mode():
        mel = net(torch.randn(2, frames, VISUAL))
    assert mel.shape == (2, 4 * frames, 80)
    assert 0 <= float(mel.min()) and float(mel.max()) <= 1


def test_the_auxiliary_branch_is_heard_in_training_and_has_no_effect_in_use(net: RegNet) -> None:
    visual, mel = torch.randn(2, 40, VISUAL), torch.rand(2, 160, 80)
    with torch.inference_mode():
        used = net(visual)
        silent = net.learn(visual, mel, torch.zeros(2))[1].clamp(0, 1)
        heard = net.learn(visual, mel, torch.ones(2))[1].clamp(0, 1)
        for weight in net.auxiliary.parameters():
            weight.add_(1.0)
        again = net(visual)
    assert torch.equal(used, silent) and torch.equal(used, again)
    assert float((heard - used).abs().max()) > 1e-4


def test_clips_are_as_long_as_picture_and_sound_both_go(data: Path) -> None:
    clip = dataset.load(data)[0][0]
    assert clip.visual.shape == (43, VISUAL) and clip.mel.shape == (172, 80)


def test_it_learns_that_what_shines_buzzes(data: Path, tmp_path: Path) -> None:
    task = new_task(data, tmp_path, steps=80, learning_rate=0.005, gan_weight=0.0, dropout=0.0)
    clips = dataset.of_split(dataset.load(data)[0], "train")
    before = measures.measure("train", clips, measures.comparators(clips, 1)).values[measures.MEAN]["mel_l1"]
    for n in range(80):
        task.step(n)
    after = measures.measure("train", clips, {measures.NET: lambda clip: spectrum(task.net, clip)}).values[measures.NET]
    assert after["mel_l1"] < 0.8 * before
    assert after["loudness_correlation"] > 0.5


def test_a_training_that_was_stopped_ends_in_the_same_weights(data: Path, tmp_path: Path) -> None:
    undisturbed, first, second = (new_task(data, tmp_path / name) for name in "abc")
    for n in range(6):
        undisturbed.step(n)
    for n in range(3):
        first.step(n)
    first.validate(3)
    second.load(first.state())
    for n in range(3, 6):
        second.step(n)
    for made in ("net", "average"):
        for name, weight in getattr(undisturbed, made).state_dict().items():
            assert torch.equal(weight, getattr(second, made).state_dict()[name]), name


def test_a_made_spectrum_is_measured_beside_answers_without_a_net(data: Path) -> None:
    clips = dataset.load(data)[0]
    makers = {measures.NET: lambda clip: clip.mel, **measures.comparators(clips[:3], seed=1)}
    found = measures.measure("test", clips[3:], makers).values
    assert found[measures.NET] == {"mel_l1": 0, "mel_l2": 0, "loudness_correlation": pytest.approx(1), "onset_f1_100ms": 1}
    assert found[measures.MEAN]["onset_f1_100ms"] == 0 and found[measures.MEAN]["loudness_correlation"] == 0
    assert all(found[method]["mel_l1"] > 0.01 for method in (measures.MEAN, measures.OTHER, measures.NEAREST))


@pytest.mark.parametrize(
    ("feature", "values", "sentence"),
    [
        ("rgb", np.zeros((43, 7), np.float32), "not float"),
        ("flow_rgb", np.full((43, 1280), np.nan, np.float32), "no numbers"),
        ("mel_22k", np.full((862, 80), -40.0, np.float32), "leaves 0..1"),
        ("mel_22k", np.zeros((60, 80), np.float32), "60 hops"),
    ],
)
def test_bad_features_end_with_42_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], feature: str, values: np.ndarray, sentence: str
) -> None:
    lay_out(tmp_path)
    np.save(tmp_path / "features" / "1" / f"{feature}.npy", values)
    assert cli.main(["regnet", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 42
    told = capsys.readouterr()
    assert sentence in told.err and "clip1" in told.err
    assert not (tmp_path / "out" / "regnet").exists()


def test_bad_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundstageError, match="must be even"):
        configs.read(recipe.RegNetConfig, {"hidden": 33})
    assert recipe.RegNetConfig(size="paper").sizes().encoder == 1024


def test_a_small_training_runs_to_its_card_and_page(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"steps": 3, "batch": 2, "crop_frames": 16, "hidden": 16, "gan_begin": 0.3}
    ended = cli.main(
        ["regnet", "--data", str(data), "--out", str(tmp_path), "--parameters", json.dumps(settings), "--device", "cpu"]
        + ["--models", str(tmp_path / "none"), "--threads", "1"]
    )
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ended == 0 and events[-1]["event"] == "done"
    card = read_card(tmp_path / "regnet" / "1")
    assert set(card["scores"]["test"]) == set(measures.METHODS.values())
    assert any("3 sources" in sentence for sentence in card["limits"])
    # The graph that was written is held to PyTorch at several lengths, and the auxiliary branch is not in it.
    assert card["parity"]["max_abs_difference"] < recipe.PARITY
    assert {"2×40×2560", "1×1×2560", "1×37×2560", "1×43×2560"} == set(card["parity"]["inputs"])
    assert not any("auxiliary" in weight.name for weight in onnx.load(events[-1]["model"]).graph.initializer)
    assert "nearest training clip" in Path(events[-1]["report"]).read_text()
