"""Grey pictures out of noise: surfaces, backgrounds, and sprites (a picture with a mask and a point to turn about)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Sprite:
    """paint float32 [h, w, 2]: grey 0..255 times mask, mask 0..1. pivot: (x, y) of the point it turns about."""

    paint: np.ndarray
    pivot: tuple[float, float]


def surface(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """float32 [height, width], mean 0, about ±1: cloth, wood, stone, tiles, print, or nearly nothing."""
    kind = random.choice(["clouds", "grain", "tiles", "speckle", "print", "plain"], p=[0.3, 0.2, 0.12, 0.15, 0.08, 0.15])
    if kind == "plain":
        return clouds(random, height, width, 2) * random.uniform(0.05, 0.3)
    if kind == "clouds":
        return clouds(random, height, width, random.integers(2, 6))
    if kind == "grain":
        long = clouds(random, height, max(4, width // 12), 5)
        board = cv2.resize(long, (width, height), interpolation=cv2.INTER_LINEAR)
        return board if random.random() < 0.5 else np.ascontiguousarray(cv2.resize(board.T, (width, height)))
    if kind == "tiles":
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        angle, pitch = random.uniform(0, np.pi), random.uniform(5, 40)
        u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        lines = (np.mod(u, pitch) < random.uniform(1, 3)) | (np.mod(v, pitch * random.uniform(0.5, 3)) < random.uniform(1, 3))
        return clouds(random, height, width, 3) * 0.4 + np.where(lines, random.choice([-1.0, 1.0]), 0.0).astype(np.float32)
    if kind == "speckle":
        fine = random.normal(0, 1, (height, width)).astype(np.float32)
        return cv2.GaussianBlur(fine, (0, 0), random.uniform(0.5, 1.5)) * 1.5 + clouds(random, height, width, 2) * 0.4
    page = np.full((height, width), 128, np.uint8)
    for _ in range(random.integers(5, 40)):
        at = (int(random.integers(0, width)), int(random.integers(0, height)))
        text = "".join(chr(c) for c in random.integers(65, 91, random.integers(1, 9)))
        cv2.putText(page, text, at, int(random.integers(0, 5)), random.uniform(0.2, 1.0), float(random.choice([0, 255])), 1, cv2.LINE_AA)
    return (page.astype(np.float32) / 64 - 2) + clouds(random, height, width, 2) * 0.3


def clouds(random: np.random.Generator, height: int, width: int, octaves: int) -> np.ndarray:
    """Noise with `octaves` sizes of detail, the largest the strongest; float32, standard deviation about 1."""
    picture = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = (min(width, 3 * 2**octave), min(height, 3 * 2**octave))
        noise = random.normal(0, 1, cells[::-1]).astype(np.float32)
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * 0.7**octave
    return picture / max(1e-3, float(picture.std()))


def background(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A place: a wall and a floor or a table top, furniture as shapes, light from one side; float32, 0..255."""
    level, contrast = random.uniform(25, 180), np.exp(random.uniform(np.log(4), np.log(40)))
    picture = level + contrast * surface(random, height, width)
    for _ in range(random.integers(0, 14)):
        mask = np.zeros((height, width), np.float32)
        _shape(random, mask)
        if random.random() < 0.4:
            mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.6, 4))
        paint = random.uniform(5, 250) + random.uniform(0, 25) * surface(random, height, width)
        picture = picture * (1 - mask) + paint * mask
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = random.normal(0, 0.25, 2)
    picture = picture * (1 + slope[0] * (x / width - 0.5) + slope[1] * (y / height - 0.5))
    if random.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 3))
    return np.clip(picture, 0, 255).astype(np.float32)


