"""What reading costs beside a bare decode, and whether a worker's memory stays flat.

    python -m benchmarks.speed

One thread. Each page is drawn as a 12-megapixel photo (4000 × 3000) at the quality phones use and
read whole: open, find, place, cut, read, weigh. The bar is ``cv2.imdecode`` to full-size greyscale
of the same file in the same run. Times are processor time, medians.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.camera import CAMERAS, photograph
from fixtures.encode import encode_jpeg
from fixtures.form import filled_form, write_page
from pipeline.read import load_reader, read_content

SEED = 9002
SHEET_PX_PER_MM = 5.0


def phone_photo(page: int, quality: int) -> bytes:
    """One 12-megapixel photo of a filled page, upright, as JPEG bytes."""
    rng = np.random.default_rng([SEED, page])
    sheet, _ = write_page(filled_form(rng), page, SHEET_PX_PER_MM)
    camera = CAMERAS["easy"]
    while True:
        photo = photograph(sheet, SHEET_PX_PER_MM, rng, camera, long_side_px=4000, quarter_turns=0)
        if photo.pixels.shape[:2] == (4000, 3000):
            return encode_jpeg(photo.pixels, quality)


def median_ms(action: Callable[[], object], times: int) -> float:
    """Median processor time of an action, ms; once before that to warm up."""
    action()
    taken = []
    for _ in range(times):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return 1000 * float(np.median(taken))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--photos", type=int, default=1000, help="photos of the memory run")
    parser.add_argument("--file", type=Path, nargs="*", default=[], help="other photos to time")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    reader = load_reader()
    console = Console(width=120)
    table = Table(title="Reading a 12-megapixel page, one core", title_justify="left")
    for head in ("photo", "bytes", "imdecode, ms", "reading, ms", "ratio"):
        table.add_column(head)
    photos = {
        f"page {page}, JPEG quality {quality}": phone_photo(page, quality)
        for page in (1, 2, 3)
        for quality in (80, 95)
    }
    photos |= {path.name: path.read_bytes() for path in wanted.file}
    for name, content in photos.items():
        data = np.frombuffer(content, np.uint8)
        bare = median_ms(partial(cv2.imdecode, data, cv2.IMREAD_GRAYSCALE), wanted.times)
        whole = median_ms(partial(read_content, content, reader, name=name), wanted.times)
        table.add_row(
            name, f"{len(content):,}", f"{bare:.1f}", f"{whole:.1f}", f"{whole / bare:.2f}"
        )
    console.print(table)
    memory = Table(title="Peak memory of one worker", title_justify="left")
    memory.add_column("photos read")
    memory.add_column("peak, MB")
    # A process of its own: this one has drawn large sheets.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        peaks = worker.submit(memory_peaks, list(photos.values()), wanted.photos).result()
    for count, peak in peaks:
        memory.add_row(str(count), f"{peak:.0f}")
    console.print(memory)


def memory_peaks(contents: list[bytes], count: int) -> list[tuple[int, float]]:
    """Read photos in turn; how many were read and the peak memory so far, MB."""
    cv2.setNumThreads(1)
    reader = load_reader()
    peaks = []
    for number in range(1, count + 1):
        read_content(contents[number % len(contents)], reader, name=str(number))
        if number in {10, 100, 300, 500, count}:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            peaks.append((number, peak))
    return peaks


if __name__ == "__main__":
    main()
