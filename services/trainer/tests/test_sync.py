"""Lips and sound: cut at one time, compared at every lag, the same through onnxruntime, and learned from made talk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from soundstage_trainer import cli
from soundstage_trainer.card import read_card
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session
from soundstage_trainer.graphs.sync_net import BANDS, LENGTHS, POINTS, LipShape, SyncNet, SyncVoter
from soundstage_trainer.recipes import sync as recipe
from soundstage_trainer.run import Run
from soundstage_trainer.sync import confidence, dataset, measures, streams
from soundstage_trainer.sync.dataset import MESH_POINTS, Clip
from soundstage_trainer.sync.measures import Answer
from soundstage_trainer.sync.training import SyncTask

MOUTH = tuple(POINTS.index(point) for point in (14, 17, 152))


def talking(number: int, speaker: str = "ann", frames: int = 75) -> Clip:
    """A face whose chin falls as its voice gets louder."""
    random = np.random.default_rng(number)
    loudness = np.convolve(random.uniform(size=4 * frames + 40), np.hanning(20) / 10, "same")[20:-20]
    points = np.tile(random.normal(0, 30, (1, len(POINTS), 3)), (frames, 1, 1))
    points[:, POINTS.index(33)], points[:, POINTS.index(263)] = (-40, 0, 0), (40, 0, 0)
    points[:, MOUTH, 1] += 60 * (loudness[::4, None] - loudness.mean())
    mel = np.log(1e-3 + np.exp(random.normal(0, 0.3, BANDS)) * loudness[:, None] ** 4)
    return Clip(f"{speaker}{number}", speaker, "train", points.astype(np.float32), mel.astype(np.float32))


def lay_out(folder: Path, clips: list[Clip]) -> Path:
    lines = []
    for clip in clips:
        home = folder / clip.id
        home.mkdir(parents=True)
        lips = np.zeros((len(clip.points), MESH_POINTS + 1, 3), np.float32)
        lips[:, list(POINTS)], lips[:, MESH_POINTS] = clip.points, 1
        np.save(home / "lips.npy", lips)
        np.save(home / "mel_16k.npy", clip.mel)
        (home / "clip.mp4").write_bytes(b"a picture")
        features = {name: f"{clip.id}/{name}.npy" for name in dataset.FEATURES}
        row = {"id": clip.id, "source": clip.speaker, "label": "", "split": "train", "clip": f"{clip.id}/clip.mp4"}
        lines.append({**row, "features": features})
    (folder / "clips.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def everybody() -> list[Clip]:
    return [talking(number, "ann" if number % 2 else "bob") for number in range(8)]


def small_net() -> SyncNet:
    torch.manual_seed(0)
    return SyncNet([SyncVoter(8, 4), SyncVoter(8, 4)]).eval()


def answer(error_ms: float, margin: float, seconds: float = 4.0) -> Answer:
    return Answer("5 s", "ann", False, 0.0, error_ms, 2 * margin, margin, margin / 2, 0.5, seconds)


def test_a_stretch_of_lips_and_its_sound_come_from_one_time_at_any_pace_and_between_frames() -> None:
    clip = talking(1)
    clip.points[:] = np.arange(75)[:, None, None] / 25
    clip.mel[:] = np.arange(300)[:, None] / 100
    for seed in range(20):
        lips, mel = streams.cut([clip], 30, 60, np.random.default_rng(seed))
        assert lips.shape == (30, len(POINTS), 3) and mel.shape == (4 * 30 + 120, BANDS)
        # Until the first clip ends both tell the same time; the head of a later one is moved to where the first one stood.
        steps = np.diff(lips[:, 0, 0])
        straight = np.abs(steps - steps.max()) < 1e-3
        until = 1 + (len(steps) if straight.all() else int(np.argmin(straight)))
        apart = np.abs(lips[:, 0, 0] - mel[60 + 4 * np.arange(30), 0])
        assert apart[: max(0, until - streams.JOIN_FRAMES)].max(initial=0) < 1e-3


def test_the_shape_of_lips_does_not_change_with_the_size_place_and_roll_of_the_head() -> None:
    shape = LipShape(depth=0.5)
    points = torch.from_numpy(talking(2).points)[None]
    angle = 0.4
    turned = torch.tensor([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]).float()
    moved = points @ turned * 2.5 + torch.tensor([200.0, -30.0, 5.0])
    assert shape(points).shape == (1, 75, len(LENGTHS))
    assert torch.allclose(shape(points), shape(moved), atol=2e-4)


def test_lag_k_compares_frame_t_with_hop_4t_plus_k_and_what_is_not_heard_counts_nothing() -> None:
    net, clip = small_net(), talking(3)
    mel, heard = torch.from_numpy(clip.mel), torch.ones(300)
    heard[:50] = 0
    with torch.inference_mode():
        agreement = net(torch.from_numpy(clip.points[:60]), mel, heard)
        later = net(torch.from_numpy(clip.points[:60]), mel[8:], heard[8:])
    assert agreement.shape == (60, 300 - 4 * 59)
    assert float(agreement[0, :50].abs().max()) == 0
    known = torch.tensor([[4 * frame + lag >= 50 for lag in range(agreement.shape[1])] for frame in range(60)])
    assert torch.allclose((agreement * known).sum(dim=1), torch.zeros(60), atol=1e-3)
    # Sound that begins 8 hops later is the same at 8 lags less, apart from the rows' and the bands' means.
    a, b = agreement[20, 8:].numpy(), later[20].numpy()
    assert np.corrcoef(a, b)[0, 1] > 0.99


def test_the_offset_of_a_file_is_found_between_hops() -> None:
    curve = 100 - ((np.arange(201) - 100 - 23.4) ** 2) / 50.0
    found = measures.peak(np.stack([curve / 20] * 20))
    assert found.lag == pytest.approx(23.4, abs=0.01) and found.score == pytest.approx(curve.max())
    assert found.margin == pytest.approx(curve[123] - curve[136])
    assert found.flank == pytest.approx(curve[123] - (curve[111] + curve[135]) / 2)


def test_rows_that_agree_on_one_lag_have_all_that_they_could_have_there() -> None:
    rows = np.zeros((40, 201))
    rows[:, 120] = 1
    assert measures.peak(rows).share == pytest.approx(1)
    rows[20:30, 60] = 2
    assert measures.peak(rows).share == pytest.approx(40 / 50)
    rows[20:30, 10] = 3  # further away than offsets are looked for
    assert measures.peak(rows).share == pytest.approx(40 / 50)


def test_a_talk_is_asked_as_a_file_whose_sound_ends_with_its_picture() -> None:
    asked = []

    def compare(points: np.ndarray, mel: np.ndarray, heard: np.ndarray) -> np.ndarray:
        asked.append((points, mel, heard))
        return np.random.default_rng(0).normal(size=(len(points), len(mel) - 4 * (len(points) - 1)))

    answers = measures.ask([talking(1), talking(2)], compare, measures.Condition("made", 2.0), count=3, seed=0)
    assert {answer.seconds for answer in answers} == {42 / 25}  # without the edges
    for points, mel, heard in asked:
        inside = slice(measures.REACH, measures.REACH + 4 * len(points))
        assert heard[inside].all() and heard.sum() == 4 * len(points)
        assert (mel[heard == 0] == np.float32(measures.FLOOR)).all() and mel[inside].std() > 0.1


def test_the_graph_gives_through_onnxruntime_what_pytorch_gives() -> None:
    exported = recipe.export(small_net(), everybody())
    assert exported.parity["max_abs_difference"] < recipe.PARITY


def test_a_stopped_training_draws_the_same_curve(tmp_path: Path) -> None:
    def task(folder: str) -> SyncTask:
        config = recipe.SyncConfig(device="cpu", steps=4, voters=2, batch=3, frames=25, width=8, size=4)
        run = Run("sync", "1", config, out=tmp_path, checkpoints=tmp_path / folder, data=tmp_path)
        return SyncTask(everybody(), config.plan(2), run)

    whole, broken, after = task("a"), task("b"), task("c")
    torch.manual_seed(1)
    losses = [whole.step(n)["loss"] for n in range(6)]
    torch.manual_seed(1)
    assert [broken.step(n)["loss"] for n in range(5)] == losses[:5]
    state, generator = broken.state(), torch.get_rng_state()
    after.load(state)
    torch.set_rng_state(generator)
    assert after.step(5)["loss"] == losses[5]


def test_confidence_is_high_where_the_peak_stands_alone_and_says_how_often_it_is_right() -> None:
    random = np.random.default_rng(0)
    answers = [answer(0 if random.uniform() < min(0.98, margin / 8) else 400, margin) for margin in random.uniform(0, 12, 2000)]
    line = confidence.fit(answers)
    sure = line.of(answers)
    assert confidence.calibration_error(answers, line) < 0.06
    assert measures.auroc(sure[confidence.right(answers)], sure[~confidence.right(answers)]) > 0.8
    told = sure >= confidence.answer_from(answers, line)
    assert told.mean() == pytest.approx(confidence.ANSWERED, abs=0.01) or confidence.answer_from(answers, line) == 0.5
    assert confidence.right(answers)[told].mean() > confidence.right(answers).mean()


def test_from_clips_of_two_people_who_speak_to_a_model_with_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = lay_out(tmp_path / "data", everybody())
    settings = [
        "steps=40",
        "voters=1",
        "batch=8",
        "learning_rate=0.01",
        "frames=40",
        "width=12",
        "size=6",
        "evaluate_voters=1",
        "talks=4",
    ]
    told = cli.main(
        ["sync", "--data", str(data), "--out", str(tmp_path / "out"), *[part for one in settings for part in ("--set", one)]]
    )
    assert told == 0
    folder = tmp_path / "out" / "sync" / "1"
    card = read_card(folder)
    assert {*card["decision"]["confidence"]} == {"bias", "margin", "flank", "share", "seconds"}
    assert card["decision"]["penalties"]["break"] > 0
    assert (folder / "report.html").is_file()
    assert sorted(path.name for path in (folder / recipe.STRANGERS).iterdir()) == ["ann", "bob"]
    running = session(folder / "model.onnx")

    def compare(points: np.ndarray, mel: np.ndarray, heard: np.ndarray) -> np.ndarray:
        return running.run(["agreement"], {"points": points, "mel": mel, "heard": heard})[0]

    stranger = [talking(number, "carl") for number in range(90, 96)]
    told = measures.ask(stranger, compare, measures.Condition("made", 5.0), count=9, seed=0)
    assert measures.figures(told)["median_ms"] < 60
    assert any('"within_80.strangers"' in line for line in capsys.readouterr().out.splitlines())


def test_one_speaker_alone_is_refused_and_so_are_features_of_another_shape(tmp_path: Path) -> None:
    alone = lay_out(tmp_path / "alone", [talking(number) for number in range(3)])
    assert cli.main(["sync", "--data", str(alone), "--out", str(tmp_path / "out")]) == 42
    other = lay_out(tmp_path / "other", everybody())
    np.save(next(other.glob("*/mel_16k.npy")), np.zeros((300, 40), np.float32))
    with pytest.raises(SoundstageError, match="mel_16k"):
        dataset.read(other)
