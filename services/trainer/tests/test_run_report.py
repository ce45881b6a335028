"""The page of a run loads nothing, shows what it was given, and lets no text become markup."""

from __future__ import annotations

import base64
import html.parser
import io
import json
import re
import wave

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from small_run import SmallTask, new_run

from soundstage_trainer.card import read_card
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.run import (
    Page,
    Row,
    Sample,
    Sound,
    Table,
    Trace,
    export_with_gate,
    finish,
    mel_picture,
    metric_gate,
    train,
)
from soundstage_trainer.run.charts import curve_chart, smoothed, ticks, trace_chart, value_range
from soundstage_trainer.run.data_uris import heat_palette, png, wav


def content_of(uri: str) -> bytes:
    return base64.b64decode(uri.split(",", 1)[1])


def picture_of(uri: str) -> np.ndarray:
    """RGB [rows, columns, 3], by OpenCV."""
    return cv2.imdecode(np.frombuffer(content_of(uri), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def identity() -> onnx.ModelProto:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    return helper.make_model(helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y]))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    run = new_run(tmp_path_factory.mktemp("run"), steps=120, step_ms=0)
    run.begin("set <b>1</b>")
    train(SmallTask(run.config, run), run)
    fold = run.part("fold-1", "fold 1 of 1")
    train(SmallTask(run.config, fold), fold)
    page = Page(
        title="Knocks & <script>alert(1)</script>",
        tables=[
            Table("Error", "lower", [Row("net", {"training": 0.1, "test": 0.31}), Row("mean", {"test": 0.29}, "comparator")])
        ],
        samples=[
            Sample(
                'a "clip"',
                [
                    mel_picture("mel", np.linspace(0, 1, 40 * 80).reshape(40, 80)),
                    Trace("chance", np.array([0, 0.5, 1, 0.2]), 2.0, 0.4, np.array([0.5]), np.array([1.0, 1.5])),
                    Sound("sound", np.sin(np.arange(2205) / 5), 22_050),
                ],
            )
        ],
        limits=["Four clips teach little."],
    )
    return finish(run, identity(), {"name": "small", "licence": {"model": "own"}}, page)


def test_the_page_is_whole_markup_and_loads_nothing(written) -> None:
    text = written.report.read_text()
    opened: list[str] = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "img", "br"):
                opened.append(tag)
            for name, value in attributes:
                assert name not in ("onload", "onclick", "href")
                assert name != "src" or value.startswith("data:")

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Parser().feed(text)
    assert opened == []
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "Knocks &amp; &lt;script&gt;" in text
    assert "set &lt;b&gt;1&lt;/b&gt;" in text


def test_the_page_shows_figures_curves_samples_parameters_and_limits(written) -> None:
    text = written.report.read_text()
    assert "Four clips teach little." in text
    assert re.search(r"<dt>Error, test</dt><dd>0.310</dd>", text)
    assert '<td class="figure best">0.290</td>' in text  # lower is better: the comparator wins, and is seen to
    assert text.count('class="line training"') == 2  # the run's own and its fold's
    assert text.count('class="line validation"') == 2
    assert "1 true" in text
    assert "2 found" in text
    assert '<code>steps</code></th><td class="value">120</td>' in text
    assert "Four clips" in json.loads(written.card.read_text())["limits"][0]


def test_beside_the_model_lie_its_curves_and_event_files(written) -> None:
    folder = written.card.parent
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "card.json", "report.html", "run"}
    for part in (folder / "run", folder / "run" / "fold-1"):
        assert len((part / "curves.jsonl").read_text().splitlines()) == 123
        assert len(list((part / "tensorboard").iterdir())) == 1
    card = read_card(folder)
    assert card["parameters"]["steps"] == 120
    assert card["dataset_version"] == "set <b>1</b>"
    assert card["code_version"] == "test"
    assert "PyTorch" in card["machine"]


