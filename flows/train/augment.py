"""What a camera and a placement do to a box, on whole batches at a time.

Torch does the geometry and the optics, OpenCV the JPEG. All amounts are drawn anew for each box.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.recognisers.recogniser import CROP_PX

CANVAS_PX = 64
"""Width of the pictures that come in; their middle 48 px are the crop."""


class Camera:
    """Augments batches; the same seed gives the same pictures.

    Measures: placement is off by up to 6 % of the crop (the pipeline allows 1 mm on a box of
    20 mm), the crop is 15 % too wide or too narrow, turned by up to 8°, and a box on a page of
    960 px is only some 30 px wide.
    """

    fade = 0.65
    """At most so much of the ink's contrast is lost."""
    grain = 9.0
    """Strongest noise, grey levels."""

    def __init__(self, seed: int) -> None:
        self._chance = torch.Generator().manual_seed(seed)
        self._rng = np.random.default_rng(seed)

    def shoot(self, canvases: NDArray[np.uint8]) -> torch.Tensor:
        """Photograph boxes.

        Args:
            canvases: (n, 64, 64).

        Returns:
            (n, 1, 48, 48) float32, whole grey levels 0 to 255.

        """
        light = torch.from_numpy(np.ascontiguousarray(canvases)).float().unsqueeze(1)
        light = self._pen(light)
        light = self._place(light)
        light = self._contrast(light)
        light = self._resolution(light)
        light = self._shade(light)
        light = self._moire(light)
        light = self._sharpen(light)
        noise = self._some(len(light), 0.7) * self._uniform(len(light), 0, self.grain)
        light = light + noise * torch.randn(light.shape, generator=self._chance)
        return self._jpeg(light.clamp(0, 255).round())

    def _uniform(self, count: int, low: float, high: float) -> torch.Tensor:
        """(count, 1, 1, 1) evenly between low and high."""
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=self._chance)

    def _some(self, count: int, share: float) -> torch.Tensor:
        """(count, 1, 1, 1) of ones and zeros."""
        return (torch.rand(count, 1, 1, 1, generator=self._chance) < share).float()

    def _pen(self, light: torch.Tensor) -> torch.Tensor:
        """Bolder or thinner ink (and frame) for some."""
        order = torch.randperm(len(light), generator=self._chance)
        fifth = len(light) // 5
        light = light.clone()
        for part, boldest, sign in ((order[:fifth], 1.0, -1), (order[-fifth:], 0.55, 1)):
            before = light[part]
            after = sign * functional.max_pool2d(sign * before, 3, 1, 1)
            light[part] = before + self._uniform(len(part), 0, boldest) * (after - before)
        return light

    def _place(self, light: torch.Tensor) -> torch.Tensor:
        """Cut the crop where a placement that is a little off would cut it."""
        count = len(light)
        turn = (torch.randn(count, generator=self._chance) * 0.045).clamp(-0.14, 0.14)
        size = 1 + (torch.rand(count, generator=self._chance) - 0.5) * 0.3
        aspect = 1 + torch.randn(count, generator=self._chance) * 0.04
        shift = (torch.rand(count, 2, generator=self._chance) * 2 - 1) * 0.06 * 2
        calm = torch.rand(count, generator=self._chance) < 0.25
        turn, size = torch.where(calm, turn * 0.2, turn), torch.where(calm, size**0.2, size)
        shift = torch.where(calm[:, None], shift * 0.3, shift)
        axis = torch.linspace(-1 + 1 / CROP_PX, 1 - 1 / CROP_PX, CROP_PX)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        lean = torch.randn(count, 2, generator=self._chance) * 0.025
        depth = 1 + lean[:, 0, None, None] * x + lean[:, 1, None, None] * y
        wide, high = (size * aspect)[:, None, None], (size / aspect)[:, None, None]
        cos, sin = torch.cos(turn)[:, None, None], torch.sin(turn)[:, None, None]
        seen_x = (wide * x * cos - high * y * sin) / depth + shift[:, 0, None, None]
        seen_y = (wide * x * sin + high * y * cos) / depth + shift[:, 1, None, None]
        bend = torch.randn(count, 2, 4, 4, generator=self._chance) * 0.018
        bent = functional.interpolate(
            bend, size=(CROP_PX, CROP_PX), mode="bicubic", align_corners=True
        )
        grid = torch.stack([seen_x + bent[:, 0], seen_y + bent[:, 1]], dim=3)
        grid = grid * (CROP_PX / CANVAS_PX)
        return functional.grid_sample(
            light, grid, mode="bilinear", padding_mode="border", align_corners=False
        )

    def _contrast(self, light: torch.Tensor) -> torch.Tensor:
        """Fade everything towards the paper, and bend the tones."""
        count = len(light)
        paper = light.flatten(1).median(dim=1).values[:, None, None, None]
        faded = self._some(count, 0.35) * self._uniform(count, 0, self.fade)
        light = light + faded * (paper - light)
        gamma = torch.exp(self._uniform(count, -0.5, 0.5))
        return 255 * (light.clamp(0, 255) / 255) ** gamma

    def _pixels(self) -> tuple[int, int]:
        """Down and across: how many pixels of the photo a coarse crop has."""
        pixels = int(self._rng.integers(20, 43))
        return pixels, pixels

    def _stored(self, few: torch.Tensor) -> torch.Tensor:
        """What a file keeps of coarse crops before they are cut out: here, all."""
        return few

    def _resolution(self, light: torch.Tensor) -> torch.Tensor:
        """Fewer pixels, defocus, or a moving hand."""
        order = torch.randperm(len(light), generator=self._chance)
        parts = list(torch.chunk(order, 12))
        for part in parts[:5]:
            few = functional.interpolate(
                light[part], size=self._pixels(), mode="bilinear", antialias=True
            )
            few = self._stored(few)
            mode = "bicubic" if self._rng.random() < 0.7 else "bilinear"
            light[part] = functional.interpolate(few, size=(CROP_PX, CROP_PX), mode=mode)
        for part in parts[5:8]:
            light[part] = _blur(light[part], float(self._rng.uniform(0.4, 1.7)))
        for part in parts[8:9]:
            length = int(self._rng.integers(2, 6))
            kernel = torch.zeros(1, 1, 5, 5)
            along = torch.linspace(-2, 2, 9)
            angle = float(self._rng.uniform(0, np.pi))
            for step in along * (length / 5):
                row, column = float(step) * np.sin(angle), float(step) * np.cos(angle)
                kernel[0, 0, round(2 + row), round(2 + column)] += 1 / 9
            padded = functional.pad(light[part], (2, 2, 2, 2), mode="replicate")
            light[part] = functional.conv2d(padded, kernel)
        return light

    def _shade(self, light: torch.Tensor) -> torch.Tensor:
        """Brightness, and the edge of a shadow or a slow gradient for some."""
        count = len(light)
        axis = torch.linspace(-1, 1, CROP_PX)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        turn = self._uniform(count, 0, 2 * np.pi)
        slope = torch.cos(turn) * x + torch.sin(turn) * y
        gradient = 1 + self._some(count, 0.5) * self._uniform(count, 0, 0.3) * slope
        steep = self._uniform(count, 3, 25)
        edge = torch.sigmoid(steep * (slope - self._uniform(count, -0.8, 0.8)))
        shadow = 1 - self._some(count, 0.12) * self._uniform(count, 0.1, 0.5) * edge
        bright = torch.exp(self._uniform(count, -0.35, 0.25))
        return light * gradient * shadow * bright

    def _moire(self, light: torch.Tensor) -> torch.Tensor:
        """The stripes of a photographed screen for some."""
        count = len(light)
        axis = torch.arange(CROP_PX).float()
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        waves = torch.zeros_like(light)
        for _ in range(2):
            turn, pitch = self._uniform(count, 0, np.pi), self._uniform(count, 2, 16)
            phase = self._uniform(count, 0, 2 * np.pi)
            along = torch.cos(turn) * x + torch.sin(turn) * y
            waves = waves + torch.sin(2 * np.pi * along / pitch + phase)
        return light * (1 + self._some(count, 0.12) * self._uniform(count, 0.01, 0.09) * waves)

    def _sharpen(self, light: torch.Tensor) -> torch.Tensor:
        """The halos that phones put round dark strokes, for some."""
        amount = self._some(len(light), 0.25) * self._uniform(len(light), 0.3, 2)
        return light + amount * (light - _blur(light, 1.2))

    def _jpeg(self, light: torch.Tensor) -> torch.Tensor:
        """Half of them compressed."""
        pictures = light.numpy()
        for place in np.nonzero(self._rng.random(len(pictures)) < 0.5)[0]:
            quality = int(self._rng.integers(25, 90))
            _, content = cv2.imencode(
                ".jpg", pictures[place, 0].astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
            )
            pictures[place, 0] = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
        return torch.from_numpy(pictures)


