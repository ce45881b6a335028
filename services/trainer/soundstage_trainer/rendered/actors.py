"""Who strikes what: each act is a set of moving sprites with the exact times at which it would be heard."""

from __future__ import annotations

import numpy as np

from soundstage_trainer.rendered import kinematics, stage, textures
from soundstage_trainer.rendered.kinematics import RATE_HZ
from soundstage_trainer.rendered.stage import HEIGHT_PX, Act, Flash


def striker(
    random: np.random.Generator, seconds: float, *, times: np.ndarray | None = None, at: tuple[float, float] | None = None,
    length: float | None = None, feints: float = 0.3,
) -> Act:  # fmt: skip
    """A stick, hammer, knife, hand or foot that swings or plunges onto a thing."""
    length = length or stage.scale_px(random)
    x, y = at or stage.place(random)
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
    act.things += stage.struck(random, seconds, x, y, direction, length, stroke)
    act.things += stage.shadow(random, seconds, tool, grip_x, grip_y, angle, height, direction, length)
    if random.random() < 0.75:
        act.things += stage.arm(random, seconds, grip_x, grip_y, lie, length * random.uniform(0.14, 0.4), holds=kind != "hand")
    act.things.append(stage.thing(tool, seconds, grip_x, grip_y, angle))
    if random.random() < 0.3:
        act.flashes += stage.bits(random, stroke, x, y, length)
    return act


