"""A training that is killed, stopped or broken goes on from its newest whole checkpoint, and ends where it would have."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from small_run import SmallTask, new_run, start
from tensorboardX.proto.event_pb2 import Event

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.run import curves
from soundstage_trainer.run.checkpoint import Checkpoints
from soundstage_trainer.run.train import train


def arguments(folder: Path, **settings: object) -> list[object]:
    return ["small", "--out", folder / "out", "--checkpoints", folder / "kept", "--parameters", json.dumps(settings)]


def events(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def last_metric(log: Path) -> float:
    return [event["value"] for event in events(log) if event["event"] == "metric"][-1]


def finish(log: Path, folder: Path, **settings: object) -> int:
    process = start(log, *arguments(folder, **settings))
    process.join(300)
    return process.exitcode


def wait_for_step(folder: Path, step: int) -> None:
    """Until the curve file tells of this step."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        path = folder / "kept" / curves.FILE
        if path.is_file() and f'"step": {step},' in path.read_text():
            return
        time.sleep(0.005)
    raise AssertionError(f"step {step} never came")


def told_to_tensorboard(folder: Path) -> list[tuple[str, int, float]]:
    """Tag, step and value of each event, in the one event file there may be."""
    (path,) = (folder / curves.EVENTS).iterdir()
    content, at, told = path.read_bytes(), 0, []
    while at < len(content):  # a record: length (8 bytes), its checksum (4), the event, its checksum (4)
        length = int.from_bytes(content[at : at + 8], "little")
        event = Event.FromString(content[at + 12 : at + 12 + length])
        told += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        at += 16 + length
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert finish(folder / "log", folder) == 0, (folder / "log").read_text()
    return folder


def test_killed_three_times_it_ends_in_the_same_figure_and_the_same_curve(undisturbed: Path, tmp_path: Path) -> None:
    random = np.random.default_rng()
    for kill, step in enumerate(sorted(random.integers(5, 230, 3).tolist())):
        process = start(tmp_path / f"log {kill}", *arguments(tmp_path, checkpoint_minutes=0.0005))
        wait_for_step(tmp_path, step)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert finish(tmp_path / "log", tmp_path, checkpoint_minutes=0.0005) == 0
    assert events(tmp_path / "log")[0]["resumed"] == 3
    assert last_metric(tmp_path / "log") == pytest.approx(last_metric(undisturbed / "log"), abs=1e-6)
    assert (tmp_path / "kept" / curves.FILE).read_text() == (undisturbed / "kept" / curves.FILE).read_text()
    rows = [json.loads(line) for line in (tmp_path / "kept" / curves.FILE).read_text().splitlines()]
    assert [row["step"] for row in rows if row["name"] == "loss.training"] == list(range(1, 241))
    assert [row["step"] for row in rows if row["name"] == "loss.validation"] == list(range(40, 241, 40))
    assert told_to_tensorboard(tmp_path / "kept") == told_to_tensorboard(undisturbed / "kept")


def test_the_event_files_of_tensorboard_hold_the_curve_once(undisturbed: Path) -> None:
    told = told_to_tensorboard(undisturbed / "kept")
    rows = [json.loads(line) for line in (undisturbed / "kept" / curves.FILE).read_text().splitlines()]
    assert [(tag, step) for tag, step, _ in told] == [(row["name"].replace(".", "/"), row["step"]) for row in rows]
    assert [value for *_, value in told] == pytest.approx([row["value"] for row in rows], rel=1e-6)


def test_sigterm_ends_in_75_with_a_checkpoint_of_that_very_step_and_the_rest_is_the_same(
    undisturbed: Path, tmp_path: Path
) -> None:
    process = start(tmp_path / "log 1", *arguments(tmp_path))
    wait_for_step(tmp_path, 100)
    begin = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    process.join(20)
    assert time.monotonic() - begin < 10
    assert process.exitcode == 75
    told = [json.loads(line) for line in (tmp_path / "kept" / curves.FILE).read_text().splitlines()]
    assert (
        Checkpoints(tmp_path / "kept", json.loads((tmp_path / "kept" / "run.json").read_text())["key"]).newest()["step"]
        == told[-1]["step"]
    )
    assert finish(tmp_path / "log 2", tmp_path) == 0
    assert f"going on from step {told[-1]['step']} of 240" in (tmp_path / "log 2").read_text()
    assert (tmp_path / "kept" / curves.FILE).read_text() == (undisturbed / "kept" / curves.FILE).read_text()


def test_sigterm_does_not_wait_for_a_long_validation(tmp_path: Path) -> None:
    process = start(tmp_path / "log", *arguments(tmp_path, validation_s=60, step_ms=0))
    wait_for_step(tmp_path, 40)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    process.join(10)
    assert process.exitcode == 75
    assert len(list((tmp_path / "kept").glob("checkpoint-*.pt"))) == 1


