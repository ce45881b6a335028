"""Onsets in sound are found where they were put, and scored as a person would count."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from soundstage_trainer.graphs.mel import MelSpectrogram
from soundstage_trainer.onset import ground_truth
from soundstage_trainer.onset.scoring import Counts, bootstrap_f1, count_hits, metronome

RATE = ground_truth.SAMPLE_RATE_HZ


def clicks(times_s: list[float], levels: list[float], seconds: float = 4.0) -> np.ndarray:
    random = np.random.default_rng(2)
    sound = random.normal(0, 1e-4, int(seconds * RATE))
    for time_s, level in zip(times_s, levels, strict=True):
        start = int(time_s * RATE)
        sound[start : start + 2000] += level * random.normal(0, 1, 2000) * np.exp(-np.arange(2000) / 300)
    return sound.astype(np.float32)


def test_clicks_are_found_within_twenty_milliseconds() -> None:
    times = [0.5, 0.9, 1.31, 2.0, 3.3]
    found, strengths = ground_truth.onset_times(clicks(times, [0.3] * 5))
    assert len(found) == 5
    assert np.abs(found - times).max() <= 0.02
    assert strengths.max() == 1.0


def test_a_click_far_below_the_loudest_does_not_count() -> None:
    found, _ = ground_truth.onset_times(clicks([0.5, 1.5], [0.3, 0.002]))
    assert np.allclose(found, [0.5], atol=0.02)


def test_two_clicks_within_a_tenth_of_a_second_count_once() -> None:
    found, _ = ground_truth.onset_times(clicks([1.0, 1.06], [0.3, 0.3]))
    assert len(found) == 1


def test_silence_and_a_sound_that_begins_with_the_file_have_no_onset() -> None:
    assert len(ground_truth.onset_times(np.zeros(RATE, np.float32))[0]) == 0
    steady = 0.2 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32)
    assert len(ground_truth.onset_times(steady)[0]) <= 1


def test_the_envelope_is_one_at_the_loudest_and_zero_in_silence() -> None:
    sound = clicks([2.0], [0.5])
    sound[:RATE] = 0
    envelope = ground_truth.envelope(sound, np.array([0.5, 2.0]))
    assert envelope[0] == 0.0
    assert envelope[1] > 0.95


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_mel_is_librosa_s_to_one_in_ten_thousand(power: float) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)
    ours = MelSpectrogram(
        sample_rate_hz=RATE, window_samples=1024, hop_samples=256, bands=80, lowest_hz=125.0, highest_hz=7600.0, power=power
    )(torch.from_numpy(sound)[None])[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=1024, hop_length=256, n_mels=80, fmin=125, fmax=7600, power=power, pad_mode="constant"
    ).T
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def test_each_onset_is_matched_once() -> None:
    counts = count_hits(np.array([1.0, 1.02, 2.0]), np.array([1.01, 3.0]), 0.05)
    assert (counts.hits, counts.found, counts.true) == (1, 3, 2)
    assert counts.f1 == pytest.approx(2 / 5)


def test_the_tolerance_is_inclusive() -> None:
    assert count_hits(np.array([1.05]), np.array([1.0]), 0.05).hits == 1
    assert count_hits(np.array([1.0511]), np.array([1.0]), 0.05).hits == 0


def test_a_metronome_scores_what_arithmetic_says() -> None:
    beat = metronome(10.0)
    assert len(beat) == 50
    counts = count_hits(beat, np.array([1.0, 2.03, 3.1, 4.09]), 0.05)
    assert counts.hits == 2
    assert counts.f1 == pytest.approx(2 * 2 / 54)
    assert count_hits(beat, np.array([1.0, 2.03, 3.1, 4.09]), 0.1).recall == 1.0


def test_the_bootstrap_interval_holds_the_figure_and_draws_whole_sources() -> None:
    counts = [Counts(8, 10, 10), Counts(2, 10, 10), Counts(5, 10, 10), Counts(6, 10, 10)]
    low, high = bootstrap_f1(counts, ["a", "b", "c", "d"])
    assert low < 21 / 40 < high
    assert bootstrap_f1(counts, ["a"] * 4) == (21 / 40, 21 / 40)
