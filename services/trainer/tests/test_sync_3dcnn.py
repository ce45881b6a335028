"""The 3D-CNN: exact shifts, known figures for always zero, the same graph through onnxruntime, no training on bad data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from soundstage_trainer import cli
from soundstage_trainer.card import read_card
from soundstage_trainer.export import session
from soundstage_trainer.recipes import sync_3dcnn as recipe
from soundstage_trainer.run import Run
from soundstage_trainer.sync_3dcnn import blocks, dataset, measures
from soundstage_trainer.sync_3dcnn.dataset import FRAME_RATE_HZ, HOP_RATE_HZ, Clip
from soundstage_trainer.sync_3dcnn.measures import METHODS, NET, OTHER, ZERO
from soundstage_trainer.sync_3dcnn.net import Sync3dCnn
from soundstage_trainer.sync_3dcnn.training import Sync3dTask

ROWS, HOPS = 44, 316  # of 3 s


def speaking(number: int, rows: int = ROWS, speaker: str = "ann") -> Clip:
    """A clip of its own looks and sound, always the same."""
    random = np.random.default_rng(number)
    hops = round((rows + 1) / FRAME_RATE_HZ * HOP_RATE_HZ)
    flow, mfcc = random.normal(0, 1, (rows, 32, 32)), random.normal(0, 20, (hops, 12))
    return Clip(f"{speaker}{number}", speaker, "train", flow.astype(np.float32), mfcc.astype(np.float32))


def ticking(number: int) -> Clip:
    """Each row of flow tells the time of its frame, and each hop its own, in seconds."""
    clip = speaking(number)
    clip.flow[:] = 0.1 * clip.flow + (np.arange(ROWS) / FRAME_RATE_HZ)[:, None, None]
    clip.mfcc[:] = 0.005 * clip.mfcc + (np.arange(HOPS) / HOP_RATE_HZ)[:, None]
    clip.flow[:, 0, 0], clip.mfcc[:, 0] = np.arange(ROWS) / FRAME_RATE_HZ, np.arange(HOPS) / HOP_RATE_HZ
    return clip


def lay_out(folder: Path, clips: int = 8) -> Path:
    """clips.jsonl of two speakers, one of whom is the test."""
    lines = []
    for number in range(clips):
        speaker = "ann" if number % 2 == 0 else "bob"
        made = speaking(number, rows=24, speaker=speaker)
        home = folder / "features" / made.id
        home.mkdir(parents=True)
        np.save(home / "lip_flow.npy", made.flow)
        np.save(home / "mfcc.npy", made.mfcc)
        (folder / f"{made.id}.mp4").write_bytes(b"a picture")
        lines.append(
            {
                "id": made.id, "source": speaker, "label": "", "split": "train" if speaker == "ann" else "test",
                "clip": f"{made.id}.mp4", "features": {name: f"features/{made.id}/{name}.npy" for name in dataset.FEATURES},
            }
        )  # fmt: skip
    (folder / "clips.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("sync"))


def new_task(folder: Path, clips: list[Clip], **settings: object) -> Sync3dTask:
    config = recipe.Sync3dConfig(**{"device": "cpu", "steps": 6, "batch": 4, **settings})
    run = Run("sync_3dcnn", "1", config, out=folder, checkpoints=folder / "kept", data=folder)
    return Sync3dTask(clips[1:], clips[:1], config.plan(), run)


@pytest.mark.parametrize("offset", [-7, -4, -1, 0, 1, 6, 7])
def test_what_is_seen_and_heard_at_once_is_heard_so_many_frames_late(offset: int) -> None:
    clip = ticking(1)
    for place in (4, 17, 33):
        seen, heard = blocks.cut(clip, clip, place, offset)
        assert seen.shape == (8, 32, 32) and heard.shape == (56, 12)
        # Late sound is sound of earlier pictures, to half a hop.
        assert seen[0, 0, 0] - heard[0, 0] == pytest.approx(offset / 15, abs=0.5 / HOP_RATE_HZ + 1e-6)


def test_blocks_lie_inside_the_clip_at_every_offset_and_each_gives_way_by_half() -> None:
    clip = speaking(1)
    found = blocks.places(clip)
    assert found.tolist() == list(range(4, 34))
    for offset in blocks.OFFSETS:
        seen, heard = blocks.starts(found, offset)
        assert seen.min() >= 0 and heard.min() >= 0
        assert seen.max() + 8 <= ROWS and blocks.hop_of(heard.max()) + 56 <= HOPS
        assert np.abs(seen - found).max() <= 4 and np.abs(heard - found).max() <= 4


def test_there_is_no_place_in_a_short_clip_and_none_where_no_mouth_is_seen() -> None:
    assert len(blocks.places(speaking(1, rows=14))) == 0
    assert len(blocks.places(speaking(1, rows=16))) == 2
    clip = speaking(1)
    clip.flow[20] = 0
    for place in (found := blocks.places(clip)):
        assert all(not start <= 20 < start + 8 for start in blocks.starts(place, blocks.OFFSETS)[0])
    assert 0 < len(found) < 30


def test_a_net_of_some_four_hundred_thousand_weights_answers_for_any_number_of_pairs() -> None:
    net = Sync3dCnn().eval()
    assert 100_000 < net.parameters_in_all() < 500_000
    for pairs in (1, 5):
        with torch.inference_mode():
            assert net(torch.randn(pairs, 8, 32, 32), torch.randn(pairs, 56, 12)).shape == (pairs,)


def test_always_zero_has_the_error_that_it_must_have_and_the_truth_has_none() -> None:
    clips = [speaking(number) for number in range(3)]
    true = measures.measure("test", clips, lambda _, __, places: np.repeat(blocks.OFFSETS[:, None], len(places), axis=1), 1.0)
    assert true.values[NET] == {
        "block_rmse_frames": 0, "clip_rmse_frames": 0, "clip_median_ms": 0, "clip_within_40ms": 1, "clip_within_80ms": 1
    }  # fmt: skip
    zero = true.values[ZERO]
    assert zero["block_rmse_frames"] == zero["clip_rmse_frames"] == pytest.approx(np.sqrt(56 / 3))  # 4.32
    assert zero["clip_median_ms"] == pytest.approx(4 * 1000 / 15)
    assert zero["clip_within_40ms"] == pytest.approx(1 / 15) and zero["clip_within_80ms"] == pytest.approx(3 / 15)
    assert true.values[measures.MEAN]["block_rmse_frames"] == pytest.approx(np.sqrt(56 / 3 + 1))


def test_offsets_are_drawn_alike_often(tmp_path: Path) -> None:
    task = new_task(tmp_path, [speaking(number) for number in range(2)], batch=100, steps=30)
    drawn = np.concatenate([task._batch(n)[2].numpy() for n in range(30)])
    counts = [int((drawn == offset).sum()) for offset in blocks.OFFSETS]
    assert sum(counts) == 3000 and min(counts) > 140 and max(counts) < 260
    assert task.mean_offset() == pytest.approx(drawn.mean())


def test_it_learns_how_late_a_sound_comes(tmp_path: Path) -> None:
    clips = [ticking(number) for number in range(5)]
    task = new_task(tmp_path, clips, steps=40, batch=16, learning_rate=0.004, dropout=0.0)
    for n in range(40):
        task.step(n)
    unknown = measures.measure("test", [ticking(9)], measures.answers_of_net(task.net), 0.0).values
    assert unknown[NET]["block_rmse_frames"] < 0.6 * unknown[ZERO]["block_rmse_frames"]
    assert OTHER not in unknown  # there is no other clip


def test_a_training_that_was_stopped_draws_the_same_curve_and_ends_in_the_same_weights(tmp_path: Path) -> None:
    clips = [speaking(number) for number in range(3)]
    undisturbed, first, second = (new_task(tmp_path / name, clips) for name in "abc")
    whole = [undisturbed.step(n)["loss"] for n in range(6)]
    parts = [first.step(n)["loss"] for n in range(3)]
    first.validate(3)
    second.load(first.state())
    parts += [second.step(n)["loss"] for n in range(3, 6)]
    assert parts == whole
    for name, weight in undisturbed.net.state_dict().items():
        assert torch.equal(weight, second.net.state_dict()[name]), name


def test_clips_that_are_kept_out_are_never_learned_from() -> None:
    clips = [speaking(number, rows=14, speaker=speaker) for speaker in ("ann", "bob") for number in range(20)]
    learned, chosen_on, known = dataset.hold_out(clips, 0.15, seed=1)
    assert (len(learned), len(chosen_on), len(known)) == (28, 6, 6)
    assert len({clip.id for clip in [*learned, *chosen_on, *known]}) == 40
    assert {clip.speaker for clip in known} == {clip.speaker for clip in chosen_on} == {"ann", "bob"}
    assert dataset.speaker_folds(clips, 2) == [["ann"], ["bob"]]


def train(data: Path, out: Path, **settings: object) -> int:
    words = json.dumps({"steps": 2, "batch": 4, "device": "cpu", **settings})
    return cli.main(["sync-3dcnn", "--data", str(data), "--out", str(out), "--parameters", words])


def test_a_small_training_runs_to_its_card_its_page_and_a_table_of_strangers(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(data, tmp_path, evaluate=True, held_out=0.25) == 0
    # Written only if the graph's answers are those of PyTorch, on single pairs of blocks and on the metric.
    told = capsys.readouterr()
    events = [json.loads(line) for line in told.out.splitlines()]
    card = read_card(tmp_path / "sync_3dcnn" / "1")
    assert set(card["scores"]) == {"known_1", "stranger_1", "known_2", "stranger_2", "known", "test"}
    assert set(card["scores"]["test"]) == set(METHODS.values())
    assert card["parity"]["max_abs_difference"] < 1e-4
    assert {"1×8×32×32 1×56×12", "3×8×32×32 3×56×12"} == set(card["parity"]["inputs"])
    assert "4.32" in told.err and "stranger_2" in told.err
    metrics = {event["name"]: event["value"] for event in events if event["event"] == "metric"}
    assert metrics["always_zero.block_rmse_frames.test"] == pytest.approx(4.3205, abs=1e-4)
    # What was trained for a fold is not trained once more: two trainings of 2 steps, not three.
    assert {event["of"] for event in events if event["event"] == "progress"} == {4}
    by_graph, by_torch = (metrics[f"sync_3dcnn.block_rmse_frames.{group}"] for group in ("test", "stranger_2"))
    assert by_graph == pytest.approx(by_torch, abs=1e-5)
    graph = measures.answers_of_graph(session(Path(events[-1]["model"])))
    unlike = graph(speaking(1), speaking(2), np.array([4, 9]))
    assert unlike.shape == (15, 2) and len(np.unique(unlike)) == 30
    assert any("1 speaker" in sentence for sentence in card["limits"])
    assert "always zero" in Path(events[-1]["report"]).read_text()


@pytest.mark.parametrize(
    ("feature", "values", "sentence"),
    [
        ("lip_flow", np.zeros((24, 16, 16), np.float32), "not float"),
        ("mfcc", np.full((170, 12), np.nan, np.float32), "no numbers"),
        ("lip_flow", np.zeros((40, 32, 32), np.float32), "with frame_rate 15"),
        ("lip_flow", None, "has no lip_flow"),
    ],
)
def test_bad_and_missing_features_end_with_42_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], feature: str, values: np.ndarray | None, sentence: str
) -> None:
    lay_out(tmp_path, clips=4)
    if values is None:
        rows = [json.loads(line) for line in (tmp_path / "clips.jsonl").read_text().splitlines()]
        del rows[1]["features"][feature]
        (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        np.save(tmp_path / "features" / "bob1" / f"{feature}.npy", values)
    assert train(tmp_path, tmp_path / "out") == 42
    told = capsys.readouterr().err
    assert sentence in told and "bob1" in told
    assert not (tmp_path / "out" / "sync_3dcnn").exists()


def test_more_folds_than_speakers_are_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(data, tmp_path, evaluate=True, folds=3) == 42
    assert "the clips have 2" in capsys.readouterr().err