def test_a_training_that_is_done_is_not_done_again(undisturbed: Path) -> None:
    before = (undisturbed / "kept" / curves.FILE).read_text()
    assert finish(undisturbed / "log again", undisturbed) == 0
    assert last_metric(undisturbed / "log again") == last_metric(undisturbed / "log")
    assert (undisturbed / "kept" / curves.FILE).read_text() == before


def test_a_second_process_with_the_same_checkpoints_is_refused_and_may_be_tried_again(tmp_path: Path) -> None:
    first = start(tmp_path / "log 1", *arguments(tmp_path, step_ms=100))
    wait_for_step(tmp_path, 1)
    assert finish(tmp_path / "log 2", tmp_path, step_ms=100) == 1
    assert (events(tmp_path / "log 2")[-1]["code"], events(tmp_path / "log 2")[-1]["retryable"]) == ("busy", True)
    os.kill(first.pid, signal.SIGKILL)
    first.join()


def run_to_the_end(folder: Path, **settings: object) -> dict[str, float]:
    run = new_run(folder, step_ms=0, **settings)
    run.begin("small")
    return train(SmallTask(run.config, run), run)


def test_how_often_is_validated_does_not_change_what_is_learned(tmp_path: Path) -> None:
    learned = []
    for every in (7, 1000):
        run = new_run(tmp_path / str(every), steps=60, step_ms=0)
        run.begin("small")
        task = SmallTask(run.config, run)
        task.validate_every = every
        train(task, run)
        learned.append(run.curve("loss.training"))
    assert learned[0] == learned[1]


@pytest.mark.parametrize("harm", ["cut short", "one byte changed", "no note", "note without an end"])
def test_a_broken_checkpoint_falls_back_to_the_one_before(tmp_path: Path, harm: str) -> None:
    store = Checkpoints(tmp_path, "key")
    for step in (1, 2, 3):
        store.write(step, {"step": step, "values": [0.5] * 1000})
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["checkpoint-000000002.pt", "checkpoint-000000003.pt"]
    newest, note = tmp_path / "checkpoint-000000003.pt", tmp_path / "checkpoint-000000003.json"
    content = newest.read_bytes()
    if harm == "cut short":
        newest.write_bytes(content[:-10])
    elif harm == "one byte changed":
        newest.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    elif harm == "no note":
        note.unlink()
    else:
        note.write_text(note.read_text()[:30])
    assert store.newest()["step"] == 2
    assert Checkpoints(tmp_path, "another key").newest() is None


def test_checkpoints_of_other_settings_are_not_taken_up(tmp_path: Path, capfd) -> None:
    first = run_to_the_end(tmp_path, steps=50)
    other = run_to_the_end(tmp_path, steps=50, seed=2)
    assert first != other
    assert "another run" in capfd.readouterr().err
    assert run_to_the_end(tmp_path / "fresh", steps=50, seed=2) == other
    assert run_to_the_end(tmp_path, steps=50, seed=2, checkpoint_minutes=3) == other
    assert "going on from step 50 of 50" in capfd.readouterr().err


def test_a_loss_that_is_no_number_ends_the_run_for_good(tmp_path: Path) -> None:
    assert finish(tmp_path / "log", tmp_path, lost_at=60, step_ms=0) == 42
    failed = events(tmp_path / "log")[-1]
    assert (failed["event"], failed["code"], failed["retryable"]) == ("failed", "diverged", False)
    assert "since step 60" in failed["message"]


def test_curves_have_some_hundred_points_whatever_the_length_and_lose_no_step(tmp_path: Path) -> None:
    window = curves.Window(steps=10_000)
    points = []
    for n in range(10_000):
        window.add({"loss": float(n), "odd": math.nan})
        if (n + 1) % window.length == 0:
            points.append(window.take())
    assert len(points) == 400
    assert np.mean([point["loss"] for point in points]) == pytest.approx(4999.5)
    assert all("odd" not in point for point in points)


def test_lines_on_stdout_are_held_to_about_one_a_second_and_the_last_is_told(undisturbed: Path) -> None:
    told = events(undisturbed / "log")
    training = [event for event in told if event["event"] == "curve" and event["name"] == "loss.training"]
    assert 2 <= len(training) <= 12
    assert training[-1]["step"] == 240
    steps = [event["step"] for event in told if event["event"] == "progress"]
    assert steps[0] == 1
    assert steps[-1] == 240
    facts = told[0]
    assert facts["event"] == "facts"
    assert facts["parameters"]["steps"] == 240
    assert (facts["code_version"], facts["dataset_version"], facts["resumed"]) == ("test", "small", 0)


def test_a_disk_that_refuses_is_told_and_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    run = new_run(tmp_path)
    with pytest.raises(SoundstageError, match="Cannot write") as caught:
        run.begin("small")
    assert caught.value.retryable
