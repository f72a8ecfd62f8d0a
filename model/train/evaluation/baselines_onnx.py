"""ONNX Runtime's LSTM, to measure beside the kernels: one thread, an input as wide as the state."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

from soupstate.kernels.bench import Timed

OPSET = 17


def onnx_lstm(units: int, batch: int, length: int, *, int8: bool) -> Timed:
    """Returns a function that runs ONNX Runtime's LSTM, in fp32 or quantized to int8, and returns its characters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lstm.onnx"
        onnx.save(_model(units), path)
        if int8:
            quantized = Path(folder) / "int8.onnx"
            logging.disable(logging.WARNING)  # it recommends to prepare the model, which one node does not need
            quantize_dynamic(path, quantized, weight_type=QuantType.QInt8)
            logging.disable(logging.NOTSET)
            path = quantized
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).standard_normal((length, batch, units)).astype(np.float32)

    def run() -> int:
        session.run(None, {"X": x})
        return batch * length

    return run


def _model(units: int) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {
        "W": random.uniform(-1, 1, (1, 4 * units, units)) * units**-0.5,
        "R": random.uniform(-1, 1, (1, 4 * units, units)) * units**-0.5,
        "B": random.uniform(-1, 1, (1, 8 * units)) * units**-0.5,
    }
    node = onnx.helper.make_node("LSTM", ["X", *weights], ["Y"], hidden_size=units)
    kind, sizes = onnx.TensorProto.FLOAT, ["length", "batch"]
    graph = onnx.helper.make_graph(
        [node],
        "lstm",
        [onnx.helper.make_tensor_value_info("X", kind, [*sizes, units])],
        [onnx.helper.make_tensor_value_info("Y", kind, [sizes[0], 1, sizes[1], units])],
        [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
