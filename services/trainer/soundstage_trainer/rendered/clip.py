"""One rendered clip: a place, a camera, one or two acts, and what a cheap recorder makes of them. One seed, one clip."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from soundstage_trainer.rendered import actors, kinematics, stage, textures
from soundstage_trainer.rendered.kinematics import RATE_HZ, SMALLEST_GAP_S
from soundstage_trainer.rendered.stage import HEIGHT_PX, WIDTH_PX, Act, Flash, Thing

VERSION = "2"
MARGIN_PX = 32  # of background around the picture, for the camera to move over
MOST_EXPOSURES = 7
GRAVITY_PX = 150.0
ENVELOPE_RATE_HZ = 50
ACTS = {
    actors.striker: 0.50, actors.ensemble: 0.15, actors.ball: 0.06, actors.volley: 0.03, actors.shot: 0.07,
    actors.bark: 0.05, actors.walker: 0.02, actors.clap: 0.06, actors.scrape: 0.03, actors.waver: 0.03,
}  # fmt: skip


@dataclass(frozen=True)
class RenderedClip:
    """frames uint8 [N, 96, 160]; times_s float64 [N]; onsets_s and strengths; envelope 0..1 at 50 Hz, in dB over 40."""

    frames: np.ndarray
    times_s: np.ndarray
    onsets_s: np.ndarray
    strengths: np.ndarray
    envelope: np.ndarray
    duration_s: float
    kind: str


def render(seed: int, *, seconds: tuple[float, float] = (2.8, 4.4)) -> RenderedClip:
    """The clip of this seed. A tenth of the clips change to a second scene half-way."""
    random = np.random.default_rng([20, seed])
    duration_s = float(random.uniform(*seconds))
    times_s = frame_times(random, duration_s)
    scene = _Scene(random, duration_s)
    frames = scene.expose(times_s)
    contacts, strengths, scraping, kind = *scene.heard(), scene.kind
    if random.random() < 0.1:
        cut_s = random.uniform(0.3, 0.7) * duration_s
        other = _Scene(random, duration_s)
        after = times_s >= cut_s
        frames[after] = other.expose(times_s[after])
        theirs = other.heard()
        contacts, strengths = (np.append(a[contacts < cut_s], b[theirs[0] >= cut_s]) for a, b in ((contacts, theirs[0]), (strengths, theirs[1])))
        scraping = np.where(np.arange(len(scraping)) / RATE_HZ < cut_s, scraping, theirs[2])
        kind = f"{kind}, {other.kind}"
    frames = record(random, frames)
    contacts, strengths = apart(contacts, strengths)
    return RenderedClip(
        frames, times_s, contacts, strengths, envelope(random, duration_s, contacts, strengths, scraping), duration_s, kind
    )


def frame_times(random: np.random.Generator, duration_s: float) -> np.ndarray:
    """15 to 30 a second, as real files have them: exact, rounded to a millisecond, or with frames missing."""
    rate = float(random.choice([12.5, 15.0, 20.0, 24.0, 25.0, 30000 / 1001, 30.0], p=[0.03, 0.27, 0.05, 0.15, 0.2, 0.15, 0.15]))
    times_s = np.arange(0, duration_s, 1 / rate) + random.uniform(0, 0.4) / rate
    if random.random() < 0.2:
        times_s = np.round(times_s, 2)
    if random.random() < 0.1:
        times_s = times_s[random.random(len(times_s)) > random.uniform(0.01, 0.15)]
    return times_s


def record(random: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Exposure, noise, compression, and frames that the recorder gave twice; float32 → uint8."""
    count = len(frames)
    if random.random() < 0.25:  # lamps that flicker, exposure that follows
        steps = np.linspace(0, 1, count)
        level = 1 + random.uniform(0, 0.08) * np.sin(2 * np.pi * random.uniform(0.3, 12) * steps) + random.normal(0, 0.01, count)
        frames = frames * level[:, None, None].astype(np.float32)
    gamma, gain = np.exp(random.normal(0, 0.2)), np.exp(random.normal(0, 0.1))
    frames = 255 * np.clip(frames * gain / 255, 0, 1) ** gamma
    noise = np.exp(random.uniform(np.log(0.2), np.log(5)))
    frames = frames + random.normal(0, noise, (8, HEIGHT_PX, WIDTH_PX)).astype(np.float32)[random.integers(0, 8, count)]
    frames = np.clip(np.round(frames), 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        quality = int(random.integers(25, 90))
        frames = np.stack([cv2.imdecode(cv2.imencode(".jpg", f, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0) for f in frames])
    if random.random() < 0.12:
        doubled = np.flatnonzero(random.random(count) < random.uniform(0.02, 0.25))
        frames[doubled[doubled > 0]] = frames[doubled[doubled > 0] - 1]
    return frames


def apart(times_s: np.ndarray, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As in real sound: of two blows closer than SMALLEST_GAP_S the stronger counts, and none before 0.1 s."""
    kept: list[int] = []
    for index in np.argsort(-strengths, kind="stable"):
        if times_s[index] >= 0.1 and all(abs(times_s[index] - times_s[other]) >= SMALLEST_GAP_S for other in kept):
            kept.append(int(index))
    kept.sort()
    return times_s[kept], strengths[kept]


def envelope(random, duration_s: float, contacts_s: np.ndarray, strengths: np.ndarray, scraping: np.ndarray) -> np.ndarray:
    """Loudness as ground_truth.envelope gives it for sound: 0 is 40 dB or more below the loudest."""
    clock = np.arange(int(duration_s * ENVELOPE_RATE_HZ) + 1) / ENVELOPE_RATE_HZ
    level = 0.3 * np.interp(clock, np.arange(len(scraping)) / RATE_HZ, scraping) + 1e-4
    decay_s = np.exp(random.uniform(np.log(0.05), np.log(0.4)))
    for time_s, strength in zip(contacts_s, strengths, strict=True):
        after = clock - time_s
        level = level + strength * np.where(after >= 0, np.exp(-np.clip(after, 0, None) / decay_s), 0)
    decibels = 20 * np.log10(level / max(0.05, level.max()))
    return np.clip(1 + decibels / 40, 0, 1).astype(np.float32)


class _Scene:
    """Everything that is drawn, and its camera."""

    def __init__(self, random: np.random.Generator, seconds: float) -> None:
        self.background = textures.background(random, HEIGHT_PX + 2 * MARGIN_PX, WIDTH_PX + 2 * MARGIN_PX)
        kinds, weights = list(ACTS), np.array(list(ACTS.values()))
        main: Act = kinds[random.choice(len(kinds), p=weights / weights.sum())](random, seconds)
        self.kind = main.kind
        if random.random() < 0.85:
            stage.set_off(main.things, self.background, MARGIN_PX)
        acts = [main]
        if random.random() < 0.3:
            acts.insert(int(random.integers(0, 2)), actors.waver(random, seconds))
        self.acts = acts
        self.seconds = seconds
        self.shutter = random.uniform(0.15, 1.0)
        count = round(seconds * RATE_HZ)
        self.camera = np.zeros((4, count), np.float32)  # x, y in pixels, turn in radians, logarithm of zoom
        style = random.choice(["tripod", "hand", "pan", "zoom"], p=[0.5, 0.3, 0.12, 0.08])
        if style != "tripod":
            sway = random.uniform(0.3, 3.0)
            for axis, size in enumerate((sway, sway, sway * 0.004, sway * 0.004)):
                self.camera[axis] = size * kinematics.drift(random, seconds, rate_hz=random.uniform(0.5, 3))
        if style == "pan":
            self.camera[0] += np.clip(kinematics.drift(random, seconds, rate_hz=0.3) * 14, -26, 26)
        if style == "zoom":
            self.camera[3] += np.linspace(0, random.normal(0, 0.2), count)
        if random.random() < 0.2:  # blows are felt by the camera
            self.camera[1] += random.uniform(0.2, 1.5) * kinematics.ringing(random, seconds, main.contacts_s, main.strengths)

    def heard(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        main = next(act for act in self.acts if act.kind == self.kind)
        scraping = main.scraping if main.scraping is not None else np.zeros(round(self.seconds * RATE_HZ))
        return main.contacts_s, main.strengths, scraping

    def expose(self, times_s: np.ndarray) -> np.ndarray:
        """float32 [N, 96, 160]. Each frame is the mean of what was seen while the shutter stood open before its time."""
        step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.04
        frames = np.empty((len(times_s), HEIGHT_PX, WIDTH_PX), np.float32)
        for number, time_s in enumerate(times_s):
            opened_s = self.shutter * step_s
            # The time stamp of a frame is that of its reading-out: exposures lie around it, mostly before.
            moments = self._moments(time_s - 0.5 * opened_s, time_s + 0.5 * opened_s)
            frames[number] = np.mean([self._draw(moment, time_s) for moment in moments], axis=0)
        return frames

    def _moments(self, begin_s: float, end_s: float) -> np.ndarray:
        """Times at which to draw, so that nothing moves more than some pixels between two of them."""
        limit = round(self.seconds * RATE_HZ) - 1
        a, b = (int(np.clip(round(t * RATE_HZ), 0, limit)) for t in (begin_s, end_s))
        far = 0.0
        for act in self.acts:
            for item in act.things:
                length = max(item.sprite.paint.shape[:2])
                moved = abs(item.x[b] - item.x[a]) + abs(item.y[b] - item.y[a]) + length * abs(item.angle[b] - item.angle[a])
                far = max(far, float(moved))
        count = int(np.clip(np.ceil(far / 3.0), 1, MOST_EXPOSURES))
        return np.linspace(begin_s, end_s, count + 2)[1:-1]

    def _draw(self, moment_s: float, time_s: float) -> np.ndarray:
        index = int(np.clip(round(moment_s * RATE_HZ), 0, round(self.seconds * RATE_HZ) - 1))
        x, y, turn, zoom = (float(v) for v in self.camera[:, index])
        scale = np.exp(zoom)
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        mx, my = WIDTH_PX / 2, HEIGHT_PX / 2
        camera = np.array([[cos, -sin, mx + x - cos * mx + sin * my], [sin, cos, my + y - sin * mx - cos * my]])
        if x == y == turn == zoom == 0.0:
            picture = self.background[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].copy()
        else:
            shift = np.array([[1, 0, -MARGIN_PX], [0, 1, -MARGIN_PX], [0, 0, 1]], dtype=np.float64)
            picture = cv2.warpAffine(self.background, camera @ shift, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for act in self.acts:
            for item in act.things:
                _stamp(picture, item, index, camera)
            for flash in act.flashes:
                if flash.time_s <= moment_s < flash.time_s + flash.lasts_s:
                    _flash(picture, flash, moment_s - flash.time_s, camera)
        return picture


def _stamp(picture: np.ndarray, item: Thing, index: int, camera: np.ndarray) -> None:
    """Draw a sprite where it is at this moment; only the part of the picture that it covers is touched."""
    cos, sin = (float(item.size[index] * f(item.angle[index])) for f in (np.cos, np.sin))
    px, py = item.sprite.pivot
    own = np.array([[cos, -sin, item.x[index] - cos * px + sin * py], [sin, cos, item.y[index] - sin * px - cos * py], [0, 0, 1]])
    matrix = camera @ own
    h, w = item.sprite.paint.shape[:2]
    corners = matrix[:, :2] @ np.array([[0, w, w, 0], [0, 0, h, h]]) + matrix[:, 2:]
    left, top = (max(0, int(np.floor(v)) - 1) for v in corners.min(axis=1))
    right, bottom = min(WIDTH_PX, int(corners[0].max()) + 2), min(HEIGHT_PX, int(corners[1].max()) + 2)
    if right <= left or bottom <= top:
        return
    matrix[0, 2] -= left
    matrix[1, 2] -= top
    paint = cv2.warpAffine(item.sprite.paint, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    part = picture[top:bottom, left:right]
    part *= 1 - paint[..., 1]
    part += paint[..., 0]


def _flash(picture: np.ndarray, flash: Flash, age_s: float, camera: np.ndarray) -> None:
    if flash.bits is None:
        x, y = camera[:, :2] @ (flash.x, flash.y) + camera[:, 2]
        yy, xx = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
        glow = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * max(1.0, flash.radius) ** 2))
        picture += np.float32(flash.level) * (glow + 0.08)
        return
    for speed_x, speed_y, size, grey in flash.bits:
        at = camera[:, :2] @ (flash.x + speed_x * age_s, flash.y + speed_y * age_s + GRAVITY_PX * age_s**2) + camera[:, 2]
        cv2.circle(picture, (int(at[0]), int(at[1])), max(0, round(size)), float(grey), -1)