def ball(random: np.random.Generator, seconds: float) -> Act:
    """A ball that bounces, or something that is dropped."""
    size = min(40.0, 0.5 * stage.scale_px(random))
    sprite = textures.blob(random, size, size * random.uniform(0.7, 1.3))
    stroke = kinematics.bouncing(random, seconds)
    x, y = stage.place(random)
    rise = random.uniform(0.25, 0.8) * HEIGHT_PX
    clock = np.arange(len(stroke.height)) / RATE_HZ
    lean, speed = random.normal(0, 0.3), random.normal(0, 12)
    act = Act("ball", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    path = (x + speed * (clock - seconds / 2) + lean * rise * stroke.height, y - rise * stroke.height)
    act.things += stage.shadow(random, seconds, sprite, *path, 0.0, stroke.height, np.array([0.0, 1.0]), size)
    act.things.append(stage.thing(sprite, seconds, *path, random.normal(0, 3) * clock))
    if random.random() < 0.4:  # a hand that follows it down
        reach = np.maximum(0, stroke.height - 0.6)
        act.things += stage.arm(random, seconds, path[0], y - rise * (0.75 + reach) - size, -np.pi / 2, size, holds=True)
    return act


def volley(random: np.random.Generator, seconds: float) -> Act:
    """A bat or racket that swings through a ball: what turns back is the ball, not the bat."""
    length = stage.scale_px(random, far=0.5)
    x, y = stage.place(random)
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
    act.things += stage.arm(random, seconds, *grip, lie, length * 0.2, holds=True)
    act.things.append(stage.thing(bat, seconds, *grip, lie + side * angle))
    act.things.append(stage.thing(small, seconds, x + away * length * np.cos(out), y + away * length * np.sin(out)))
    return act


def shot(random: np.random.Generator, seconds: float) -> Act:
    """A gun that kicks, with or without a flash at its muzzle; or a mere flash."""
    length = stage.scale_px(random)
    x, y = stage.place(random)
    stroke = kinematics.jerks(random, seconds, kinematics.rhythm(random, seconds, fastest_s=0.15))
    aim = random.normal(0, 0.3) + random.choice([0, np.pi])
    turn = -np.sign(np.cos(aim)) * random.uniform(0.05, 0.5)
    kick = length * random.uniform(0.02, 0.25)
    gun = textures.hammer(random, length * 0.6, length * 0.2) if random.random() < 0.5 else textures.stick(random, length, length * 0.15)
    px, py = x - kick * np.cos(aim) * stroke.height, y - kick * np.sin(aim) * stroke.height
    act = Act("shot", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    act.things += stage.arm(random, seconds, px, py, aim, length * 0.3, holds=False)
    act.things.append(stage.thing(gun, seconds, px, py, aim + turn * stroke.height))
    if random.random() < 0.6:
        mx, my, radius = x + length * np.cos(aim), y + length * np.sin(aim), length * random.uniform(0.08, 0.4)
        lasts_s = random.uniform(0.02, 0.06)
        act.flashes += [Flash(t, mx, my, radius, random.uniform(80, 255), lasts_s) for t in stroke.contacts_s]
    if random.random() < 0.4:
        act.flashes += stage.bits(random, stroke, x + random.normal(0, length), y, length)
    return act


def bark(random: np.random.Generator, seconds: float) -> Act:
    """A head that jerks and opens its mouth."""
    size = stage.scale_px(random)
    x, y = stage.place(random)
    stroke = kinematics.jerks(random, seconds, kinematics.rhythm(random, seconds, fastest_s=0.25))
    sway = kinematics.drift(random, seconds, rate_hz=0.6) * size * 0.1
    forward = random.uniform(0, 2 * np.pi)
    px = x + sway + np.cos(forward) * size * random.uniform(0, 0.2) * stroke.height
    py = y + np.sin(forward) * size * random.uniform(0, 0.2) * stroke.height
    act = Act("bark", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    body = textures.blob(random, size * 1.2, size * 2)
    act.things.append(stage.thing(body, seconds, x + 0.5 * sway - size * np.cos(forward), y + size * 0.6 + stroke.height * size * 0.03))
    act.things.append(stage.thing(textures.blob(random, size * 0.8, size), seconds, px, py, random.normal(0, 0.3) * stroke.height))
    jaw = textures.blob(random, size * 0.25, size * 0.5)
    act.things.append(stage.thing(jaw, seconds, px + size * 0.3 * np.cos(forward), py + size * (0.2 + 0.25 * stroke.height), 0.5 * stroke.height))
    return act


def walker(random: np.random.Generator, seconds: float) -> Act:
    """Two legs in turn; each foot lands, stands, and lifts."""
    leg = stage.scale_px(random)
    x, y = stage.place(random)
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
        act.things.append(stage.thing(textures.stick(random, leg, leg * 0.18), seconds, base, y - leg, np.pi / 2 - swing / leg))
        shoe = textures.blob(random, leg * 0.14, leg * 0.32)
        act.things.append(stage.thing(shoe, seconds, base + swing, y - up, -0.6 * up / leg))
    if random.random() < 0.6:
        trunk = textures.blob(random, leg * 1.1, leg * 0.6)
        act.things.append(stage.thing(trunk, seconds, base, y - 1.5 * leg + 0.03 * leg * np.cos(2 * np.pi * clock / step_s)))
    return act


def clap(random: np.random.Generator, seconds: float) -> Act:
    """Two hands, lids or blocks that meet."""
    size = stage.scale_px(random)
    x, y = stage.place(random)
    stroke = kinematics.strokes(random, seconds, kinematics.rhythm(random, seconds))
    axis = random.uniform(0, np.pi)
    act = Act("clap", contacts_s=stroke.contacts_s, strengths=stroke.strengths)
    for side in (-1, 1):
        away = side * (size * 0.25 + size * random.uniform(0.3, 0.8) * stroke.height)
        px, py = x + away * np.cos(axis), y + away * np.sin(axis)
        act.things += stage.arm(random, seconds, px, py, axis + (np.pi if side > 0 else 0) + random.normal(0, 0.4), size * 0.3, holds=False)
        act.things.append(stage.thing(textures.hand(random, size * 0.5), seconds, px, py, axis + np.pi / 2 + random.normal(0, 0.3)))
    return act


def ensemble(random: np.random.Generator, seconds: float) -> Act:
    """A player with two hands and several drums; the body sways along, cymbals swing long after."""
    length = min(70.0, stage.scale_px(random))
    x, y = stage.place(random)
    beat = kinematics.rhythm(random, seconds)
    act = Act("ensemble")
    if random.random() < 0.7:
        sway = kinematics.drift(random, seconds, rate_hz=1.2) * length * 0.08
        act.things.append(stage.thing(textures.blob(random, length * 2, length), seconds, x + sway, y - length))
        act.things.append(stage.thing(textures.blob(random, length * 0.6, length * 0.5), seconds, x + 1.4 * sway, y - 2.1 * length))
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
    length = stage.scale_px(random)
    x, y = stage.place(random)
    path = kinematics.waving(random, seconds)
    axis = random.uniform(0, np.pi)
    tool = textures.stick(random, length, length * 0.08) if random.random() < 0.5 else textures.hand(random, length * 0.5)
    px, py = x + np.cos(axis) * length * (path - 0.5), y + np.sin(axis) * length * (path - 0.5)
    act = Act("scrape", scraping=np.clip(np.abs(np.gradient(path)) * RATE_HZ / 4, 0, 1))
    act.things += stage.arm(random, seconds, px, py, axis, length * 0.3, holds=False)
    act.things.append(stage.thing(tool, seconds, px, py, axis + random.normal(0, 0.5)))
    return act


def waver(random: np.random.Generator, seconds: float) -> Act:
    """Moves without touching: an arm that conducts, a head that turns, a passer-by."""
    size = stage.scale_px(random)
    x, y = stage.place(random)
    a, b, c = (kinematics.waving(random, seconds) - 0.5 for _ in range(3))
    reach = size * random.uniform(0.2, 1.0)
    px, py = x + reach * a, y + 0.6 * reach * b
    act = Act("waver")
    if random.random() < 0.5:
        act.things += stage.arm(random, seconds, px, py, random.uniform(0, 2 * np.pi), size * 0.3, holds=True)
    sprite = textures.hand(random, size * 0.5) if random.random() < 0.5 else textures.blob(random, size, size * random.uniform(0.3, 1))
    act.things.append(stage.thing(sprite, seconds, px, py, c))
    return act
