"""Typed settings: a frozen dataclass a recipe, read from JSON or from words, refused with every problem at once."""

from __future__ import annotations

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from soundstage_trainer.errors import SoundstageError

TYPE_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean"}
MOST_SEED = 2**31 - 1
T = TypeVar("T")


def setting(
    default: int | float | str | bool,
    does: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] | None = None,
    changes_result: bool = True,
) -> Any:
    """A field of a configuration: its default, a line that says what it does, and its bounds (inclusive).

    changes_result: False for what says where and how often, so that a run may go on from a checkpoint under another value.
    """
    metadata = {"does": does, "least": least, "most": most, "choices": choices, "changes_result": changes_result}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """What every recipe that trains can be told. A recipe's own class adds its fields, and `problems` where they depend
    on one another."""

    seed: int = setting(1, "same seed, same model", least=0, most=MOST_SEED)
    device: str = setting(
        "auto", "auto (a GPU where there is one), cpu or cuda", choices=("auto", "cpu", "cuda"), changes_result=False
    )
    precision: str = setting(
        "auto",
        "auto (bfloat16 or float16 on a GPU, float32 on a CPU), float32, bfloat16 or float16",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    checkpoint_minutes: float = setting(5.0, "minutes from checkpoint to checkpoint", least=0, most=1440, changes_result=False)

    def problems(self) -> list[str]:
        """What is wrong with fields taken together; nothing by default."""
        return []


def read(kind: type[T], parameters: dict[str, Any]) -> T:
    """An instance of kind from a JSON object. Raises SoundstageError ("bad_input") that lists every problem."""
    if not isinstance(parameters, dict):
        raise SoundstageError("bad_input", "--parameters is no JSON object; give one like '{\"epochs\": 3}'.")
    fields = _fields(kind)
    problems: list[str] = []
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in fields:
            problems.append(_unknown(str(name), list(fields)))
            continue
        try:
            values[name] = _checked(name, value, *fields[name])
        except ValueError as problem:
            problems.append(str(problem))
    if not problems:
        instance = kind(**values)
        problems = getattr(instance, "problems", list)()
    if problems:
        raise SoundstageError("bad_input", "; ".join(problems) + ".")
    return instance


def from_words(kind: type, words: dict[str, str]) -> dict[str, Any]:
    """What was typed as name=value, as the JSON value of the field's type where it can be read as one, else as it is."""
    fields = _fields(kind)
    return {name: _from_word(word, fields[name][0]) if name in fields else word for name, word in words.items()}


def describe(kind: type) -> dict[str, dict[str, Any]]:
    """Every field as `recipes --json` tells it: type, default, does, and least, most, choices where there are."""
    told = {}
    for name, (type_, field) in _fields(kind).items():
        bounds = {key: field.metadata[key] for key in ("least", "most", "choices") if field.metadata.get(key) is not None}
        told[name] = {"type": TYPE_NAMES[type_], "default": field.default, "does": field.metadata["does"], **bounds}
    return told


def as_dict(config: Any, *, only_result: bool = False) -> dict[str, Any]:
    """All values by name; only_result: without those that do not change what comes out."""
    return {
        name: getattr(config, name)
        for name, (_, field) in _fields(type(config)).items()
        if not only_result or field.metadata.get("changes_result", True)
    }


def _fields(kind: type) -> dict[str, tuple[type, dataclasses.Field]]:
    hints = get_type_hints(kind)
    found = {field.name: (hints[field.name], field) for field in dataclasses.fields(kind)}
    for name, (type_, field) in found.items():
        if type_ not in TYPE_NAMES or "does" not in field.metadata or field.default is dataclasses.MISSING:
            raise TypeError(f"{kind.__name__}.{name} must be an int, float, str or bool made by setting()")
    return found


def _checked(name: str, value: Any, type_: type, field: dataclasses.Field) -> Any:
    if type_ is not bool and isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    if type_ in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        if type_ is int and value != int(value):
            raise ValueError(f"{name} must be an integer, not {value!r}")
        value = type_(value)
    elif type(value) is not type_:
        article = "an" if type_ is int else "a"
        raise ValueError(f"{name} must be {article} {TYPE_NAMES[type_]}, not {value!r}")
    least, most, choices = (field.metadata[key] for key in ("least", "most", "choices"))
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least:g}, not {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most:g}, not {value}")
    if choices is not None and value not in choices:
        raise ValueError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")
    return value


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no parameter {name} ({hint})"


def _from_word(word: str, type_: type) -> Any:
    try:
        if type_ is bool:
            return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}[word.lower()]
        if type_ is int:
            return int(word)
        return float(word) if type_ is float else word
    except (KeyError, ValueError):
        return word
