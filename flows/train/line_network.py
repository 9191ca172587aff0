"""The network for lines of handwriting, and its way into an ONNX file.

Convolutions only. The first ones look at the picture and squeeze its height to one; the last ones
look along the line, each past its neighbours by more, so that a letter is read in its company. Some
150 million multiplications for a line of 400 px.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.recognisers.lines import ALPHABET, LINE_PX

_FLOOR = 6.0
"""Grey levels added to the spread, so that the grain of empty paper stays small."""
_OPSET = 17


@dataclass(frozen=True)
class _Layer:
    """One convolution with batch normalisation and ReLU."""

    channels_in: int
    channels_out: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (1, 1)
    dilation: int = 1
    """Along the line."""
    added: bool = False
    """Whether its input is added to its output, before the ReLU."""


_LAYERS = (
    _Layer(1, 16, (3, 3), (2, 2)),
    _Layer(16, 32, (3, 3)),
    _Layer(32, 48, (3, 3), (2, 2)),
    _Layer(48, 64, (3, 3)),
    _Layer(64, 96, (3, 3), (2, 1)),
    _Layer(96, 96, (3, 3), added=True),
    _Layer(96, 160, (LINE_PX // 8, 3), padding=(0, 1)),
    _Layer(160, 160, (1, 5), padding=(0, 2), added=True),
    _Layer(160, 160, (1, 5), padding=(0, 4), dilation=2, added=True),
    _Layer(160, 160, (1, 3), padding=(0, 1), added=True),
)


class _Block(torch.nn.Module):  # type: ignore[misc]
    """A layer as torch runs it."""

    def __init__(self, layer: _Layer) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(
            layer.channels_in,
            layer.channels_out,
            layer.kernel,
            layer.stride,
            layer.padding,
            dilation=(1, layer.dilation),
            bias=False,
        )
        self.norm = torch.nn.BatchNorm2d(layer.channels_out)
        self.added = layer.added

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        made = self.norm(self.convolution(flow))
        return torch.relu(made + flow if self.added else made)


def new_line_network() -> torch.nn.Sequential:
    """A network with random weights, from torch's global seed. Takes what ``even_lines`` gives."""
    layers: list[torch.nn.Module] = [_Block(layer) for layer in _LAYERS]
    layers += [torch.nn.Dropout(0.15), torch.nn.Conv2d(_LAYERS[-1].channels_out, len(ALPHABET), 1)]
    return torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)


def even_lines(lines: NDArray[np.uint8]) -> torch.Tensor:
    """Take brightness and contrast out of (n, 32, w): (n, 1, 32, w), mean 0, spread near 1."""
    light = torch.from_numpy(lines).float().unsqueeze(1)
    centred = light - light.mean(dim=(1, 2, 3), keepdim=True)
    spread = (centred**2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
    evened: torch.Tensor = centred / (spread + _FLOOR)
    return evened.contiguous(memory_format=torch.channels_last)


def steps_from(network: torch.nn.Sequential, lines: NDArray[np.uint8]) -> torch.Tensor:
    """Log-probabilities (n, steps, signs) of lines (n, 32, w)."""
    return torch.log_softmax(network(even_lines(lines)).squeeze(2).transpose(1, 2), dim=2)


def lines_to_onnx(network: torch.nn.Sequential) -> bytes:
    """The whole reader: ``lines`` uint8 (n, 32, w) to ``log_probabilities`` (n, steps, signs).

    The same network gives the same bytes.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    def add(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    flow = add("Cast", ["lines"], "grey", to=TensorProto.FLOAT)
    flow = add("Unsqueeze", [flow, constant("channel", np.array([1], np.int64))], "light")
    mean = add("ReduceMean", [flow], "mean", axes=[2, 3], keepdims=1)
    centred = add("Sub", [flow, mean], "centred")
    square = add("Mul", [centred, centred], "square")
    variance = add("ReduceMean", [square], "variance", axes=[2, 3], keepdims=1)
    spread = add("Sqrt", [variance], "spread")
    floor = constant("floor", np.array(_FLOOR, np.float32))
    flow = add("Div", [centred, add("Add", [spread, floor], "floored")], "even")
    for place, layer in enumerate(_LAYERS):
        weight, bias = _folded(network[place].convolution, network[place].norm)
        made = add(
            "Conv",
            [flow, constant(f"weight{place}", weight), constant(f"bias{place}", bias)],
            f"conv{place}",
            kernel_shape=list(layer.kernel),
            strides=list(layer.stride),
            dilations=[1, layer.dilation],
            pads=[*layer.padding, *layer.padding],
        )
        if layer.added:
            made = add("Add", [made, flow], f"sum{place}")
        flow = add("Relu", [made], f"relu{place}")
    head = network[-1]
    names = [
        flow,
        constant("head_weight", head.weight.detach().numpy()),
        constant("head_bias", head.bias.detach().numpy()),
    ]
    flow = add("Conv", names, "signs", kernel_shape=[1, 1])
    flow = add("Squeeze", [flow, constant("height", np.array([2], np.int64))], "logits")
    flow = add("Transpose", [flow], "by_step", perm=[0, 2, 1])
    add("LogSoftmax", [flow], "log_probabilities", axis=2)
    answer = ["n", "steps", len(ALPHABET)]
    graph = helper.make_graph(
        nodes,
        "line",
        [helper.make_tensor_value_info("lines", TensorProto.UINT8, ["n", LINE_PX, "w"])],
        [helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, answer)],
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
