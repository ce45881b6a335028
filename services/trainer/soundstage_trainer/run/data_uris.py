"""Pictures and sounds as data URIs: PNG and WAV, by the standard library alone."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

import numpy as np

# Dark to bright, lightness rising all the way, in the page's own hues; place 0..1 and colour.
HEAT = ((0.0, (8, 13, 14)), (0.3, (14, 66, 82)), (0.6, (34, 142, 150)), (0.82, (118, 214, 206)), (1.0, (252, 246, 214)))
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def png(levels: np.ndarray, *, least: float | None = None, most: float | None = None, colours: str = "heat") -> str:
    """levels: [rows, columns], drawn from least to most in colours ("heat" or "grey"), or uint8 [rows, columns, 3] as it is.

    Values that are no numbers are drawn as the least.
    """
    if levels.ndim == 3:
        return _uri("image/png", _png(levels.astype(np.uint8), 2))
    finite = levels[np.isfinite(levels)]
    low = float(finite.min(initial=0.0) if least is None else least)
    high = float(finite.max(initial=1.0) if most is None else most)
    scaled = (np.nan_to_num(levels, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    pixels = (np.clip(scaled, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
    return _uri("image/png", _png(pixels, 0 if colours == "grey" else 3))


def wav(samples: np.ndarray, rate_hz: int) -> str:
    """samples: float [n], −1..1, beyond that clipped; 16 bits, mono."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        clean = np.clip(np.nan_to_num(samples.astype(np.float64)), -1.0, 1.0)
        file.writeframes((clean * 32767).round().astype("<i2").tobytes())
    return _uri("audio/wav", content.getvalue())


def heat_palette() -> np.ndarray:
    """uint8 [256, 3]."""
    places, colours = [place for place, _ in HEAT], np.array([colour for _, colour in HEAT])
    at = np.linspace(0, 1, 256)
    return np.stack([np.interp(at, places, colours[:, c]) for c in range(3)], axis=1).round().astype(np.uint8)


def _png(pixels: np.ndarray, colour_type: int) -> bytes:
    height, width = pixels.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), np.ascontiguousarray(pixels).reshape(height, -1)], axis=1)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))]
    if colour_type == 3:
        chunks.append((b"PLTE", heat_palette().tobytes()))
    chunks += [(b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    return PNG_HEAD + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
