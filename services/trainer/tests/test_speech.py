"""The speech graph answers as the published net does, for sounds of any length, and an LSTM exports for any number of steps."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import CHECKOUT, MODELS

from soundstage_trainer.decode import read_sound
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs.lstm import Lstm
from soundstage_trainer.recipes import speech


@pytest.fixture(scope="module")
def shipped() -> onnxruntime.InferenceSession:
    return session(MODELS / "speech" / "1" / "model.onnx")


@pytest.mark.parametrize(("samples", "blocks"), [(1, 1), (512, 1), (513, 2), (16_000, 32)])
def test_every_block_gets_an_answer_and_silence_is_no_speech(shipped, samples: int, blocks: int) -> None:
    probability = shipped.run(None, speech.beginning(np.zeros((2, samples), np.float32)))[0]
    assert probability.shape == (2, blocks, 1)
    assert probability.max() < 0.2


def test_clips_do_not_hear_each_other(shipped) -> None:
    random = np.random.default_rng(0)
    sounds = random.normal(0, 0.2, (2, 8000)).astype(np.float32)
    together = shipped.run(None, speech.beginning(sounds))[0]
    assert np.abs(together[1] - shipped.run(None, speech.beginning(sounds[1:]))[0][0]).max() < 1e-5


def test_pieces_that_hand_on_what_they_remember_give_the_numbers_of_the_whole(shipped) -> None:
    sound = np.random.default_rng(1).normal(0, 0.2, (1, 40 * 512 + 100)).astype(np.float32)
    whole, _ = shipped.run(None, speech.beginning(sound))
    given, found = speech.beginning(sound[:, :0]), []
    for start, end in ((0, 512), (512, 15 * 512), (15 * 512, 40 * 512 + 100)):
        answer, state = shipped.run(None, given | {"sound": sound[:, start:end]})
        given |= {"before": sound[:, end - 64 : end], "state": state}
        found.append(answer)
    assert np.abs(np.concatenate(found, axis=1) - whole).max() < 1e-6


def test_someone_who_speaks_is_heard_and_the_published_net_says_the_same(shipped, real_clips) -> None:
    path = real_clips.parent / "sync" / "grid_s1" / "bbaf2n.mkv"
    sound = read_sound(path, speech.SAMPLE_RATE_HZ)
    probability = shipped.run(None, speech.beginning(sound[None]))[0][0, :, 0]
    assert probability.max() > 0.9
    assert probability[:5].max() < 0.5  # before the sentence
    weights = Path(os.environ.get("SOUNDSTAGE_WEIGHTS", CHECKOUT.parent / "shared" / "models")) / "silero_vad_v6.onnx"
    if not weights.is_file():
        pytest.skip("the published net is not on this machine")
    published = speech.block_by_block(session(weights, threads=1), sound)
    assert np.abs(probability - published).max() < 5e-3
    with torch.inference_mode():
        whole = [torch.from_numpy(given) for given in speech.beginning(sound[None]).values()]
        exact = speech.load(weights)(*whole)[0][0, :, 0].numpy()
    assert np.abs(exact - published).max() < 1e-5


def test_another_file_than_silero_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(SoundstageError, match="no ONNX file"):
        speech.load(tmp_path / "no.onnx")
    with pytest.raises(SoundstageError, match="lacks stft"):
        speech.load(MODELS / "flow" / "1" / "model.onnx")


@pytest.mark.parametrize(("layers", "both_ways"), [(1, False), (2, True)])
def test_an_lstm_exports_for_any_number_of_steps(layers: int, both_ways: bool) -> None:
    torch.manual_seed(0)
    net = Lstm(6, 4, layers=layers, both_ways=both_ways).eval()
    sizes = {0: torch.export.Dim("n", min=1), 1: torch.export.Dim("t", min=1)}
    running = session(to_onnx(net, (torch.rand(2, 7, 6),), inputs=["x"], outputs=["y"], dynamic={"x": sizes}))
    for clips, steps in ((1, 1), (3, 19)):
        x = torch.rand(clips, steps, 6)
        assert np.abs(running.run(None, {"x": x.numpy()})[0] - net(x).detach().numpy()).max() < 1e-6
