"""Settings are read once, and what is wrong with them is told in one go."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.run import Config, setting
from soundstage_trainer.run import config as configs


@dataclass(frozen=True)
class Settings(Config):
    epochs: int = setting(30, "passes", least=1, most=1000)
    rate: float = setting(3e-3, "learning rate", least=0)
    adversarial: bool = setting(True, "with a critic")
    shape: str = setting("small", "size of the net", choices=("small", "large"))
    warm_up: int = setting(0, "epochs before the critic", least=0)

    def problems(self) -> list[str]:
        return ["warm_up must be less than epochs"] if self.warm_up >= self.epochs else []


def test_what_is_not_told_is_the_default() -> None:
    assert configs.read(Settings, {"epochs": 3}) == Settings(epochs=3)


def test_every_problem_is_told_at_once() -> None:
    wrong = {
        "epoch": 3, "epochs": "many", "rate": -1, "adversarial": 1, "shape": "huge", "seed": 1.5, "precision": None, "warm_up": True,
    }  # fmt: skip
    with pytest.raises(SoundstageError) as caught:
        configs.read(Settings, wrong)
    assert (caught.value.code, caught.value.retryable) == ("bad_input", False)
    for sentence in (
        "no parameter epoch (did you mean epochs?)", "epochs must be an integer, not 'many'", "rate must be at least 0, not -1",
        "adversarial must be a boolean, not 1", "shape must be small or large, not 'huge'", "seed must be an integer, not 1.5",
        "precision must be a string, not None", "warm_up must be an integer, not True",
    ):  # fmt: skip
        assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("epochs", 1001), ("rate", float("nan")), ("rate", float("inf")), ("seed", -1)]
)
def test_values_beyond_the_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(SoundstageError, match=name):
        configs.read(Settings, {name: value})


def test_fields_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SoundstageError, match="warm_up must be less than epochs"):
        configs.read(Settings, {"epochs": 2, "warm_up": 2})


def test_a_whole_number_may_come_as_either_kind_of_number() -> None:
    read = configs.read(Settings, {"epochs": 3.0, "rate": 1})
    assert (read.epochs, type(read.epochs), read.rate, type(read.rate)) == (3, int, 1.0, float)


def test_words_of_the_command_line_become_what_the_field_is() -> None:
    words = {"epochs": "4", "rate": "1e-2", "adversarial": "no", "shape": "large", "warm_up": "two", "other": "x"}
    assert configs.from_words(Settings, words) == {
        "epochs": 4, "rate": 0.01, "adversarial": False, "shape": "large", "warm_up": "two", "other": "x",
    }  # fmt: skip


def test_the_list_for_programs_names_types_defaults_and_bounds() -> None:
    told = configs.describe(Settings)
    assert list(told)[:4] == ["seed", "device", "precision", "checkpoint_minutes"]
    assert told["epochs"] == {"type": "integer", "default": 30, "does": "passes", "least": 1, "most": 1000}
    assert told["rate"]["type"] == "number"
    assert told["adversarial"] == {"type": "boolean", "default": True, "does": "with a critic"}
    assert told["shape"]["choices"] == ("small", "large")


def test_what_says_only_where_and_how_often_does_not_make_another_run() -> None:
    told = configs.as_dict(Settings(), only_result=True)
    assert "device" not in told
    assert "checkpoint_minutes" not in told
    assert {"seed", "precision", "epochs"} <= set(told)