def test_a_mel_picture_has_time_to_the_right_and_pitch_upwards() -> None:
    mel = np.zeros((10, 80))
    mel[7, 2] = 1.0  # late and low
    picture = mel_picture("mel", mel)
    seen = picture_of(png(picture.levels, least=0, most=1))
    assert seen.shape == (80, 10, 3)
    assert seen[77, 7].tolist() == heat_palette()[255].tolist()
    assert seen[2, 7].tolist() == heat_palette()[0].tolist()


def test_colours_rise_in_lightness_all_the_way() -> None:
    lightness = heat_palette().astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 200


def test_grey_and_coloured_pictures_are_what_they_were() -> None:
    grey = np.arange(48).reshape(6, 8).astype(float)
    assert np.abs(picture_of(png(grey, least=0, most=255, colours="grey"))[:, :, 0] - grey).max() == 0
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert (picture_of(png(colours)) == colours).all()
    assert picture_of(png(np.full((3, 3), np.nan))).shape == (3, 3, 3)


def test_sound_is_kept_to_sixteen_bits_and_clipped() -> None:
    samples = np.array([0.0, 0.5, -1.0, 3.0, np.nan])
    with wave.open(io.BytesIO(content_of(wav(samples, 22_050)))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (22_050, 1, 5)
        assert np.frombuffer(file.readframes(5), "<i2").tolist() == [0, 16384, -32767, 32767, 0]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.26, 0.3), (-3, 17), (0, 43_000), (1e-6, 2e-6)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    found = ticks(low, high, 5)
    assert 2 <= len(found) <= 6
    assert found[0] >= low - 1e-9
    assert found[-1] <= high + 1e-9
    assert np.allclose(np.diff(found), found[1] - found[0])


def test_what_a_loss_does_at_first_does_not_flatten_the_rest() -> None:
    points = [(step, 500.0 if step < 3 else 1 / step) for step in range(1, 400)]
    low, high = value_range({"training": points}, 399)
    assert low == 0
    assert high < 0.2
    assert smoothed([1.0] * 100) == pytest.approx([1.0] * 100)


def test_charts_stand_on_odd_ground() -> None:
    assert "path" in curve_chart("flat", {"training": [(1, 2.0)], "validation": []})
    assert "svg" in trace_chart("empty", np.zeros(0), 50.0, None, np.zeros(0), np.zeros(0))


class Half(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 0.5, torch.sqrt(x)


def gate(tolerance: float = 1e-6, **more) -> dict:
    example = (torch.rand(4, 3),)
    exported = export_with_gate(
        Half(), example, inputs=["x"], outputs=["half", "root"], dynamic={"x": {0: torch.export.Dim("n", min=1)}},
        tolerance=tolerance, cases=[(torch.rand(1, 3),), *more.pop("cases", [])], **more,
    )  # fmt: skip
    return exported.parity


def test_the_gate_states_how_far_the_graph_is_from_pytorch() -> None:
    parity = gate()
    assert 0 <= parity["max_abs_difference"] <= 1e-6
    assert set(parity["by_output"]) == {"half", "root"}
    assert parity["inputs"] == ["4×3", "1×3"]


def test_a_graph_that_gives_something_else_is_refused() -> None:
    def spoil(model: onnx.ModelProto) -> onnx.ModelProto:
        for node in model.graph.node:
            if node.op_type == "Sqrt":
                node.op_type = "Exp"
        return model

    with pytest.raises(SoundstageError, match="differs from PyTorch by") as caught:
        gate(change=spoil)
    assert caught.value.code == "export_failed"
    assert gate(change=spoil, compared=["half"])["by_output"].keys() == {"half"}


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(SoundstageError, match="no numbers"):
        gate(cases=[(torch.full((2, 3), -1.0),)])


def test_the_metric_must_be_the_same_through_onnxruntime() -> None:
    told = metric_gate("F1 on test", 0.31, 0.3101, tolerance=1e-3)
    assert told == {"what": "F1 on test, through onnxruntime", "value": 0.3101, "pytorch": 0.31}
    for other in (0.35, float("nan")):
        with pytest.raises(SoundstageError, match="nothing was written"):
            metric_gate("F1 on test", 0.31, other, tolerance=1e-3)
