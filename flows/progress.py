"""How far a run is: a bar on a terminal, a plain line now and then everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 10.0


class Reporter(Protocol):
    """Told how many photos are done."""

    def begin(self, photos: int) -> None:
        """So many photos there are."""

    def advance(self, photos: int = 1) -> None:
        """So many more are done."""

    def say(self, what: str) -> None:
        """What the run does now, in a few words."""

    def tell(self, line: str) -> None:
        """Something that a person should still read when the run is over."""

    def __enter__(self) -> Self:
        """Start to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""


def reporter(console: Console) -> Reporter:
    """The reporter that suits where the output goes."""
    return BarReporter(console) if console.is_terminal else LineReporter(console.print)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text("" if rate is None else f"{rate:,.1f}/s", style="progress.data.speed")


class BarReporter:
    """A bar with count, rate and time left."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            speed_estimate_period=60,
        )
        self._task = self._progress.add_task("starting", total=None)

    def begin(self, photos: int) -> None:
        """Set the length of the bar."""
        self._progress.reset(self._task, total=photos, description="photos")

    def advance(self, photos: int = 1) -> None:
        """Lengthen the bar."""
        self._progress.advance(self._task, photos)

    def say(self, what: str) -> None:
        """Put a word in front of the bar."""
        self._progress.update(self._task, description=what)

    def tell(self, line: str) -> None:
        """Write it above the bar, where it stays."""
        self._progress.console.print(line, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


class LineReporter:
    """Lines for a log: ``1,200 of 25,000 photos, 8.1 a second, about 49 min left``."""

    def __init__(
        self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._photos = 0
        self._done = 0
        self._began = self._last_line = clock()

    def begin(self, photos: int) -> None:
        """Start the clock."""
        self._photos = photos
        self._began = self._last_line = self._clock()
        self._write(f"{photos:,} photos")

    def advance(self, photos: int = 1) -> None:
        """Write a line if the last one is some seconds old."""
        self._done += photos
        now = self._clock()
        if not self._done or now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        rate = self._done / (now - self._began)
        left = (self._photos - self._done) / rate
        self._write(
            f"{self._done:,} of {self._photos:,} photos, {rate:,.1f} a second, "
            f"about {_duration(left)} left"
        )

    def say(self, what: str) -> None:
        """Write it."""
        self._write(what)

    def tell(self, line: str) -> None:
        """Write it."""
        self._write(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
