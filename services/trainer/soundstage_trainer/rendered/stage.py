"""What acts are made of: sprites on paths, bursts of light and bits, things that react, shadows and arms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundstage_trainer.rendered import kinematics, textures
from soundstage_trainer.rendered.kinematics import RATE_HZ
from soundstage_trainer.rendered.textures import Sprite

WIDTH_PX, HEIGHT_PX = 160, 96


@dataclass(frozen=True)
class Thing:
    """A sprite with its path: x, y (pixels of its pivot), angle (radians), size; float32 [samples] each, at 1 kHz."""

    sprite: Sprite
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    size: np.ndarray


@dataclass(frozen=True)
class Flash:
    """A burst of light, or of bits that fly: at time_s around (x, y), of radius, gone after lasts_s."""

    time_s: float
    x: float
    y: float
    radius: float
    level: float
    lasts_s: float
    bits: np.ndarray | None = None  # [n, 4]: speed x, speed y (pixels a second), size, grey


@dataclass
class Act:
    """things back to front. contacts_s: moments that sound; scraping: loudness 0..1 at 1 kHz, where something rubs."""

    kind: str
    things: list[Thing] = field(default_factory=list)
    contacts_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    strengths: np.ndarray = field(default_factory=lambda: np.zeros(0))
    flashes: list[Flash] = field(default_factory=list)
    scraping: np.ndarray | None = None


def thing(sprite: Sprite, seconds: float, x: object, y: object, angle: object = 0.0, size: object = 1.0) -> Thing:
    """Numbers stand for the whole length."""
    count = round(seconds * RATE_HZ)
    return Thing(sprite, *(np.broadcast_to(np.asarray(v, dtype=np.float32), (count,)) for v in (x, y, angle, size)))


def place(random: np.random.Generator) -> tuple[float, float]:
    """Somewhere well inside the picture."""
    return random.uniform(0.15, 0.85) * WIDTH_PX, random.uniform(0.2, 0.85) * HEIGHT_PX


def set_off(things: list[Thing], background: np.ndarray, margin: int, least: float = 45.0) -> None:
    """Paint what would hardly be seen before its background lighter or darker, in place; shadows stay."""
    for item in things:
        mask = item.sprite.paint[..., 1]
        own = float(item.sprite.paint[..., 0].sum() / max(1e-6, mask.sum()))
        if own <= 0.0:
            continue
        x = int(np.clip(np.median(item.x) + margin, 0, background.shape[1] - 1))
        y = int(np.clip(np.median(item.y) + margin, 0, background.shape[0] - 1))
        behind = float(background[max(0, y - 20) : y + 20, max(0, x - 20) : x + 20].mean())
        if abs(own - behind) < least:
            target = behind + least if behind + least < 235 and (own > behind or behind < least) else behind - least
            item.sprite.paint[..., 0] += (target - own) * mask


def scale_px(random: np.random.Generator, far: float = 0.25) -> float:
    """How large the moving part is: close-up, across the room, or far away."""
    kind = random.choice(3, p=[0.4, 0.6 - far, far])
    low, high = ((60, 150), (26, 60), (13, 26))[kind]
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def struck(random, seconds, x, y, direction, length, stroke) -> list[Thing]:
    """The thing under the tool, which shakes, gives way or slides when it is hit; sometimes only the background."""
    if random.random() < 0.25:
        return []
    size = length * random.uniform(0.3, 1.4)
    sprite = textures.blob(random, size * random.uniform(0.2, 1.0), size)
    h = sprite.paint.shape[0]
    middle = (x + direction[0] * h / 2, y + direction[1] * h / 2)
    reacts = random.choice(["still", "shakes", "swings", "slides"], p=[0.25, 0.35, 0.22, 0.18])
    shake = kinematics.ringing(random, seconds, stroke.contacts_s, stroke.strengths)
    if reacts == "still":
        return [thing(sprite, seconds, *middle)]
    if reacts == "slides":
        clock = np.arange(len(shake)) / RATE_HZ
        moved = np.zeros(len(shake), np.float32)
        for time_s, strength in zip(stroke.contacts_s, stroke.strengths, strict=True):
            moved += strength * (1 - np.exp(-np.clip(clock - time_s, 0, None) / 0.08)) * random.normal(0, 0.15)
        return [thing(sprite, seconds, middle[0] + size * moved, middle[1] + size * 0.3 * moved, 2 * moved)]
    far = size * random.uniform(0.02, 0.1)
    turn = random.uniform(0.02, 0.25) if reacts == "swings" else 0.0
    return [thing(sprite, seconds, middle[0] + direction[0] * far * shake, middle[1] + direction[1] * far * shake, turn * shake)]


def shadow(random, seconds, sprite, x, y, angle, height, direction, length) -> list[Thing]:
    """A shadow that meets its tool at the contact."""
    if random.random() > 0.4:
        return []
    dark = np.ascontiguousarray(sprite.paint.copy())
    dark[..., 0] = 0.0
    dark[..., 1] *= random.uniform(0.15, 0.5)
    reach = length * random.uniform(0.2, 0.9)
    lean = random.normal(0, 0.6)
    off_x = reach * height * (direction[0] + lean * direction[1])
    off_y = reach * height * (direction[1] - lean * direction[0])
    return [thing(Sprite(dark, sprite.pivot), seconds, x + off_x, y + off_y, angle)]


def arm(random, seconds, x, y, lie: float, thick: float, *, holds: bool) -> list[Thing]:
    """A forearm from the grip back to an elbow that hardly moves, and a fist that holds."""
    count = round(seconds * RATE_HZ)
    x, y = np.broadcast_to(x, (count,)), np.broadcast_to(y, (count,))
    back = lie + np.pi + random.normal(0, 0.4)
    far = thick * random.uniform(4, 9)
    elbow = (x.mean() + far * np.cos(back), y.mean() + far * np.sin(back))
    arm = textures.stick(random, far * 1.4, thick)
    angle = np.unwrap(np.arctan2(elbow[1] - y, elbow[0] - x))
    things = [thing(arm, seconds, x, y, angle)]
    if holds:
        things.append(thing(textures.hand(random, thick * 1.1), seconds, x, y, angle + np.pi))
    return things


def bits(random, stroke, x: float, y: float, length: float) -> list[Flash]:
    """Splinters, drops or dust from each blow."""
    grey, lasts_s = random.choice([random.uniform(180, 255), random.uniform(0, 80)]), random.uniform(0.1, 0.5)
    flashes = []
    for time_s, strength in zip(stroke.contacts_s, stroke.strengths, strict=True):
        n = int(random.integers(2, 10))
        heading, speed = random.normal(-np.pi / 2, 0.8, n), length * random.uniform(1, 5, n) * strength
        bits = np.stack([speed * np.cos(heading), speed * np.sin(heading), random.uniform(0.5, max(0.8, length * 0.04), n), np.full(n, grey)], axis=1)
        flashes.append(Flash(float(time_s), x, y, 0.0, 0.0, lasts_s, bits))
    return flashes
