"""Rendered clips say exactly when something is struck, and their pictures show it at that time."""

from __future__ import annotations

import numpy as np
import pytest

from soundstage_trainer.rendered import actors, kinematics
from soundstage_trainer.rendered.clip import ACTS, RenderedClip, apart, render

RATE = kinematics.RATE_HZ


def draw(act, seed: int, times: np.ndarray, rate: float = 30.0, seconds: float = 3.0) -> np.ndarray:
    """A striker before a plain wall, drawn without blur: frames float32 [N, 96, 160]."""
    from soundstage_trainer.rendered import clip

    scene = clip._Scene.__new__(clip._Scene)
    scene.background = np.full((96 + 2 * clip.MARGIN_PX, 160 + 2 * clip.MARGIN_PX), 90, np.float32)
    scene.acts, scene.seconds, scene.shutter = [act], seconds, 0.05
    scene.camera = np.zeros((4, round(seconds * RATE)), np.float32)
    return scene.expose(np.arange(0, seconds, 1 / rate))


@pytest.mark.parametrize("seed", range(20))
def test_a_stroke_is_on_the_surface_at_each_contact_arrives_fast_and_does_not_go_through(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = kinematics.rhythm(random, 6.0)
    stroke = kinematics.strokes(random, 6.0, times)
    assert stroke.height.min() >= 0
    for time_s in stroke.contacts_s:
        at = round(time_s * RATE)
        assert stroke.height[at] < 0.06
        before = (stroke.height[at - 8] - stroke.height[at - 3]) / 0.005
        after = (stroke.height[at + 8] - stroke.height[at + 3]) / 0.005
        assert before > 0.3  # falling, in swings a second
        assert after > -0.05  # and no further


def test_the_hardest_stop_in_the_picture_is_within_one_frame_of_the_contact() -> None:
    late = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        act = actors.striker(random, 3.0, times=np.array([1.5 + 0.01 * seed]), at=(80.0, 60.0), length=60.0, feints=0.0)
        frames = draw(act, seed, act.contacts_s)
        moved = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))  # between frame k and k + 1
        stops = moved[:-1] - moved[1:]  # at frame k + 1
        late.append((int(stops.argmax()) + 1) / 30.0 - act.contacts_s[0])
    assert abs(np.median(late)) <= 1 / 30 + 1e-6
    assert np.mean(np.abs(late) <= 1.5 / 30) > 0.7, late


def test_stronger_blows_arrive_faster() -> None:
    stroke = kinematics.strokes(np.random.default_rng(4), 12.0, np.arange(1.0, 11.5, 1.0), feints=0.0)
    speed = [stroke.height[round(t * RATE) - 12] for t in stroke.contacts_s]
    assert np.corrcoef(speed, stroke.strengths)[0, 1] > 0.6


def test_a_ball_touches_the_ground_when_it_sounds() -> None:
    for seed in range(10):
        bounce = kinematics.bouncing(np.random.default_rng(seed), 4.0)
        assert all(bounce.height[round(t * RATE)] < 0.03 for t in bounce.contacts_s)


def test_the_same_seed_gives_the_same_clip_and_another_seed_another() -> None:
    one, again, other = render(3), render(3), render(4)
    assert np.array_equal(one.frames, again.frames)
    assert np.array_equal(one.onsets_s, again.onsets_s)
    assert one.frames.shape != other.frames.shape or not np.array_equal(one.frames, other.frames)


@pytest.fixture(scope="module")
def some() -> list[RenderedClip]:
    return [render(seed) for seed in range(100, 124)]


def test_clips_look_like_files_frames_times_and_labels_fit(some: list[RenderedClip]) -> None:
    for clip in some:
        assert clip.frames.dtype == np.uint8
        assert clip.frames.shape == (len(clip.times_s), 96, 160)
        assert (np.diff(clip.times_s) > 0).all()
        assert np.median(np.diff(clip.times_s)) >= 1 / 31
        assert ((clip.onsets_s >= 0.1) & (clip.onsets_s <= clip.duration_s)).all()
        assert (np.diff(clip.onsets_s) >= kinematics.SMALLEST_GAP_S - 1e-9).all()
        assert len(clip.envelope) == int(clip.duration_s * 50) + 1
        assert 0 <= clip.envelope.min() <= clip.envelope.max() <= 1


def test_pictures_are_neither_black_nor_still(some: list[RenderedClip]) -> None:
    assert np.mean([clip.frames.std() > 8 for clip in some]) > 0.9
    assert np.mean([np.abs(np.diff(clip.frames.astype(float), axis=0)).max() > 20 for clip in some]) > 0.9


def test_the_envelope_rises_at_the_blows(some: list[RenderedClip]) -> None:
    for clip in some:
        for time_s in clip.onsets_s:
            step = int(np.ceil(time_s * 50))
            if 2 < step < len(clip.envelope) - 2:
                assert clip.envelope[step] >= clip.envelope[step - 2] - 0.05


def test_what_only_waves_or_scrapes_strikes_nothing() -> None:
    for act in (actors.waver, actors.scrape):
        assert len(act(np.random.default_rng(1), 4.0).contacts_s) == 0


@pytest.mark.parametrize("act", list(ACTS), ids=lambda act: act.__name__)
def test_every_act_gives_paths_as_long_as_the_clip_and_finite(act) -> None:
    for seed in range(4):
        played = act(np.random.default_rng(seed), 3.0)
        assert len(played.contacts_s) == len(played.strengths)
        assert (np.diff(played.contacts_s) >= 0).all()
        assert played.things
        for item in played.things:
            for path in (item.x, item.y, item.angle, item.size):
                assert path.shape == (3000,)
                assert np.isfinite(path).all()


def test_of_two_blows_within_a_tenth_of_a_second_the_stronger_counts() -> None:
    times, strengths = apart(np.array([0.05, 1.0, 1.06, 2.0]), np.array([1.0, 0.4, 0.9, 0.5]))
    assert times.tolist() == [1.06, 2.0]
    assert strengths.tolist() == [0.9, 0.5]
