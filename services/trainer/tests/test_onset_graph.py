"""The onset graph takes clips of any length and says when, not whether it feels like it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from conftest import model_folder

from soundstage_trainer.export import session
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import training, trust
from soundstage_trainer.recipes import onset as recipe


@pytest.fixture(scope="module")
def exported():
    return session(model_folder("onset") / "model.onnx")


def inputs(pairs: int, steps: int, fill: float | None = None) -> dict[str, np.ndarray]:
    features = np.random.default_rng(pairs).normal(0, 0.3, (pairs, motion.CHANNELS))
    if fill is not None:
        features[:] = fill
    return {
        "features": features.astype(np.float32),
        "times_s": ((np.arange(pairs) + 0.5) / 25).astype(np.float32),
        "grid_s": (np.arange(steps) / 50).astype(np.float32),
    }


@pytest.mark.parametrize(("pairs", "steps"), [(1, 1), (1, 60), (2, 3), (50, 100), (4000, 8000)])
@pytest.mark.parametrize("fill", [None, 0.0, 1.0, np.nan, np.inf])
def test_any_length_and_any_content_gives_probabilities(exported, pairs: int, steps: int, fill: float | None) -> None:
    for name, values in zip(("onset", "peak", "envelope", "trust"), exported.run(None, inputs(pairs, steps, fill)), strict=True):
        assert values.shape == ((1,) if name == "trust" else (steps,))
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1


def test_a_still_clip_has_no_onset(exported) -> None:
    card = json.loads((model_folder("onset") / "card.json").read_text())
    still = inputs(250, 500, 0.0)
    still["features"][:, -1] = 0.04
    assert exported.run(["peak"], still)[0].max() < card["threshold"]


def test_the_more_sure_the_peaks_the_greater_the_trust_and_a_still_clip_has_little(exported) -> None:
    card = json.loads((model_folder("onset") / "card.json").read_text())
    assert 0 < card["trust_levels"]["poor"] < card["trust_levels"]["good"] < 1
    still = inputs(250, 500, 0.0)
    still["features"][:, -1] = 0.04
    quiet = exported.run(["trust"], still)[0]
    peak, noisy = exported.run(["peak", "trust"], inputs(200, 400))
    assert quiet[0] <= noisy[0] or trust.sureness(peak) <= trust.sureness(exported.run(["peak"], still)[0])


def test_trust_is_calibrated_on_what_was_right() -> None:
    random = np.random.default_rng(0)
    sure = random.uniform(0.2, 0.8, 400)
    found = random.integers(3, 30, 400)
    hits = random.binomial(found, sure)
    bias, slope = trust.calibrate(sure, hits, found)
    expected = 1 / (1 + np.exp(-(bias + slope * sure)))
    assert np.abs(expected - sure).max() < 0.08
    assert trust.calibrate(sure, found - hits, found)[1] == 0.0  # never the wrong way round
    assert sorted(trust.trusted_half(np.array([0.1, 0.9, 0.5]))) == [1, 2]


def test_the_graph_and_the_trainer_mean_the_same_by_sureness() -> None:
    net = onset_net.OnsetNet().eval()
    net.trust_line.copy_(torch.tensor([-1.0, 2.0]))
    with torch.inference_mode():
        _, peak, _, given = net(**{name: torch.from_numpy(a) for name, a in inputs(90, 180).items()})
    expected = 1 / (1 + np.exp(1.0 - 2.0 * trust.sureness(peak.numpy())))
    assert given.item() == pytest.approx(expected, abs=1e-5)


def test_the_parabola_finds_the_top_between_steps() -> None:
    clock = np.arange(100) * 0.02
    onset = np.exp(-0.5 * ((clock - 1.007) / 0.025) ** 2).astype(np.float32)
    times, heights = training.peak_times(onset, onset_net.local_peaks(torch.from_numpy(onset)).numpy())
    assert times.tolist() == [pytest.approx(1.007, abs=0.002)]
    assert heights[0] > 0.9


def test_a_peak_is_the_onset_where_it_is_largest_within_80_ms_and_nothing_else(exported) -> None:
    onset, peak = exported.run(["onset", "peak"], inputs(200, 400))
    at = np.flatnonzero(peak)
    assert len(at) > 3
    assert np.diff(at).min() > onset_net.PEAK_REACH_STEPS
    for step in at:
        assert peak[step] == onset[step] == onset[max(0, step - 4) : step + 5].max()


def test_a_level_stretch_has_no_peak() -> None:
    assert onset_net.local_peaks(torch.full((30,), 0.7)).max() == 0
    bump = torch.tensor([0.1] * 9 + [0.5, 0.5] + [0.1] * 9)
    assert onset_net.local_peaks(bump).nonzero().flatten().tolist() == [9]


def test_frame_times_of_any_spacing_are_brought_to_the_grid_as_numpy_would() -> None:
    times = torch.cumsum(torch.rand(60) * 0.05 + 0.005, dim=0)
    values = torch.rand(60, 3)
    grid = torch.arange(0, 120) / 50 - 0.1
    found = onset_net.interpolate(values, *onset_net.neighbours(times, grid))
    expected = np.stack([np.interp(grid, times, values[:, c]) for c in range(3)], axis=1)
    assert np.abs(found.numpy() - expected).max() < 1e-3


def test_where_a_clip_ends_does_not_change_what_came_before_much_later() -> None:
    net = onset_net.OnsetNet().eval()
    whole = {name: torch.from_numpy(a) for name, a in inputs(300, 600).items()}
    with torch.inference_mode():
        long = net(**whole)[0]
        short = net(whole["features"], whole["times_s"], whole["grid_s"][:300])[0]
    assert (long[:240] - short[:240]).abs().max() < 1e-5


def test_an_exported_net_gives_what_pytorch_gives() -> None:
    torch.manual_seed(4)
    net = onset_net.OnsetNet(voters=2).eval()
    running = recipe.export(net).running
    for pairs, steps in ((1, 7), (90, 180)):
        given = inputs(pairs, steps)
        with torch.inference_mode():
            expected = net(**{name: torch.from_numpy(a) for name, a in given.items()})
        for ours, theirs in zip(running.run(None, given), expected, strict=True):
            assert np.abs(ours - theirs.numpy()).max() < 1e-4
