"""The run-time of recipes that train: typed settings, checkpoints, curves, report, gate.

RECIPE = Recipe(does="…", train=train_it, config=MyConfig, needs=("data",))

def train_it(config: MyConfig, run: Run) -> Written:
    run.begin(dataset_version)
    figures = train(MyTask(...), run)
    exported = export_with_gate(net, example, …, tolerance=1e-3)
    return finish(run, exported.model, {…card…}, Page(…))
"""

from soundstage_trainer.run.config import Config, setting
from soundstage_trainer.run.gate import Exported, export_with_gate, metric_gate
from soundstage_trainer.run.precision import Precision, device_of
from soundstage_trainer.run.recipe import Recipe, Written
from soundstage_trainer.run.report import Page, Picture, Row, Sample, Sound, Table, Trace, finish, mel_picture
from soundstage_trainer.run.run import Run
from soundstage_trainer.run.train import Task, train

__all__ = [
    "Config", "Exported", "Page", "Picture", "Precision", "Recipe", "Row", "Run", "Sample", "Sound", "Table", "Task", "Trace",
    "Written", "device_of", "export_with_gate", "finish", "mel_picture", "metric_gate", "setting", "train",
]  # fmt: skip
