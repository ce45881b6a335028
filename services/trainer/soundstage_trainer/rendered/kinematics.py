"""How things move when they strike, and when they only seem to: paths sampled at 1 kHz with exact contact times.

A stroke is a height: 0 on the struck surface, 1 at the top of a full swing. What swings (a stick, a foot, a jaw) is
left to the actors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 1000
SMALLEST_GAP_S = 0.1


@dataclass(frozen=True)
class Stroke:
    """height float32 [samples] at RATE_HZ; contacts_s rising; strengths 0..1, one a contact, by speed at contact."""

    height: np.ndarray
    contacts_s: np.ndarray
    strengths: np.ndarray


def rhythm(random: np.random.Generator, seconds: float, *, fastest_s: float = 0.12) -> np.ndarray:
    """Times of blows: steady, grouped, rolled, free or alone, with a person's unsteadiness. May be empty."""
    kind = random.choice(["steady", "pattern", "free", "roll", "sparse", "single"], p=[0.3, 0.2, 0.2, 0.08, 0.17, 0.05])
    beat_s = max(fastest_s, float(np.exp(random.uniform(np.log(0.22), np.log(1.2)))))
    if kind == "single":
        gaps = np.array([random.uniform(0.1, 1.0) * seconds, 2 * seconds])
    elif kind == "steady":
        gaps = np.full(400, beat_s) * np.exp(random.normal(0, 0.06, 400))
    elif kind == "pattern":
        gaps = np.tile(beat_s * random.choice([0.5, 1.0, 1.0, 1.5, 2.0], random.integers(2, 6)), 200)
        gaps = gaps * np.exp(random.normal(0, 0.04, len(gaps)))
    elif kind == "roll":
        gaps = np.full(400, random.uniform(fastest_s, max(0.24, 1.5 * fastest_s))) * np.exp(random.normal(0, 0.08, 400))
        gaps[random.random(400) < 0.1] += random.uniform(0.3, 1.0)
    elif kind == "free":
        gaps = 0.18 + random.exponential(beat_s, 400)
    else:
        gaps = 0.5 + random.exponential(1.2, 400)
    times = random.uniform(0.05, 0.9) + np.cumsum(np.maximum(gaps, fastest_s))
    times = times[times < seconds - 0.05]
    return times[random.random(len(times)) > 0.04]


def strokes(random: np.random.Generator, seconds: float, times: np.ndarray, *, feints: float = 0.3) -> Stroke:
    """A path that lands at each of times: fast down, a corner at contact, then a rebound or a rest, then up again.

    feints: chance that a gap that is long enough holds a swing that turns smoothly before it lands.
    """
    count = round(seconds * RATE_HZ)
    clock = np.arange(count) / RATE_HZ
    height = np.zeros(count, dtype=np.float32)
    rests = random.random() < 0.45  # stays where it landed for a while: chopping, pressing, stepping
    bounce = random.uniform(0.0, 0.4) if random.random() < 0.7 else 0.0
    power = random.uniform(1.4, 3.0)
    swing_s = random.uniform(0.05, 0.26)
    force = _accents(random, len(times))
    edges = np.concatenate([[-random.uniform(0.3, 1.0)], times, [seconds + random.uniform(0.1, 1.5)]])
    reach = np.append(force, random.uniform(0.3, 1.0))  # the swing's top before each contact, and after the last
    starts_down = random.random() < 0.2
    speeds = []
    for index in range(len(edges) - 1):
        before, after = edges[index], edges[index + 1]
        gap = after - before
        top = float(reach[index]) * min(1.0, (gap / 0.45) ** 0.5)
        down_s = min(swing_s * random.uniform(0.85, 1.15), 0.55 * gap)
        part = (clock >= before) & (clock < after)
        if not part.any():
            continue
        t = clock[part]
        stay_s = gap * random.uniform(0.1, 0.45) if rests else min(0.12, 0.25 * gap) * random.uniform(0, 1) * (bounce > 0)
        rise_s = max(0.04, min(gap - down_s - stay_s, random.uniform(0.12, 0.6)))
        landed = 0.0 if index > 0 or starts_down else top
        path = _rise(t - before - stay_s, rise_s, landed, top, sharp=not rests and random.random() < 0.6)
        if index > 0 and bounce > 0 and stay_s > 0:
            hop_s = max(0.03, min(stay_s, 0.15))
            u = np.clip((t - before) / hop_s, 0, 1)
            path = np.maximum(path, 4 * u * (1 - u) * bounce**2 * top)
        hold_s = gap - down_s - stay_s - rise_s
        if hold_s > 0.35 and random.random() < feints:
            path = path - _feint(random, t, before + stay_s + rise_s, after - down_s, top)
        if hold_s > 0.1:
            inside = np.clip((t - before - stay_s - rise_s) / hold_s, 0, 1)
            path = path + random.uniform(0, 0.06) * np.sin(np.pi * inside) * np.sin(2 * np.pi * random.uniform(0.5, 2.5) * t)
            path = path + random.uniform(0, 0.25) * top * np.clip((inside - 0.5) * 2, 0, 1) ** 2  # a last wind-up
        path = np.maximum(path, 0.0)
        falling = t >= after - down_s
        if falling.any():
            begin = path[falling][0]
            u = (t[falling] - (after - down_s)) / down_s
            path[falling] = begin * (1 - u**power)
            speeds.append(begin * power / down_s)
        elif index < len(times):
            speeds.append(0.0)
        height[part] = path
    if not len(times):
        return Stroke(height, np.zeros(0), np.zeros(0))
    speed = np.asarray(speeds[: len(times)])
    return Stroke(height, times.copy(), np.clip(speed / max(1e-6, speed.max()), 0.05, 1.0))


