"""What each witness is worth: the ablation, the mistakes of writers, the cost of deciding.

    python -m benchmarks.witnesses                      drawn forms
    python -m benchmarks.witnesses --shared ../shared   and the real photos

The forms are drawn from seeds that nothing was fitted on, in handwriting that no recogniser was
trained on (``fixtures.handwriting``).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.form import Fault
from flows.train.calibrate import FIELD_PROMISE, upper_bound
from flows.train.decision import Judged, at_threshold, decided, judge, written_for
from flows.train.drawn_forms import SeenForm, Series, seen_forms
from models.recognisers.installed import installed_digests
from models.records import FieldReading, FieldStatus, PageStatus, ReviewReason
from models.reliability import Reliabilities, load_reliabilities
from models.rules import RULES, Severity, Verdict, evaluate_all
from pipeline.decide import decide
from pipeline.read import load_reader, read_file
from pipeline.weigh import weigh_again

SEED, CANDIDATES_SEED, FAULTS_SEED = 9101, 9201, 9301

STEPS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("digits alone", (), False),
    ("+ bubbles", ("bubbles",), False),
    ("+ tally", ("bubbles", "tally"), False),
    ("+ words", ("bubbles", "tally", "words"), False),
    ("+ sums", ("bubbles", "tally", "words"), True),
)
"""Name, witnesses besides the digits, and whether the sums are heard."""

CANDIDATES = ("suara_paslon_1", "suara_paslon_2", "suara_paslon_3")


def coverage_at_promise(fields: Sequence[Judged]) -> tuple[float, float] | None:
    """Coverage and threshold where the bound on these very fields keeps the promise, if any."""
    confidences = sorted({one.confidence for one in fields if one.trusted}, reverse=True)
    best = None
    for threshold in confidences[:: max(1, len(confidences) // 400)]:
        row = at_threshold(fields, threshold)
        if row["silent_bound"] <= FIELD_PROMISE:
            best = row["coverage"], threshold
    return best


def ablation(
    title: str, forms: Sequence[SeenForm], known: Reliabilities, names: Sequence[str] | None
) -> Table:
    """One row a step: error of the likeliest number, what is clear, what of it is wrong.

    Fields of which one witness is off are left out: they must go to a person, and are counted in a
    table of their own.
    """
    table = Table(title=title, title_justify="left")
    for head in (
        *("witnesses", "numbers", "likeliest wrong", "clear by the card", "silent errors"),
        *("upper 95 % bound", "coverage at 0.1 %"),
    ):
        table.add_column(head, justify="right" if head != "witnesses" else "left")
    for step, witnesses, with_sums in STEPS:
        fields = [
            judge(name, field, form.truth[name])
            for form in forms
            for name, field in decided(form, known, witnesses, with_sums=with_sums).fields.items()
            if (names is None or name in names)
            and form.truth[name].value is not None
            and name not in {fault.field for fault in form.faults}
        ]
        row = at_threshold(fields, known.clear)
        wrong = sum(not one.right for one in fields)
        reach = coverage_at_promise(fields)
        table.add_row(
            step,
            str(len(fields)),
            f"{wrong} ({wrong / max(1, len(fields)):.2%})",
            f"{row['clear']} ({row['coverage']:.2%})",
            str(row["silent"]),
            f"{row['silent_bound']:.3%}",
            "too few to prove" if reach is None else f"{reach[0]:.2%} (from {reach[1]:.4f})",
        )
    return table


@dataclass(frozen=True, slots=True)
class Surfaced:
    """What became of one writer's mistake."""

    fault: Fault
    heard: bool
    """Whether the witness that is off was read as it is written."""
    disagreement: bool
    """Whether the field goes to a person as a disagreement of witnesses."""
    review: bool
    kept: bool
    """Whether the digits stand as they are written, or no number does."""


def surfaced(form: SeenForm, known: Reliabilities) -> Iterator[Surfaced]:
    """What became of a form's mistakes."""
    fields = decided(form, known, STEPS[-1][1], with_sums=True).fields
    for fault in form.faults:
        if fault.field not in fields:
            continue
        field, truth = fields[fault.field], form.truth[fault.field]
        name = {
            "digits_wrong": "digits",
            "bubble_wrong": "bubbles",
            "stroke_missing": "tally",
            "words_wrong": "words",
        }[fault.kind]
        witness = field.witnesses.get(name)
        yield Surfaced(
            fault,
            heard=witness is not None and witness.value == written_for(name, truth),
            disagreement=ReviewReason.WITNESSES_DISAGREE in field.reasons,
            review=field.status is FieldStatus.REVIEW,
            kept=field.value in (truth.value, None),
        )


def faults_table(forms: Iterable[SeenForm], known: Reliabilities) -> tuple[Table, list[str]]:
    """One row a kind of mistake; and the ones that were not surfaced, by name."""
    counts: dict[str, Counter[str]] = {}
    missed = []
    for form in forms:
        for one in surfaced(form, known):
            row = counts.setdefault(one.fault.kind, Counter())
            row["all"] += 1
            for part in ("heard", "disagreement", "review", "kept"):
                row[part] += getattr(one, part)
            if not one.review:
                missed.append(f"form {form.index} {one.fault}")
    table = Table(title="One witness off, all else right", title_justify="left")
    for head in (
        *("mistake", "fields", "witness read as written", "surfaced as disagreement"),
        *("goes to a person", "digits stand"),
    ):
        table.add_column(head)
    for kind, row in sorted(counts.items()):
        parts = [row[part] for part in ("all", "heard", "disagreement", "review", "kept")]
        table.add_row(kind, *map(str, parts))
    return table, missed


