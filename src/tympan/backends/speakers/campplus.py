"""CAM++, a network that tells speakers apart, as an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tympan.backends.speakers.filterbank import MELS

DIMENSIONS = 192
"""Of an embedding."""

MOST_FRAMES = 200
"""Longest input; up to here what the network calls local context is all of it."""

# Layers and dilation of each dense block.
_BLOCKS = ((12, 1), (24, 2), (16, 2))
_OPSET = 17
_IR_VERSION = 8
_EPSILON = 1e-5

Tensors = Mapping[str, NDArray[Any]]


def campplus_graph(tensors: Tensors) -> bytes:
    """The network as an ONNX model.

    Input ``mels``: shape ``(pieces, frames, 80)``, the mean of each band taken off, at most
    ``MOST_FRAMES``. Output ``embeddings``: shape ``(pieces, 192)``.

    Args:
        tensors: As published for ``speech_campplus_sv_zh_en_16k-common_advanced``.

    Raises:
        KeyError: A tensor is missing.

    Source:
        Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using
        Context-Aware Masking", Interspeech 2023; 3D-Speaker, ``campplus/DTDNN.py``.
    """
    graph = _Graph(tensors)
    value = _front(graph, graph.add("Transpose", "mels", perm=[0, 2, 1]))
    value = graph.conv(value, "xvector.tdnn.linear", strides=[2], pads=[2, 2])
    value = graph.active(value, "xvector.tdnn.nonlinear.batchnorm")
    for number, (layers, dilation) in enumerate(_BLOCKS, start=1):
        for layer in range(1, layers + 1):
            grown = _dense_layer(graph, value, f"xvector.block{number}.tdnnd{layer}", dilation)
            value = graph.add("Concat", value, grown, axis=1)
        value = graph.active(value, f"xvector.transit{number}.nonlinear.batchnorm")
        value = graph.conv(value, f"xvector.transit{number}.linear")
    value = graph.active(value, "xvector.out_nonlinear.batchnorm")
    value = graph.conv(_statistics(graph, value), "xvector.dense.linear")
    value = graph.norm(value, "xvector.dense.nonlinear.batchnorm")
    return graph.model(graph.add("Squeeze", value, graph.constant(np.array([2]))))


def _front(graph: _Graph, mels: str) -> str:
    """Two-dimensional convolutions, which lower 80 bands to 10 of 32 channels."""
    value = graph.add("Unsqueeze", mels, graph.constant(np.array([1])))
    value = graph.active(graph.conv(value, "head.conv1", pads=[1] * 4), "head.bn1")
    for block in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
        strides = [2, 1] if block.endswith("0") else [1, 1]
        inner = graph.conv(value, f"{block}.conv1", strides=strides, pads=[1] * 4)
        inner = graph.conv(graph.active(inner, f"{block}.bn1"), f"{block}.conv2", pads=[1] * 4)
        if block.endswith("0"):
            value = graph.conv(value, f"{block}.shortcut.0", strides=strides)
            value = graph.norm(value, f"{block}.shortcut.1")
        value = graph.add("Relu", graph.add("Add", graph.norm(inner, f"{block}.bn2"), value))
    value = graph.active(graph.conv(value, "head.conv2", strides=[2, 1], pads=[1] * 4), "head.bn2")
    # Channels and bands become one axis, channels first.
    return graph.add("Reshape", value, graph.constant(np.array([0, 32 * MELS // 8, -1])))


def _dense_layer(graph: _Graph, value: str, name: str, dilation: int) -> str:
    """What a layer of a dense block adds: a local convolution, masked by the context."""
    value = graph.conv(graph.active(value, f"{name}.nonlinear1.batchnorm"), f"{name}.linear1")
    value = graph.active(value, f"{name}.nonlinear2.batchnorm")
    mean = graph.add("ReduceMean", value, axes=[2], keepdims=1)
    # The context is the mean of all and that of 100 frames around, here the same.
    context = graph.conv(graph.add("Add", mean, mean), f"{name}.cam_layer.linear1")
    mask = graph.conv(graph.add("Relu", context), f"{name}.cam_layer.linear2")
    local = graph.conv(
        value, f"{name}.cam_layer.linear_local", pads=[dilation, dilation], dilations=[dilation]
    )
    return graph.add("Mul", local, graph.add("Sigmoid", mask))


def _statistics(graph: _Graph, value: str) -> str:
    """Mean and standard deviation over time, shape ``(pieces, 1024, 1)``."""
    mean = graph.add("ReduceMean", value, axes=[2], keepdims=1)
    off = graph.add("Sub", value, mean)
    squares = graph.add("ReduceSum", graph.add("Mul", off, off), graph.constant(np.array([2])), keepdims=1)
    shape = graph.add("Shape", value, start=2, end=3)
    frames = graph.add("Cast", shape, to=TensorProto.FLOAT)
    others = graph.add("Sub", frames, graph.constant(np.ones(1, np.float32)))
    deviation = graph.add("Sqrt", graph.add("Div", squares, others))
    return graph.add("Concat", mean, deviation, axis=1)


class _Graph:
    """Nodes in the order they are computed."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """A node; gives the name of its output."""
        output = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: NDArray[Any]) -> str:
        """A value that the nodes need."""
        return self._constant(f"c{len(self._constants)}", value)

    def conv(self, value: str, name: str, **attributes: list[int]) -> str:
        """A convolution with the tensors of this name."""
        inputs = [self._constant(f"{name}.weight", self._tensors[f"{name}.weight"])]
        if f"{name}.bias" in self._tensors:
            inputs.append(self._constant(f"{name}.bias", self._tensors[f"{name}.bias"]))
        return self.add("Conv", value, *inputs, **attributes)

    def norm(self, value: str, name: str) -> str:
        """A batch normalisation with the statistics of this name."""
        mean, variance = (self._tensors[f"{name}.running_{part}"] for part in ("mean", "var"))
        scale = self._tensors.get(f"{name}.weight", np.ones_like(mean))
        shift = self._tensors.get(f"{name}.bias", np.zeros_like(mean))
        parts = {"scale": scale, "shift": shift, "mean": mean, "variance": variance}
        inputs = [self._constant(f"{name}.{part}", tensor) for part, tensor in parts.items()]
        return self.add("BatchNormalization", value, *inputs, epsilon=_EPSILON)

    def active(self, value: str, name: str) -> str:
        """A batch normalisation and what of it is positive."""
        return self.add("Relu", self.norm(value, name))

    def model(self, output: str) -> bytes:
        """The whole as ONNX Runtime reads it."""
        self._nodes.append(helper.make_node("Identity", [output], ["embeddings"]))
        mels = helper.make_tensor_value_info("mels", TensorProto.FLOAT, ["pieces", "frames", MELS])
        embeddings = helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["pieces", DIMENSIONS])
        graph = helper.make_graph(
            self._nodes, "campplus", [mels], [embeddings], initializer=list(self._constants.values())
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name
