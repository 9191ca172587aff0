"""The network: a plain stack of convolutions, and its way into an ONNX file.

Convolutions with batch normalisation, as many as its ``Shape`` says. It is a plain
sequence on purpose: the ONNX graph is written layer by layer below, batch normalisation folded
into the weights, with the contrast normalisation before it and the temperature after it, so
that whoever runs the file hands over grey pictures and gets probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.recognisers.recogniser import CROP_PX, LABELS

Layers = tuple[tuple[int, int, int, int], ...]
"""Channels in, channels out, kernel and stride of each convolution."""


@dataclass(frozen=True)
class Shape:
    """What a network looks like, from crop to labels."""

    name: str
    layers: Layers
    labels: tuple[str, ...]


DIGIT_BOX = Shape(
    "digit_box",
    (
        (1, 16, 3, 2),
        (16, 24, 3, 1),
        (24, 48, 3, 2),
        (48, 48, 3, 1),
        (48, 80, 3, 2),
        (80, 80, 3, 1),
        (80, 128, 3, 2),
    ),
    LABELS,
)
"""Seven convolutions, some 6 million multiplications a box."""

_LAST_PX = 3
_FLOOR = 6.0
"""Grey levels added to the spread, so that the grain of empty paper stays small."""
_OPSET = 17


def new_network(shape: Shape = DIGIT_BOX) -> torch.nn.Sequential:
    """A network with random weights, from torch's global seed. Takes what ``even`` gives."""
    layers: list[torch.nn.Module] = []
    for channels_in, channels_out, kernel, stride in shape.layers:
        layers += [
            torch.nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
            torch.nn.BatchNorm2d(channels_out),
            torch.nn.ReLU(),
        ]
    head = torch.nn.Linear(shape.layers[-1][1] * _LAST_PX * _LAST_PX, len(shape.labels))
    layers += [torch.nn.Flatten(), torch.nn.Dropout(0.2), head]
    return torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)


def even(light: torch.Tensor) -> torch.Tensor:
    """Take brightness and contrast out of (n, 1, 48, 48): mean 0, spread near 1."""
    centred = light - light.mean(dim=(1, 2, 3), keepdim=True)
    spread = (centred**2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
    evened = centred / (spread + _FLOOR)
    return evened.contiguous(memory_format=torch.channels_last)


def logits_of(network: torch.nn.Sequential, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Answers of a network to crops (n, 48, 48): (n, labels) before temperature and softmax."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(crops), 256):
            light = torch.from_numpy(crops[start : start + 256]).float().unsqueeze(1)
            parts.append(network(even(light)).numpy())
    return np.concatenate(parts) if parts else np.empty((0, network[-1].out_features), np.float32)


def to_onnx(network: torch.nn.Sequential, temperature: float, shape: Shape = DIGIT_BOX) -> bytes:
    """The whole reader as an ONNX file: ``crops`` uint8 (n, 48, 48) to ``probabilities``.

    They are (n, labels).

    The same network and temperature give the same bytes.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    def add(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    flow = add("Cast", ["crops"], "grey", to=TensorProto.FLOAT)
    flow = add("Unsqueeze", [flow, constant("channel", np.array([1], np.int64))], "light")
    mean = add("ReduceMean", [flow], "mean", axes=[2, 3], keepdims=1)
    centred = add("Sub", [flow, mean], "centred")
    square = add("Mul", [centred, centred], "square")
    variance = add("ReduceMean", [square], "variance", axes=[2, 3], keepdims=1)
    spread = add("Sqrt", [variance], "spread")
    floor = constant("floor", np.array(_FLOOR, np.float32))
    flow = add("Div", [centred, add("Add", [spread, floor], "floored")], "even")
    for place, (_, _, kernel, stride) in enumerate(shape.layers):
        weight, bias = _folded(network[3 * place], network[3 * place + 1])
        flow = add(
            "Conv",
            [flow, constant(f"weight{place}", weight), constant(f"bias{place}", bias)],
            f"conv{place}",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
        )
        flow = add("Relu", [flow], f"relu{place}")
    head = network[-1]
    flow = add("Flatten", [flow], "flat", axis=1)
    weight = (head.weight.detach().numpy() / temperature).astype(np.float32)
    bias = (head.bias.detach().numpy() / temperature).astype(np.float32)
    names = [flow, constant("head_weight", weight), constant("head_bias", bias)]
    flow = add("Gemm", names, "logits", transB=1)
    add("Softmax", [flow], "probabilities", axis=1)
    graph = helper.make_graph(
        nodes,
        shape.name,
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", CROP_PX, CROP_PX])],
        [
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, ["n", len(shape.labels)]
            )
        ],
        constants,
    )
    model = helper.make_model(
        graph, producer_name="chasil", opset_imports=[helper.make_opsetid("", _OPSET)]
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _folded(
    convolution: torch.nn.Module, norm: torch.nn.Module
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias of a convolution with the batch normalisation behind it folded in."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * scale[:, None, None, None]
    bias = norm.bias - norm.running_mean * scale
    return weight.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32)
