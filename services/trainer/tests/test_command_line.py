"""What the launcher starts: trains to the end, can be killed and started again, and refuses bad input in a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import MODELS, knocking_clip, long_test
from small_run import start

from soundstage_trainer.card import read_card
from soundstage_trainer.export import session

PACKAGE = Path(__file__).resolve().parents[1]
SPLITS = ("train", "train", "train", "validation", "test")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "soundstage_trainer", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=PACKAGE, capture_output=True, text=True, timeout=180, check=False)


def run_forked(log: Path, *arguments: object) -> int:
    """The same, from a process that has imported PyTorch already."""
    process = start(log, *arguments)
    process.join(300)
    return process.exitcode


def events_of(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips of a stranger")
    rows = ["clip,source,class,impact"]
    for number in range(len(SPLITS)):
        knocks = [0.5 + 0.13 * number, 1.3, 2.0 + 0.1 * number, 3.1]
        knocking_clip(folder / f"knock {number}.mkv", knocks, seed=number)
        rows.append(f"knock {number}.mkv,take{number},{'knock' if number else 'tap'},1")
    (folder / "labels.csv").write_text("\n".join(rows[:4]) + "\n")
    return folder


@pytest.fixture(scope="module")
def data(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the launcher lays a data set out; the first clip's sound is a file of its own."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "clips").mkdir()
    (folder / "sound").mkdir()
    rows = []
    for number, split in enumerate(SPLITS):
        (folder / "clips" / f"{number}.mkv").symlink_to(clips / f"knock {number}.mkv")
        row = {"id": str(number), "source": f"take{number}", "label": "knock" if number else "tap", "split": split}
        rows.append({**row, "clip": f"clips/{number}.mkv", "features": {}})
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(clips / "knock 0.mkv"), "-vn", str(folder / "sound" / "0.wav")],
        check=True,
    )
    rows[0]["sound"] = "sound/0.wav"
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_a_small_training_runs_to_its_card_and_tells_its_progress(clips: Path, cache: Path, tmp_path: Path) -> None:
    ended = run(
        "onset", "--data", clips, "--out", tmp_path / "out", "--models", MODELS, "--cache", cache,
        "--epochs", 2, "--voters", 1, "--folds", 2, "--evaluate",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert events[0]["event"] == "facts"
    assert events[-1]["event"] == "done"
    assert {event["event"] for event in events} == {"facts", "progress", "curve", "metric", "done"}
    assert (events[0]["resumed"], events[0]["parameters"]["epochs"], events[0]["parameters"]["learning_rate"]) == (0, 2, 0.003)
    assert "metronome" in ended.stderr
    card = read_card(Path(events[-1]["card"]).parent)
    assert card["min_gap_s"] == 0.1
    assert 0 < card["threshold"] < 1
    rows = {
        "impact",
        "trusted_half",
        "frame_difference",
        "metronome",
        "impact_in_step",
        "trusted_half_in_step",
        "metronome_in_step",
    }
    assert set(card["scores"]) == rows  # no clip is marked close_up
    assert card["worst_clips"]
    assert card["parity"]["max_abs_difference"] < 1e-3
    metrics = {event["name"]: event["value"] for event in events if event["event"] == "metric"}
    assert metrics.keys() >= {"loss.training", "onset_net.f1_50ms"}
    assert card["metrics"] == metrics
    session(Path(events[-1]["model"]))
    report = Path(events[-1]["report"])
    assert report.parent == Path(events[-1]["card"]).parent
    assert "cross-validation" in report.read_text()


@long_test
def test_a_training_killed_three_times_ends_in_the_same_model(data: Path, cache: Path, tmp_path: Path) -> None:
    def arguments(folder: Path) -> list[object]:
        given = {"epochs": 40, "voters": 2, "checkpoint_minutes": 0.0005}
        return [
            "onset", "--data", data, "--out", folder / "out", "--checkpoints", folder / "kept", "--models", MODELS,
            "--cache", cache, "--seed", 3, "--parameters", json.dumps(given),
        ]  # fmt: skip

    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    killed.mkdir()
    assert run_forked(tmp_path / "log", *arguments(undisturbed)) == 0, (tmp_path / "log").read_text()
    for number, step in enumerate(sorted(np.random.default_rng().integers(2, 75, 3).tolist())):
        process = start(tmp_path / f"log {number}", *arguments(killed))
        while f'"step": {step},' not in (
            text := (killed / "kept" / "curves.jsonl").read_text() if (killed / "kept" / "curves.jsonl").is_file() else ""
        ):
            assert process.is_alive(), text
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert not (killed / "out").exists()
    assert run_forked(tmp_path / "log 3", *arguments(killed)) == 0
    assert events_of(tmp_path / "log 3")[0]["resumed"] == 3
    cards = [read_card(folder / "out" / "onset" / "2") for folder in (undisturbed, killed)]
    assert cards[0]["sha256"] == cards[1]["sha256"]
    figures = [
        {e["name"]: e["value"] for e in events_of(log) if e["event"] == "metric"}
        for log in (tmp_path / "log", tmp_path / "log 3")
    ]
    assert figures[0] == pytest.approx(figures[1], abs=1e-6)
    curves = [(folder / "out" / "onset" / "2" / "run" / "curves.jsonl").read_text() for folder in (undisturbed, killed)]
    assert curves[0] == curves[1]

    assert {"f1_50ms.validation", "f1_50ms.test", "metronome.f1_50ms.test", "frame_difference.f1_100ms.validation"} <= set(
        figures[0]
    )
    card = cards[0]
    assert {split: told["clips"] for split, told in card["splits"].items()} == {"train": 3, "validation": 1, "test": 1}
    assert card["scores"]["test"]["onset_net"]["f1_50ms"] == pytest.approx(figures[0]["f1_50ms.test"], abs=1e-3)
    assert card["threshold_from"] == "the clips of the split validation"
    (f1,) = [row for row in card["measured"] if row["what"].startswith("onset F1 at ±50 ms on test")]
    assert f1["pytorch"] == pytest.approx(f1["value"], abs=1e-3)
    assert "metronome" in f1["comparator"]
    limits = " ".join(card["limits"])
    assert "only 3 sources" in limits
    assert "The split test holds 4 onsets in 1 clips of 1 sources: too few" in limits
    page = (undisturbed / "out" / "onset" / "2" / "report.html").read_text()
    assert page.count("<audio") == 1  # the clip of the split test
    assert "only 3 sources" in page


def test_only_the_labels_named_are_taken_for_struck(data: Path, cache: Path, tmp_path: Path) -> None:
    given = [
        "onset",
        "--data",
        data,
        "--out",
        tmp_path / "out",
        "--models",
        MODELS,
        "--cache",
        cache,
        "--epochs",
        1,
        "--voters",
        1,
    ]
    assert run_forked(tmp_path / "log", *given, "--set", "impact_labels=knock") == 0, (tmp_path / "log").read_text()
    assert read_card(tmp_path / "out" / "onset" / "2")["splits"]["train"] == {"clips": 3, "sources": 3, "onsets": 8}
    assert run_forked(tmp_path / "log", *given, "--set", "impact_labels=knock, bang") == 42
    assert "no clip is bang; there are knock, tap" in (tmp_path / "log").read_text()


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
    assert not (tmp_path / "out" / "onset").exists()


def row(**changed: object) -> dict[str, object]:
    return {"id": "a", "source": "s", "label": "x", "split": "train", "clip": "a.mkv", "features": {}, **changed}


def test_a_data_set_is_refused_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_text("")
    rows = [
        row(), row(split="test", id="b"), row(id="c", source="t", split="dev"), row(id="d", source="u", clip="../a.mkv"),
        row(id="e", source="v", clip="gone.mkv"), row(source="w"), {"id": "f"},
    ]  # fmt: skip
    (tmp_path / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    assert run_forked(tmp_path / "log", "onset", "--data", tmp_path, "--out", tmp_path / "out", "--models", MODELS) == 42
    told = events_of(tmp_path / "log")[-1]["message"]
    for sentence in (
        "line 2: source s lies in train and in test", "line 3: split is 'dev'", "line 4: '../a.mkv' is no path inside",
        "line 5: gone.mkv is not there", "line 6: clip a comes twice", "line 7: no source, label, split, clip", "line 8:",
    ):  # fmt: skip
        assert sentence in told


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--parameters", '{"epochs": 0, "voter": 2}'], "epochs must be at least 1, not 0; there is no parameter voter (did you mean voters?)"),
        (["--parameters", "{"], "--parameters is no JSON"),
        (["--parameters", "[]"], "--parameters is no JSON object"),
        (["--set", "epochs"], "--set epochs is no name=value"),
        (["--epochs", "many"], "epochs must be an integer, not 'many'"),
        (["--seed", "2", "--parameters", '{"seed": 3}'], "--seed 2 contradicts seed 3"),
        (["--device", "tpu"], "device must be auto, cpu or cuda"),
        (["--precision", "float16"], "precision float16 needs a GPU"),
        (["--epoch", "3"], "nrecognized arguments: --epoch 3"),
    ],
)  # fmt: skip
def test_wrong_settings_end_with_42_before_anything_is_read(clips: Path, tmp_path: Path, wrong: list[str], sentence: str) -> None:
    given = ["onset", "--data", clips, "--out", tmp_path / "out", "--models", MODELS, "--cache", tmp_path / "cache"]
    if "float16" in wrong:
        given += ["--device", "cpu"]
    assert run_forked(tmp_path / "log", *given, *wrong) == 42
    failed = events_of(tmp_path / "log")[-1]
    assert (failed["event"], failed["code"], failed["retryable"]) == ("failed", "bad_input", False)
    assert sentence in failed["message"]
    assert not (tmp_path / "out").exists()


def test_help_has_examples_and_the_recipes_are_listed_for_programs() -> None:
    assert "evaluate-onsets" in run("--help").stdout
    recipes = json.loads(run("recipes", "--json").stdout)
    assert set(recipes) >= {"onset", "motion", "flow", "classifier", "detector", "face"}
    assert recipes["onset"]["trains"]
    assert recipes["onset"]["parameters"]["epochs"] == {
        "type": "integer",
        "default": 30,
        "does": "passes over the clips for each voter",
        "least": 1,
    }
    assert not recipes["motion"]["trains"]
    assert "--learning-rate" in run("onset", "--help").stdout
