"""From a path to entries: Sirekap's tree of JSON files, one JSON file, or a CSV, each also .gz."""

from __future__ import annotations

import gzip
import heapq
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

from models.elections import Election
from models.errors import EntriesFileError
from models.records import Entry
from pipeline.entries.own_forms import form_of_path, forms_of_folders
from pipeline.entries.problems import OnProblem, raise_problem
from pipeline.entries.sirekap import is_aggregate, read_sirekap
from pipeline.entries.table import TableLayout, read_table
from pipeline.entries.whose_election import OtherElection, election_of_path


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says of the files, where they don't say it themselves."""

    layout: TableLayout | None = None
    """How a table's columns are called."""
    election: Election | None = None
    form: str | None = None
    """Form of a table's columns, or of the objects, where it belongs to no election of 2024."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Folder to the form of the user's own that it is of."""
    owed: str | None = None
    """The form that every TPS owes."""


def read_entries(
    path: Path,
    *,
    layout: TableLayout | None = None,
    election: Election | None = None,
    form: str | None = None,
    owed: str | None = None,
    on_problem: OnProblem = raise_problem,
) -> Iterator[Entry]:
    """Read the reported numbers below a path, by TPS and form, each one's revisions by time.

    A folder may hold Sirekap's tree (``…/{2}/{4}/{6}/{10}/{13}.json``: one TPS a file, named by its
    code; its aggregates under shorter codes are passed over), files of many (JSON under any other
    name) and tables (CSV), also side by side. A TPS that comes more than once is given as often:
    every one is a revision, the one without a time first, those of one time in the order found.
    A tree is read file by file and never held in memory whole.

    Args:
        path: A folder, or a file ending in .json, .csv, .json.gz or .csv.gz.
        layout: How a table's columns are called, where no known layout fits.
        election: Which election the numbers are of, where path and content don't say it
            (see ``whose_election``).
        form: Id of the form that a table's columns are fields of, likewise; and of a form of the
            user's own that objects are of.
        owed: The form that every TPS owes; where ``None``, see ``models.forms.template.owed_form``.
        on_problem: Called with an ``EntriesFileError`` for each object, row or file that can't be
            used; the others are still read. By default the first problem is raised.

    Raises:
        EntriesFileError: at once where the path does not exist, or is a folder or file of another
            kind; later whatever ``on_problem`` raises.

    """
    told = Told(layout, election, form, forms_of_folders(), owed)
    if path.is_dir():
        return _folder(path, told, on_problem)
    if not path.exists():
        raise EntriesFileError(f"{path}: there is no such file or folder", source=str(path))
    if _kind(path) is None:
        raise EntriesFileError(
            f"{path}: a folder, or a file ending in .json, .csv, .json.gz or .csv.gz is expected",
            source=str(path),
        )
    return iter(_in_order(_file(path, told, on_problem, within_tree=False)))


def latest_revisions(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """TPS and form to the newest entry; of equally new ones, the one that came last."""
    latest: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = entry.tps, entry.form
        if key not in latest or _revision(latest[key]) <= _revision(entry):
            latest[key] = entry
    return latest


def _revision(entry: Entry) -> tuple[str, str, datetime]:
    return entry.tps, entry.form, entry.reported_at or datetime.min


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=_revision)


def _folder(folder: Path, told: Told, on_problem: OnProblem) -> Iterator[Entry]:
    tree: list[Path] = []
    others: list[Path] = []
    for file in sorted(folder.rglob("*")):
        if _kind(file) is None or not file.is_file():
            continue
        (tree if _named_by_tps(file) else others).append(file)
    tree.sort(key=_stem)
    streams = [_in_order(_file(file, told, on_problem)) for file in others]
    found = False
    for entry in heapq.merge(_tree(tree, told, on_problem), *streams, key=_revision):
        found = True
        yield entry
    if not found:
        on_problem(
            EntriesFileError(f"{folder}: no numbers of any TPS below it", source=str(folder))
        )


def _tree(files: list[Path], told: Told, on_problem: OnProblem) -> Iterator[Entry]:
    for _, same_tps in groupby(files, key=_stem):
        yield from _in_order(entry for file in same_tps for entry in _file(file, told, on_problem))


def _file(
    path: Path, told: Told, on_problem: OnProblem, *, within_tree: bool = True
) -> Iterator[Entry]:
    try:
        content = path.read_bytes()
        if path.suffix.lower() == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        on_problem(EntriesFileError(f"{path}: can't be read: {error}", source=str(path)))
        return
    try:
        own = form_of_path(path, told.folders, told.form)
        # Who names a form of their own may keep its files in a folder called as one of 2024.
        by_user = own is not None and own == told.form
        election = None if by_user else election_of_path(path, told.election)
        if own is not None and election is not None:
            raise OtherElection(f"{path}: named as {election} and as {own} at once")
    except EntriesFileError as problem:
        on_problem(problem)
        return
    if _kind(path) == "csv":
        yield from read_table(
            content,
            str(path),
            layout=told.layout,
            form=told.form or own or (election.form if election else None),
            owed=told.owed,
            on_problem=on_problem,
        )
    elif not (within_tree and _named_by_code(path) and is_aggregate(content)):
        tps = _stem(path) if _named_by_tps(path) else None
        yield from read_sirekap(
            content, str(path), tps=tps, election=election, form=own, on_problem=on_problem
        )


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _named_by_code(path: Path) -> bool:
    return re.fullmatch(r"[0-9]+", _stem(path)) is not None


def _named_by_tps(path: Path) -> bool:
    """Whether a JSON file's name is a TPS code, or meant to be one: more digits than a desa has."""
    return _kind(path) == "json" and _named_by_code(path) and len(_stem(path)) > 10


def _kind(path: Path) -> str | None:
    match = re.search(r"\.(json|csv)(\.gz)?$", path.name.lower())
    return match[1] if match else None