def waving(random: np.random.Generator, seconds: float) -> np.ndarray:
    """Smooth movement that touches nothing: a sum of slow swings, 0..1, at RATE_HZ."""
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    path = np.zeros_like(clock)
    for _ in range(random.integers(2, 5)):
        path += random.uniform(0.2, 1.0) * np.sin(2 * np.pi * (random.uniform(0.15, 2.2) * clock + random.random()))
    if random.random() < 0.3:  # now and then, not all the time
        path *= np.clip(np.sin(2 * np.pi * (random.uniform(0.08, 0.3) * clock + random.random())) * 2, 0, 1)
    return ((path - path.min()) / max(1e-6, np.ptp(path))).astype(np.float32)


def bouncing(random: np.random.Generator, seconds: float) -> Stroke:
    """A ball under gravity, dropped again and again: parabolas, each lower than the one before, or dribbled evenly."""
    dribbled = random.random() < 0.5
    keeps = 1.0 if dribbled else random.uniform(0.55, 0.85)
    fall_s = random.uniform(0.18, 0.4)
    t, first = random.uniform(0.0, 0.4), fall_s
    contacts, speeds, arcs = [], [], []
    arcs.append((t, t + first, 1.0, True))
    t += first
    half_s = first * keeps
    while t < seconds:
        contacts.append(t)
        speeds.append(half_s / keeps / fall_s)
        if half_s < 0.06:
            break
        span = 2 * half_s * (np.exp(random.normal(0, 0.05)) if dribbled else 1.0)
        arcs.append((t, t + span, (half_s / fall_s) ** 2, False))
        t += span
        half_s *= keeps
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    height = np.where(clock < arcs[0][0], 1.0, 0.0).astype(np.float32)
    for begin, end, top, falls in arcs:
        part = (clock >= begin) & (clock < end)
        u = (clock[part] - begin) / (end - begin)
        height[part] = top * ((1 - u**2) if falls else 4 * u * (1 - u))
    times, strengths = np.asarray(contacts), np.asarray(speeds)
    inside = times < seconds - 0.02
    return Stroke(height, times[inside], np.clip(strengths[inside], 0.05, 1.0))


def jerks(random: np.random.Generator, seconds: float, times: np.ndarray) -> Stroke:
    """Recoil or bark: at each time a quick move away from rest, then a slow return. Rest is 0."""
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    height = np.zeros_like(clock)
    force = _accents(random, len(times))
    rise_s, fall_s = random.uniform(0.03, 0.09), random.uniform(0.06, 0.35)
    for time_s, size in zip(times, force, strict=True):
        t = clock - time_s
        up = np.clip(t / rise_s, 0, 1)
        shape = np.where(t < rise_s, np.sin(0.5 * np.pi * up), np.exp(-np.clip(t - rise_s, 0, None) / fall_s))
        height = np.maximum(height, np.where(t >= 0, size * shape, 0.0))
    return Stroke(height.astype(np.float32), times.copy(), force)


def ringing(random: np.random.Generator, seconds: float, contacts_s: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """What was struck shakes: a damped swing from each contact on, about −1..1, at RATE_HZ."""
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    shake = np.zeros_like(clock)
    rate_hz, decay_s = np.exp(random.uniform(np.log(1.5), np.log(14))), np.exp(random.uniform(np.log(0.04), np.log(0.6)))
    for time_s, strength in zip(contacts_s, strengths, strict=True):
        t = np.clip(clock - time_s, 0, None)
        shake += strength * np.exp(-t / decay_s) * np.sin(2 * np.pi * rate_hz * t)
    return shake.astype(np.float32)


def drift(random: np.random.Generator, seconds: float, *, rate_hz: float) -> np.ndarray:
    """Band-limited wandering of about unit size and mean nothing, at RATE_HZ: hands that shake, cameras that pan."""
    count = round(seconds * RATE_HZ)
    knots = max(4, int(seconds * rate_hz * 2) + 4)
    values = random.normal(0, 1, knots)
    places = np.linspace(-1.5, knots - 2.5, count) + 1.5
    at = np.clip(places.astype(int), 0, knots - 2)
    u = places - at
    u = u * u * (3 - 2 * u)
    return (values[at] * (1 - u) + values[np.minimum(at + 1, knots - 1)] * u).astype(np.float32)


def _accents(random: np.random.Generator, count: int) -> np.ndarray:
    """Even, accented or free strengths, 0.3..1."""
    kind = random.integers(3)
    if kind == 0:
        return np.clip(random.normal(0.85, 0.07, count), 0.5, 1.0)
    if kind == 1:
        return np.clip(np.resize(random.uniform(0.35, 1.0, random.integers(2, 5)), count) + random.normal(0, 0.05, count), 0.3, 1)
    return random.uniform(0.3, 1.0, count)


def _rise(t: np.ndarray, rise_s: float, low: float, top: float, *, sharp: bool) -> np.ndarray:
    """From low to top in rise_s: sharp leaves at once (a rebound), otherwise it starts gently."""
    u = np.clip(t / rise_s, 0, 1)
    return low + (top - low) * (1 - (1 - u) ** 2 if sharp else u * u * (3 - 2 * u))


def _feint(random: np.random.Generator, t: np.ndarray, begin: float, end: float, top: float) -> np.ndarray:
    """A dip that turns smoothly and does not reach the surface."""
    span = min(end - begin, random.uniform(0.3, 0.9))
    start = begin + random.uniform(0, end - begin - span)
    u = np.clip((t - start) / span, 0, 1)
    return random.uniform(0.4, 0.85) * top * 0.5 * (1 - np.cos(2 * np.pi * u))