def _shape(random: np.random.Generator, mask: np.ndarray) -> None:
    height, width = mask.shape
    at = (int(random.integers(-10, width + 10)), int(random.integers(-10, height + 10)))
    kind = random.integers(4)
    if kind == 0:
        size = (int(random.integers(4, width // 2)), int(random.integers(4, height // 2)))
        box = cv2.boxPoints(((float(at[0]), float(at[1])), size, float(random.choice([0, random.uniform(0, 180)]))))
        cv2.fillPoly(mask, [box.astype(np.int32)], 1.0, cv2.LINE_AA)
    elif kind == 1:
        axes = (int(random.integers(3, width // 4)), int(random.integers(3, height // 4)))
        cv2.ellipse(mask, at, axes, float(random.uniform(0, 180)), 0, 360, 1.0, int(random.choice([-1, 2])), cv2.LINE_AA)
    elif kind == 2:
        to = (int(random.integers(0, width)), int(random.integers(0, height)))
        cv2.line(mask, at, to, 1.0, int(random.integers(1, 8)), cv2.LINE_AA)
    else:
        edge = int(random.integers(height // 4, height))
        tilt = int(random.normal(0, 15))
        points = np.array([[0, edge], [width, edge + tilt], [width, height], [0, height]], np.int32)
        cv2.fillPoly(mask, [points], 1.0, cv2.LINE_AA)


def sprite(random: np.random.Generator, mask: np.ndarray, pivot: tuple[float, float], *, grey: float | None = None) -> Sprite:
    """A mask float32 [h, w] painted with a surface and shaded from one side."""
    height, width = mask.shape
    level = random.uniform(10, 245) if grey is None else grey
    paint = level + random.uniform(2, 30) * surface(random, height, width)
    inner = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    round_off = np.clip(inner / max(1.0, 0.6 * float(inner.max())), 0, 1)
    paint = paint * (1 - random.uniform(0.0, 0.5) * (1 - round_off))
    if random.random() < 0.3:
        mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.5, 2.0))
    paint = np.clip(paint, 0, 255) * mask
    return Sprite(np.ascontiguousarray(np.dstack([paint, mask]).astype(np.float32)), pivot)


def blank(height: float, width: float) -> np.ndarray:
    return np.zeros((max(3, round(height)), max(3, round(width))), np.float32)


def stick(random: np.random.Generator, length: float, thick: float) -> Sprite:
    """A stick, rod, ruler or knife blade; lies along +x from its grip, the pivot."""
    mask = blank(thick + 6, length + 6)
    middle = mask.shape[0] / 2
    tip = thick * random.uniform(0.3, 1.0)
    points = np.array([[3, middle - thick / 2], [3 + length, middle - tip / 2], [3 + length, middle + tip / 2], [3, middle + thick / 2]])
    cv2.fillPoly(mask, [(points * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return sprite(random, mask, (3, middle), grey=random.choice([random.uniform(160, 250), random.uniform(10, 245)]))


def hammer(random: np.random.Generator, length: float, thick: float) -> Sprite:
    """A handle with a head (or a racket's face, a pan, a mallet) across its end."""
    head_l, head_w = length * random.uniform(0.15, 0.45), length * random.uniform(0.2, 0.6)
    mask = blank(head_w + 6, length + head_l + 6)
    middle = mask.shape[0] / 2
    cv2.rectangle(mask, (3, int(middle - thick / 2)), (int(3 + length), int(middle + thick / 2)), 1.0, -1, cv2.LINE_AA)
    if random.random() < 0.5:
        cv2.rectangle(mask, (int(length), 3), (int(length + head_l), int(head_w + 3)), 1.0, -1, cv2.LINE_AA)
    else:
        fill = -1 if random.random() < 0.6 else 2
        cv2.ellipse(mask, (int(length + head_l / 2), int(middle)), (int(head_l / 2) + 1, int(head_w / 2)), 0, 0, 360, 1.0, fill, cv2.LINE_AA)
    return sprite(random, mask, (3, middle))


def hand(random: np.random.Generator, size: float) -> Sprite:
    """A fist or an open hand: a palm and fingers; the pivot is the wrist, fingers along +x."""
    mask = blank(size * 1.3 + 6, size * 1.9 + 6)
    middle = mask.shape[0] / 2
    cv2.ellipse(mask, (int(3 + size * 0.55), int(middle)), (int(size * 0.55), int(size * 0.42)), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    if random.random() < 0.6:
        for finger in range(4):
            y = middle + (finger - 1.5) * size * 0.22
            to = (int(3 + size * random.uniform(1.2, 1.75)), int(y + random.normal(0, size * 0.06)))
            cv2.line(mask, (int(3 + size * 0.6), int(y)), to, 1.0, max(1, int(size * 0.17)), cv2.LINE_AA)
    return sprite(random, mask, (3, middle), grey=random.uniform(50, 235))


def blob(random: np.random.Generator, height: float, width: float) -> Sprite:
    """A thing: a box, a ball, a drum, a bag, a head; its pivot is the middle."""
    mask = blank(height + 6, width + 6)
    h, w = mask.shape
    kind = random.integers(3)
    if kind == 0:
        cv2.rectangle(mask, (3, 3), (w - 4, h - 4), 1.0, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.ellipse(mask, (w // 2, h // 2), (max(1, w // 2 - 3), max(1, h // 2 - 3)), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    else:
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 11)))
        radius = random.uniform(0.6, 1.0, len(angles))
        points = np.stack([w / 2 + (w / 2 - 3) * radius * np.cos(angles), h / 2 + (h / 2 - 3) * radius * np.sin(angles)], axis=1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 1.0, cv2.LINE_AA)
    return sprite(random, mask, (w / 2, h / 2))
