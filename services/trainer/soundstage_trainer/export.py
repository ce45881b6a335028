"""PyTorch module → ONNX file → onnxruntime session; and half-size storage of weights."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


def to_onnx(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    *,
    inputs: list[str],
    outputs: list[str],
    dynamic: dict[str, dict[int, object]],
) -> onnx.ModelProto:
    """Export by tracing with symbolic sizes. dynamic: for each input, axis → torch.export.Dim."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(), example, dynamo=True, input_names=inputs, output_names=outputs,
            dynamic_shapes=dynamic, opset_version=OPSET, verbose=False,
        )  # fmt: skip
    return without_trace(program.model_proto)


def without_trace(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without the exporter's notes, which name files and lines of the machine that wrote it."""
    del model.metadata_props[:]
    for graph in [model.graph, *model.functions]:
        del graph.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in graph.value_info:
            del value.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    model.doc_string = ""
    return model


def store_as_float16(model: onnx.ModelProto, *, least_values: int = 256) -> onnx.ModelProto:
    """Large float32 weights kept as float16 and cast back inside the graph; onnxruntime folds the casts at load."""
    casts = []
    for weight in list(model.graph.initializer):
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < least_values:
            continue
        stored = numpy_helper.from_array(values.astype(np.float16), weight.name + "_float16")
        casts.append(helper.make_node("Cast", [stored.name], [weight.name], to=TensorProto.FLOAT))
        model.graph.initializer.remove(weight)
        model.graph.initializer.append(stored)
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def session(model: onnx.ModelProto | Path, *, threads: int = 2) -> onnxruntime.InferenceSession:
    """On the CPU, single stream, so that numbers repeat."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if isinstance(model, Path):
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    buffer = io.BytesIO()
    onnx.save_model(model, buffer)
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
