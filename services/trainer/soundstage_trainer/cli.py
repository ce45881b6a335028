"""The command line: one subcommand a recipe. Progress goes to stdout as JSON lines, tables to stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from soundstage_trainer import progress, stop
from soundstage_trainer.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_STOPPED, SoundstageError
from soundstage_trainer.run import config as configs
from soundstage_trainer.run import recipe as recipes
from soundstage_trainer.run.recipe import Recipe

EXAMPLES = """examples:
  python -m soundstage_trainer onset --data ../shared/data/foley --out models --evaluate
  python -m soundstage_trainer onset --data clips --labels clips/labels.csv --out out --epochs 20
  python -m soundstage_trainer onset --data clips --out out --set epochs=20 --set voters=1
  python -m soundstage_trainer onset --data clips --out out --checkpoints kept --seed 3 --parameters '{"epochs": 20}'
  python -m soundstage_trainer evaluate-onsets --data ../shared/data/foley --json
  python -m soundstage_trainer motion --data ../shared/data/foley --out models
  python -m soundstage_trainer detector --weights nanodet.onnx --out models
  python -m soundstage_trainer recipes --json

exit codes: 0 done; 42 bad input, with a sentence on stderr; 75 stopped by SIGTERM, start again to go on;
            1 anything else (worth trying again)
"""
TABLE = "evaluate-onsets"
TABLE_DOES = "print the F1 table: net, frame difference, metronome"


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are bad input like any other: told as an event, exit code 42."""

    def error(self, message: str) -> NoReturn:
        raise SoundstageError("bad_input", f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments)
    except SoundstageError as error:
        progress.failed(error.code, str(error), error.retryable)
        progress.say(str(error))
        return EXIT_FAILED if error.retryable else EXIT_BAD_INPUT
    except stop.Stopped:
        progress.flush()
        progress.say("Stopped; the same command goes on from the newest checkpoint.")
        return EXIT_STOPPED
    except Exception as error:
        progress.failed("internal", f"{type(error).__name__}: {error}", True)
        raise


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help"):
        _help()
        return EXIT_DONE
    if command == "recipes":
        options = _recipes_parser().parse_args(arguments[1:])
        print(json.dumps({name: recipe.told() for name, recipe in recipes.every().items()}, indent=None if options.json else 2))
        return EXIT_DONE
    recipe = recipes.find("onset" if command == TABLE else command)
    if recipe is None:
        raise SoundstageError("bad_input", f"There is no recipe {command}; there are {', '.join(recipes.every())}.")
    options = _parser(command, recipe).parse_args(arguments[1:])
    import torch

    torch.set_num_threads(options.threads or os.cpu_count() or 1)
    if recipe.export is not None:
        paths = {name: getattr(options, name) for name in recipe.paths}
        model, card = recipe.export(options.out, options.data, options.version, **paths)
        progress.done(str(model), str(card))
        return EXIT_DONE
    return _train(command, recipe, options)


def _train(command: str, recipe: Recipe, options: argparse.Namespace) -> int:
    from soundstage_trainer.recipes.common import models_folder
    from soundstage_trainer.run.run import Run

    name = "onset" if command == TABLE else command.replace("-", "_")
    out = options.out or options.cache / TABLE
    run = Run(
        recipe=name, version=options.version, config=configs.read(recipe.config, _parameters(recipe.config, options)), out=out,
        checkpoints=options.checkpoints or out / ".checkpoints" / name, data=options.data, models=models_folder(options.models),
        cache=options.cache, paths={key: value for key in recipe.paths if (value := getattr(options, key)) is not None},
    )  # fmt: skip
    if command == TABLE:
        from soundstage_trainer.recipes import onset

        onset.print_table(run.config, run, as_json=options.json)
        return EXIT_DONE
    written = recipe.train(run.config, run)
    progress.done(str(written.model), str(written.card), None if written.report is None else str(written.report))
    return EXIT_DONE


def _parameters(kind: type, options: argparse.Namespace) -> dict[str, Any]:
    """--parameters, then --set, then flags of their own; the later wins, but --seed must not contradict --parameters."""
    try:
        given = json.loads(options.parameters)
    except ValueError as cause:
        raise SoundstageError("bad_input", f"--parameters is no JSON: {cause}.") from cause
    if not isinstance(given, dict):
        raise SoundstageError("bad_input", "--parameters is no JSON object; give one like '{\"epochs\": 3}'.")
    words = {}
    for pair in options.set:
        name, equals, word = pair.partition("=")
        if not equals:
            raise SoundstageError("bad_input", f"--set {pair} is no name=value.")
        words[name] = word
    words.update({name: word for name in configs.describe(kind) if (word := getattr(options, f"set_{name}")) is not None})
    typed = configs.from_words(kind, words)
    if "seed" in given and "seed" in typed and given["seed"] != typed["seed"]:
        raise SoundstageError("bad_input", f"--seed {typed['seed']} contradicts seed {given['seed']} in --parameters.")
    return {**given, **typed}


def _help() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m soundstage_trainer", description="Train and export Soundstage's models.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("recipes", help="list the recipes and their parameters")
    for name, recipe in recipes.every().items():
        commands.add_parser(name, help=recipe.does)
    commands.add_parser(TABLE, help=TABLE_DOES)
    parser.print_help()


def _recipes_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m soundstage_trainer recipes", description="List the recipes and their parameters.")
    parser.add_argument("--json", action="store_true", help="on one line, for programs")
    return parser


def _parser(command: str, recipe: Recipe) -> argparse.ArgumentParser:
    is_table = command == TABLE
    parser = _Parser(
        prog=f"python -m soundstage_trainer {command}", allow_abbrev=False,
        description=TABLE_DOES if is_table else recipe.does,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required="data" in recipe.needs, help="folder of clips with picture and sound")
    if is_table:
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of progress lines")
        parser.set_defaults(out=None, version=recipe.version)
    else:
        parser.add_argument("--out", type=Path, required=True, help=f"models folder; writes OUT/{command}/VERSION")
        parser.add_argument("--version", default=recipe.version, help="version on the card (default %(default)s)")
    for name, does in recipe.paths.items():
        parser.add_argument(f"--{name}", type=Path, required=name in recipe.needs, help=does)
    parser.add_argument("--threads", type=int, default=recipe.threads, help="CPU threads, 0 for one a core (default %(default)s)")
    if recipe.config is not None:
        _training_arguments(parser, recipe.config)
    return parser


def _training_arguments(parser: argparse.ArgumentParser, kind: type) -> None:
    parser.add_argument("--checkpoints", type=Path, help="where a run is kept to go on from (default OUT/.checkpoints/RECIPE)")
    parser.add_argument("--models", type=Path, help="folder of the models that features come from (default SOUNDSTAGE_MODELS, else the checkout's)")  # fmt: skip
    parser.add_argument("--cache", type=Path, default=_default_cache(), help="where features are kept by hash (default %(default)s)")  # fmt: skip
    parser.add_argument("--parameters", default="{}", metavar="JSON", help="the parameters below, as one JSON object")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one of them; may be repeated")
    group = parser.add_argument_group("parameters")
    for name, told in configs.describe(kind).items():
        flag, text = f"--{name.replace('_', '-')}", f"{told['does']} (default {told['default']})".replace("%", "%%")
        if told["type"] == "boolean":
            group.add_argument(flag, dest=f"set_{name}", nargs="?", const="true", metavar="true|false", help=text)
        else:
            group.add_argument(flag, dest=f"set_{name}", metavar=told["type"].upper(), help=text)


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "soundstage" / "trainer"
