"""What the launcher starts: trains to the end, can be killed and started again, and refuses bad input in a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import MODELS, knocking_clip

from soundstage_trainer.card import read_card
from soundstage_trainer.export import session

PACKAGE = Path(__file__).resolve().parents[1]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "soundstage_trainer", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=PACKAGE, capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips of a stranger")
    rows = ["clip,source,class,impact"]
    for number in range(3):
        knocks = [0.5 + 0.13 * number, 1.3, 2.0 + 0.1 * number, 3.1]
        knocking_clip(folder / f"knock {number}.mkv", knocks, seed=number)
        rows.append(f"knock {number}.mkv,take{number},knock,1")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_small_training_runs_to_its_card_and_tells_its_progress(clips: Path, tmp_path: Path) -> None:
    arguments = ["onset", "--data", clips, "--out", tmp_path / "out", "--models", MODELS, "--cache", tmp_path / "cache"]
    small = ["--epochs", 2, "--voters", 1, "--folds", 2, "--evaluate"]
    ended = run(*arguments, *small)
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert events[-1]["event"] == "done"
    assert {event["event"] for event in events} == {"progress", "metric", "done"}
    assert "metronome" in ended.stderr
    card = read_card(Path(events[-1]["card"]).parent)
    assert card["min_gap_s"] == 0.1
    assert 0 < card["threshold"] < 1
    rows = {"impact", "trusted_half", "frame_difference", "metronome", "impact_in_step", "trusted_half_in_step", "metronome_in_step"}
    assert set(card["scores"]) == rows  # no clip is marked close_up
    assert card["worst_clips"]
    names = {event["name"] for event in events if event["event"] == "metric"}
    assert names >= {"loss.training", "onset_net.f1_50ms"}
    session(Path(events[-1]["model"]))

    again = run(*arguments[:3], "--out", tmp_path / "again", *arguments[5:], *small)
    assert again.returncode == 0, again.stderr
    assert read_card(tmp_path / "again" / "onset" / "2")["sha256"] == card["sha256"]


def test_a_killed_training_leaves_no_card_and_goes_on_from_its_cache(clips: Path, tmp_path: Path) -> None:
    arguments = ["onset", "--data", clips, "--out", tmp_path / "out", "--models", MODELS, "--cache", tmp_path / "cache"]
    child = subprocess.Popen(
        command(*arguments, "--epochs", 5000, "--voters", 1), cwd=PACKAGE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    for line in child.stdout:
        if "training" in line:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "out").exists()
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 3
    begin = time.monotonic()
    ended = run(*arguments, "--epochs", 1, "--voters", 1)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out" / "onset" / "2" / "card.json").is_file()
    assert '"loss.training"' in ended.stdout  # told without --evaluate too
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda folder: None, "is not a folder"),
        (lambda folder: folder.mkdir(), "None of the 61 clips"),
        (lambda folder: (folder.mkdir(), (folder / "labels.csv").write_text("a,b\n1,2\n")), "no labels file"),
        (
            lambda folder: (folder.mkdir(), (folder / "x.mp4").write_text("no film"), (folder / "labels.csv").write_text("clip,source,class,impact\nx.mp4,a,b,1\n")),
            "ffmpeg cannot read x.mp4",
        ),
    ],
)  # fmt: skip
def test_bad_input_ends_with_42_and_a_sentence(tmp_path: Path, break_it, sentence: str) -> None:
    break_it(tmp_path / "data")
    ended = run(
        "onset", "--data", tmp_path / "data", "--out", tmp_path / "out", "--models", MODELS, "--cache", tmp_path / "cache"
    )
    assert ended.returncode == 42, ended.stderr
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["event"] == "failed"
    assert not (tmp_path / "out").exists()


def test_help_has_examples_and_the_recipes_are_listed_for_programs() -> None:
    assert "evaluate-onsets" in run("--help").stdout
    recipes = json.loads(run("recipes", "--json").stdout)
    assert set(recipes) == {"onset", "motion", "flow", "classifier", "detector", "face"}
    assert recipes["onset"]["parameters"]["epochs"]["default"] >= 1
