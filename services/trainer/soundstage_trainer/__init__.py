"""Recipes in PyTorch, exported to ONNX, each with its card."""

__version__ = "0.1.0"

import os

# onnxruntime reports its use to its maker unless it is told not to; it reads this when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