class CellCamera(Camera):
    """For cells of a grid: wider than high, so that they have fewer pixels down than across.

    They are cut from photos that were compressed as they are, coarse: the blocks of the JPEG are
    enlarged with the strokes. Ink fades and drowns in noise less than for the large boxes, so that
    a cell with strokes hardly ever looks empty: what can't be seen must not be learned.
    """

    fade = 0.4
    grain = 5.0

    def _pixels(self) -> tuple[int, int]:
        across = int(self._rng.integers(24, 47))
        return round(across * float(self._rng.uniform(0.5, 1.0))), across

    def _stored(self, few: torch.Tensor) -> torch.Tensor:
        count, _, high, wide = few.shape
        if self._rng.random() < 0.25 or count == 0:
            return few
        grain = float(self._rng.uniform(0, 5))
        noisy = few + grain * torch.randn(few.shape, generator=self._chance)
        strip = noisy[:, 0].permute(1, 0, 2).reshape(high, count * wide).clamp(0, 255)
        quality = int(self._rng.integers(30, 92))
        written = np.asarray(strip.round().numpy(), dtype=np.uint8)
        _, content = cv2.imencode(".jpg", written, [cv2.IMWRITE_JPEG_QUALITY, quality])
        kept = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), dtype=np.float32)
        return torch.from_numpy(kept).reshape(high, count, wide).permute(1, 0, 2).unsqueeze(1)


def _blur(light: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, round(2.5 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).float() / sigma) ** 2)
    weights = weights / weights.sum()
    padded = functional.pad(light, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(padded, weights.view(1, 1, 1, -1))
    return functional.conv2d(across, weights.view(1, 1, -1, 1))


def shot(canvases: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Cells (n, 64, 64) as ``CellCamera`` sees them, (n, 48, 48)."""
    camera = CellCamera(seed)
    parts = [
        camera.shoot(canvases[start : start + 256])[:, 0].numpy()
        for start in range(0, len(canvases), 256)
    ]
    return np.concatenate(parts).astype(np.uint8)


def to_canvas(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crops (n, 48, 48) in the middle of canvases (n, 64, 64), their edges repeated outwards."""
    margin = (CANVAS_PX - CROP_PX) // 2
    return np.pad(crops, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