def wrong_sums_table(title: str, forms: Iterable[SeenForm], known: Reliabilities) -> Table:
    """Forms whose numbers do not add up on paper: read as written, and flagged."""
    counts: Counter[str] = Counter()
    for form in forms:
        truth = {name: known_.value for name, known_ in form.truth.items()}
        broken = _broken(truth)
        if not broken:
            continue
        reading = decided(form, known, STEPS[-1][1], with_sums=True)
        counts["forms"] += 1
        counts["numbers"] += len(reading.fields)
        counts["as written"] += sum(
            field.value == form.truth[name].value for name, field in reading.fields.items()
        )
        flagged = _broken(reading.numbers())
        for name in broken:
            counts["lines"] += 1
            counts["lines flagged"] += name in flagged
        counts["flagged"] += bool(broken & flagged)
        counts["silent"] += sum(
            field.status is FieldStatus.CLEAR and field.value != form.truth[name].value
            for name, field in reading.fields.items()
        )
    table = Table(title=f"Forms that do not add up on paper, {title}", title_justify="left")
    for head in ("forms", "numbers", "as written", "lines", "lines flagged", "flagged", "silent"):
        table.add_column(head)
    table.add_row(
        *(
            str(counts[part])
            for part in (
                *("forms", "numbers", "as written", "lines", "lines flagged"),
                *("flagged", "silent"),
            )
        )
    )
    return table


def _broken(numbers: dict[str, int | None]) -> set[tuple[str, str]]:
    errors = {rule.code for rule in RULES if rule.severity is Severity.ERROR}
    return {
        (result.rule, result.field)
        for result in evaluate_all(numbers)
        if result.rule in errors and result.verdict is Verdict.VIOLATED
    }


def milliseconds(forms: Sequence[SeenForm], known: Reliabilities) -> list[float]:
    """Time of the joint decision, form by form, in ms."""
    times = []
    for form in forms:
        reading = decided(form, known, STEPS[-1][1], with_sums=False)
        start = time.perf_counter()
        decide(reading, known)
        times.append(1000 * (time.perf_counter() - start))
    return times


def real_table(shared: Path, known: Reliabilities) -> Table:
    """The real photos of 2024, step by step."""
    reader = load_reader()
    found: list[tuple[FieldReading, int | None]] = []
    for folder in sorted((shared / "photos").glob("c-hasil-ppwp-2024*")):
        for name, truth in json.loads((folder / "truth.json").read_text()).items():
            (reading,) = read_file(folder / name, reader)
            for key, number in truth["numbers"].items():
                field = key.replace("suara_sah_", "suara_paslon_")
                if reading.status is PageStatus.READ:
                    found.append((reading.fields[field], number))
    table = Table(title="Real photos of 2024", title_justify="left")
    for head in ("witnesses", "numbers", "right", "clear", "silent errors"):
        table.add_column(head)
    for step, witnesses, with_sums in STEPS:
        if with_sums:
            continue  # no form of which all pages are there
        fields = [(weigh_again(field, known, witnesses), number) for field, number in found]
        clear = [
            field.value == number for field, number in fields if field.status is FieldStatus.CLEAR
        ]
        table.add_row(
            step,
            str(len(fields)),
            str(sum(field.value == number for field, number in fields)),
            str(len(clear)),
            str(len(clear) - sum(clear)),
        )
    return table


def main() -> None:
    """Read the command line, draw, read, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.witnesses")
    parser.add_argument("--forms", type=int, default=150, help="whole forms at field difficulty")
    parser.add_argument("--hard-forms", type=int, default=60)
    parser.add_argument("--candidates", type=int, default=850, help="page 2 alone, at field")
    parser.add_argument("--faults", type=int, default=80, help="page 2 alone, with mistakes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for what was drawn and read")
    parser.add_argument("--shared", type=Path)
    wanted = parser.parse_args()
    console = Console(width=150)
    known = load_reliabilities(installed_digests())
    if wanted.shared:
        console.print(real_table(wanted.shared, known))

    def read(series: Series) -> list[SeenForm]:
        return list(seen_forms(series, workers=wanted.workers, kept=wanted.keep))

    field = read(Series(SEED, wanted.forms))
    hard = read(Series(SEED, wanted.hard_forms, "hard"))
    candidates = [*field, *read(Series(CANDIDATES_SEED, wanted.candidates, pages=(2,)))]
    faults = read(
        Series(FAULTS_SEED, wanted.faults, pages=(2,), wrong_sums=0.0, witness_faults=0.6)
    )
    console.print(ablation("Drawn forms, field: candidates' votes", candidates, known, CANDIDATES))
    console.print(ablation("Drawn forms, field: all numbers", field, known, None))
    console.print(ablation("Drawn forms, hard: all numbers", hard, known, None))
    table, missed = faults_table(faults, known)
    console.print(table)
    for line in missed:
        console.print(f"  not surfaced: {line}")
    console.print(wrong_sums_table("field", field, known))
    console.print(wrong_sums_table("hard", hard, known))
    times = milliseconds(field, known)
    console.print(
        f"deciding a form: median {np.median(times):.1f} ms, "
        f"99th percentile {np.percentile(times, 99):.1f} ms, most {max(times):.1f} ms"
    )
    bound = upper_bound(0, 3000)
    console.print(f"(0 of 3,000 proves at most {bound:.3%})")


if __name__ == "__main__":
    main()
