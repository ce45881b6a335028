"""Who strikes what: each act is a set of moving sprites with the exact times at which it would be heard."""

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


def striker(
    random: np.random.Generator, seconds: float, *, times: np.ndarray | None = None, at: tuple[float, float] | None = None,
    length: float | None = None, feints: float = 0.3,
) -> Act:  # fmt: skip
    """A stick, hammer, knife, hand or foot that swings or plunges onto a thing."""
    length = length or scale_px(random)
    x, y = at or place(random)
    times = kinematics.rhythm(random, seconds) if times is None else times
    stroke = kinematics.strokes(random, seconds, times, feints=feints)
    down = random.normal(np.pi / 2, 0.5) if random.random() < 0.8 else random.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(down), np.sin(down)])
    side = random.choice([-1.0, 1.0])
    lie = down + side * (np.pi / 2 + random.normal(0, 0.35))
    kind = random.choice(["stick", "hammer", "knife", "hand", "block"], p=[0.4, 0.2, 0.12, 0.18, 0.1])
    turn = 0.0 if kind in ("knife", "block") and random.random() < 0.6 else random.uniform(0.5, 1.6)
    plunge = length * (random.uniform(0.4, 1.1) if turn < 0.1 else random.uniform(0.0, 0.6))
    if kind == "stick":
        tool = textures.stick(random, length, max(1.5, length * random.uniform(0.03, 0.1)))
    elif kind == "hammer":
        tool = textures.hammer(random, length * 0.8, max(1.5, length * random.uniform(0.04, 0.1)))
    elif kind == "knife":
        tool = textures.stick(random, length, max(2.0, length * random.uniform(0.1, 0.3)))
    elif kind == "hand":
        tool = textures.hand(random, length * 0.55)
    else:
        tool = textures.blob(random, length * random.uniform(0.3, 0.8), length * random.uniform(0.4, 1.0))
    height = stroke.height
    wobble = [kinematics.drift(random, seconds, rate_hz=1.5) * length * random.uniform(0, 0.03) for _ in range(2)]
    walk = 0.0
    if len(times) > 1 and random.random() < 0.3:  # strikes another place each time
        offsets = random.normal(0, random.uniform(0, 0.2) * length, len(times) + 1)
        walk = np.interp(np.arange(len(height)) / RATE_HZ, np.append(times, seconds + 1) - 0.12, offsets)
    angle = lie - side * turn * height
    reach = length if kind != "block" else 0.0
    grip_x = x - reach * np.cos(lie) - direction[0] * plunge * height + (wobble[0] * height + walk * np.cos(lie))
    grip_y = y - reach * np.sin(lie) - direction[1] * plunge * height + (wobble[1] * height + walk * np.sin(lie))
    act = Act(f"striker {kind}", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    act.things += _struck(random, seconds, x, y, direction, length, stroke)
    act.things += _shadow(random, seconds, tool, grip_x, grip_y, angle, height, direction, length)
    if random.random() < 0.75:
        act.things += _arm(random, seconds, grip_x, grip_y, lie, length * random.uniform(0.14, 0.4), holds=kind != "hand")
    act.things.append(thing(tool, seconds, grip_x, grip_y, angle))
    if random.random() < 0.3:
        act.flashes += _bits(random, stroke, x, y, length)
    return act


def ball(random: np.random.Generator, seconds: float) -> Act:
    """A ball that bounces, or something that is dropped."""
    size = min(40.0, 0.5 * scale_px(random))
    sprite = textures.blob(random, size, size * random.uniform(0.7, 1.3))
    stroke = kinematics.bouncing(random, seconds)
    x, y = place(random)
    rise = random.uniform(0.25, 0.8) * HEIGHT_PX
    clock = np.arange(len(stroke.height)) / RATE_HZ
    lean, speed = random.normal(0, 0.3), random.normal(0, 12)
    act = Act("ball", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    path = (x + speed * (clock - seconds / 2) + lean * rise * stroke.height, y - rise * stroke.height)
    act.things += _shadow(random, seconds, sprite, *path, 0.0, stroke.height, np.array([0.0, 1.0]), size)
    act.things.append(thing(sprite, seconds, *path, random.normal(0, 3) * clock))
    if random.random() < 0.4:  # a hand that follows it down
        reach = np.maximum(0, stroke.height - 0.6)
        act.things += _arm(random, seconds, path[0], y - rise * (0.75 + reach) - size, -np.pi / 2, size, holds=True)
    return act


def volley(random: np.random.Generator, seconds: float) -> Act:
    """A bat or racket that swings through a ball: what turns back is the ball, not the bat."""
    length = scale_px(random, far=0.5)
    x, y = place(random)
    times = kinematics.rhythm(random, seconds, fastest_s=0.7)
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    side = random.choice([-1.0, 1.0])
    swing_s, arc = random.uniform(0.12, 0.3), random.uniform(1.0, 2.5)
    angle = np.full(len(clock), -arc, np.float32)
    away = np.full(len(clock), 3.0, np.float32)  # of the ball, in reaches
    for time_s in times:
        u = (clock - time_s) / swing_s
        through = (u > -2.5) & (u < 3.0)
        angle[through] = np.interp(u[through], [-2.5, -1, -0.5, 0, 0.5, 1.5, 3], [-arc, -arc, -0.6 * arc, 0, 0.6 * arc, arc, -arc])
        away = np.minimum(away, np.abs(clock - time_s) / random.uniform(0.15, 0.4))
    lie = random.uniform(0, 2 * np.pi)
    bat = textures.hammer(random, length * 0.7, max(1.2, length * 0.05)) if random.random() < 0.7 else textures.stick(random, length, 2)
    grip = (x - length * np.cos(lie), y - length * np.sin(lie))
    small = textures.blob(random, *(max(2.0, length * random.uniform(0.05, 0.25)),) * 2)
    out = lie + side * np.pi / 2 + random.normal(0, 0.4)
    act = Act("volley", contacts_s=times, strengths=np.full(len(times), 0.9))
    act.things += _arm(random, seconds, *grip, lie, length * 0.2, holds=True)
    act.things.append(thing(bat, seconds, *grip, lie + side * angle))
    act.things.append(thing(small, seconds, x + away * length * np.cos(out), y + away * length * np.sin(out)))
    return act


def shot(random: np.random.Generator, seconds: float) -> Act:
    """A gun that kicks, with or without a flash at its muzzle; or a mere flash."""
    length = scale_px(random)
    x, y = place(random)
    stroke = kinematics.jerks(random, seconds, kinematics.rhythm(random, seconds, fastest_s=0.15))
    aim = random.normal(0, 0.3) + random.choice([0, np.pi])
    turn = -np.sign(np.cos(aim)) * random.uniform(0.05, 0.5)
    kick = length * random.uniform(0.02, 0.25)
    gun = textures.hammer(random, length * 0.6, length * 0.2) if random.random() < 0.5 else textures.stick(random, length, length * 0.15)
    px, py = x - kick * np.cos(aim) * stroke.height, y - kick * np.sin(aim) * stroke.height
    act = Act("shot", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    act.things += _arm(random, seconds, px, py, aim, length * 0.3, holds=False)
    act.things.append(thing(gun, seconds, px, py, aim + turn * stroke.height))
    if random.random() < 0.6:
        mx, my, radius = x + length * np.cos(aim), y + length * np.sin(aim), length * random.uniform(0.08, 0.4)
        lasts_s = random.uniform(0.02, 0.06)
        act.flashes += [Flash(t, mx, my, radius, random.uniform(80, 255), lasts_s) for t in stroke.contacts_s]
    if random.random() < 0.4:
        act.flashes += _bits(random, stroke, x + random.normal(0, length), y, length)
    return act


def bark(random: np.random.Generator, seconds: float) -> Act:
    """A head that jerks and opens its mouth."""
    size = scale_px(random)
    x, y = place(random)
    stroke = kinematics.jerks(random, seconds, kinematics.rhythm(random, seconds, fastest_s=0.25))
    sway = kinematics.drift(random, seconds, rate_hz=0.6) * size * 0.1
    forward = random.uniform(0, 2 * np.pi)
    px = x + sway + np.cos(forward) * size * random.uniform(0, 0.2) * stroke.height
    py = y + np.sin(forward) * size * random.uniform(0, 0.2) * stroke.height
    act = Act("bark", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    body = textures.blob(random, size * 1.2, size * 2)
    act.things.append(thing(body, seconds, x + 0.5 * sway - size * np.cos(forward), y + size * 0.6 + stroke.height * size * 0.03))
    act.things.append(thing(textures.blob(random, size * 0.8, size), seconds, px, py, random.normal(0, 0.3) * stroke.height))
    jaw = textures.blob(random, size * 0.25, size * 0.5)
    act.things.append(thing(jaw, seconds, px + size * 0.3 * np.cos(forward), py + size * (0.2 + 0.25 * stroke.height), 0.5 * stroke.height))
    return act


def walker(random: np.random.Generator, seconds: float) -> Act:
    """Two legs in turn; each foot lands, stands, and lifts."""
    leg = scale_px(random)
    x, y = place(random)
    step_s = random.uniform(0.28, 0.75)
    times = random.uniform(0, step_s) + np.arange(0, seconds + step_s, step_s) * np.exp(random.normal(0, 0.02))
    times = times[(times > 0.02) & (times < seconds - 0.02)]
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    speed = random.choice([0.0, random.normal(0, 25)])
    stride = leg * random.uniform(0.0, 0.6)
    act = Act("walker", contacts_s=times, strengths=np.clip(random.normal(0.8, 0.1, len(times)), 0.3, 1))
    base = x + speed * (clock - seconds / 2)
    for foot in range(2):
        own = times[foot::2]
        edges = np.concatenate([[-2 * step_s + (own[0] if len(own) else 0)], own, [seconds + 2 * step_s]])
        slot = np.clip(np.searchsorted(edges, clock, side="right") - 1, 0, len(edges) - 2)
        u = (clock - edges[slot]) / np.maximum(1e-3, edges[slot + 1] - edges[slot])
        lift = np.clip((u - 0.55) / 0.45, 0, 1)
        up = leg * random.uniform(0.1, 0.3) * np.sin(np.pi * np.sqrt(lift)) * (lift < 1)
        swing = stride * (0.5 - np.minimum(u / 0.55, 1) + lift * lift * (3 - 2 * lift))
        act.things.append(thing(textures.stick(random, leg, leg * 0.18), seconds, base, y - leg, np.pi / 2 - swing / leg))
        shoe = textures.blob(random, leg * 0.14, leg * 0.32)
        act.things.append(thing(shoe, seconds, base + swing, y - up, -0.6 * up / leg))
    if random.random() < 0.6:
        trunk = textures.blob(random, leg * 1.1, leg * 0.6)
        act.things.append(thing(trunk, seconds, base, y - 1.5 * leg + 0.03 * leg * np.cos(2 * np.pi * clock / step_s)))
    return act


def clap(random: np.random.Generator, seconds: float) -> Act:
    """Two hands, lids or blocks that meet."""
    size = scale_px(random)
    x, y = place(random)
    stroke = kinematics.strokes(random, seconds, kinematics.rhythm(random, seconds))
    axis = random.uniform(0, np.pi)
    act = Act("clap", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    for side in (-1, 1):
        away = side * (size * 0.25 + size * random.uniform(0.3, 0.8) * stroke.height)
        px, py = x + away * np.cos(axis), y + away * np.sin(axis)
        act.things += _arm(random, seconds, px, py, axis + (np.pi if side > 0 else 0) + random.normal(0, 0.4), size * 0.3, holds=False)
        act.things.append(thing(textures.hand(random, size * 0.5), seconds, px, py, axis + np.pi / 2 + random.normal(0, 0.3)))
    return act


def ensemble(random: np.random.Generator, seconds: float) -> Act:
    """A player with two hands and several drums; the body sways along, cymbals swing long after."""
    length = min(70.0, scale_px(random))
    x, y = place(random)
    beat = kinematics.rhythm(random, seconds)
    act = Act("ensemble")
    if random.random() < 0.7:
        sway = kinematics.drift(random, seconds, rate_hz=1.2) * length * 0.08
        act.things.append(thing(textures.blob(random, length * 2, length), seconds, x + sway, y - length))
        act.things.append(thing(textures.blob(random, length * 0.6, length * 0.5), seconds, x + 1.4 * sway, y - 2.1 * length))
    taken = random.integers(0, 2, len(beat)) if random.random() < 0.5 else np.arange(len(beat)) % 2
    for player in range(2):
        spot = (x + (player - 0.5) * length * random.uniform(0.8, 2.0), y + random.normal(0, 0.2) * length)
        part = striker(random, seconds, times=beat[taken == player], at=spot, length=length, feints=0.1)
        act.things += part.things
        act.contacts_s = np.append(act.contacts_s, part.contacts_s)
        act.strengths = np.append(act.strengths, part.strengths)
    order = np.argsort(act.contacts_s)
    act.contacts_s, act.strengths = act.contacts_s[order], act.strengths[order]
    return act


def scrape(random: np.random.Generator, seconds: float) -> Act:
    """Something drawn to and fro over a surface: it sounds, but nothing strikes."""
    length = scale_px(random)
    x, y = place(random)
    path = kinematics.waving(random, seconds)
    axis = random.uniform(0, np.pi)
    tool = textures.stick(random, length, length * 0.08) if random.random() < 0.5 else textures.hand(random, length * 0.5)
    px, py = x + np.cos(axis) * length * (path - 0.5), y + np.sin(axis) * length * (path - 0.5)
    act = Act("scrape", scraping=np.clip(np.abs(np.gradient(path)) * RATE_HZ / 4, 0, 1))
    act.things += _arm(random, seconds, px, py, axis, length * 0.3, holds=False)
    act.things.append(thing(tool, seconds, px, py, axis + random.normal(0, 0.5)))
    return act


def waver(random: np.random.Generator, seconds: float) -> Act:
    """Moves without touching: an arm that conducts, a head that turns, a passer-by."""
    size = scale_px(random)
    x, y = place(random)
    a, b, c = (kinematics.waving(random, seconds) - 0.5 for _ in range(3))
    reach = size * random.uniform(0.2, 1.0)
    px, py = x + reach * a, y + 0.6 * reach * b
    act = Act("waver")
    if random.random() < 0.5:
        act.things += _arm(random, seconds, px, py, random.uniform(0, 2 * np.pi), size * 0.3, holds=True)
    sprite = textures.hand(random, size * 0.5) if random.random() < 0.5 else textures.blob(random, size, size * random.uniform(0.3, 1))
    act.things.append(thing(sprite, seconds, px, py, c))
    return act


def _struck(random, seconds, x, y, direction, length, stroke) -> list[Thing]:
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


def _shadow(random, seconds, sprite, x, y, angle, height, direction, length) -> list[Thing]:
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


def _arm(random, seconds, x, y, lie: float, thick: float, *, holds: bool) -> list[Thing]:
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


def _bits(random, stroke, x: float, y: float, length: float) -> list[Flash]:
    """Splinters, drops or dust from each blow."""
    grey, lasts_s = random.choice([random.uniform(180, 255), random.uniform(0, 80)]), random.uniform(0.1, 0.5)
    flashes = []
    for time_s, strength in zip(stroke.contacts_s, stroke.strengths, strict=True):
        n = int(random.integers(2, 10))
        heading, speed = random.normal(-np.pi / 2, 0.8, n), length * random.uniform(1, 5, n) * strength
        bits = np.stack([speed * np.cos(heading), speed * np.sin(heading), random.uniform(0.5, max(0.8, length * 0.04), n), np.full(n, grey)], axis=1)
        flashes.append(Flash(float(time_s), x, y, 0.0, 0.0, lasts_s, bits))
    return flashes
