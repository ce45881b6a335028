"""Recipes in PyTorch, exported to ONNX, each with its card."""

__version__ = "0.1.0"
