"""What goes into the store and comes out of it, beside the records of ``models.records``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.errors import ErrorRecord
from models.records import Entry, FieldStatus, PageReading
from models.store.revisions import with_zone
from models.store.shelf import KeptPhoto
from models.store.tables import json_of


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that came in: which photo it is, under which name, for which TPS."""

    name: str
    """Path within the folder."""
    photo: KeptPhoto | ErrorRecord
    """The kept bytes, or why they could not be had."""
    tps: str | None = None
    folder: str = ""
    """Own name of the folder that was uploaded. A photo that comes again under the same folder
    and name is the same upload, wherever the folder lies by then."""


@dataclass(frozen=True, slots=True)
class PageKey:
    """One page that counts now: which rows of the store say what is known about it."""

    upload: int
    reading: int | None
    """``None`` where nothing could be read."""
    failure: int | None
    tps: str | None
    name: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page as it lies in the store; ``page`` checks and builds the record."""

    name: str
    tps: str | None
    reading: str | bytes | None
    """A ``PageReading`` as JSON, text or compressed; its photo and TPS are of the upload it was
    first read for."""
    rejected: PageReading | None
    """What stands in where there is no reading."""

    def page(self) -> PageReading:
        """The page, with the name and TPS of this upload."""
        if self.reading is None:
            if self.rejected is None:
                raise ValueError(f"{self.name} has neither a reading nor a reason for having none")
            return self.rejected
        page = PageReading.model_validate_json(json_of(self.reading))
        return page.model_copy(update={"photo": self.name, "tps": self.tps})


@dataclass(frozen=True, slots=True)
class PageCounts:
    """How the files of a run came out."""

    photos: int
    """Files that came in, also those whose bytes could not be had."""
    pages_read: int
    rejected: dict[str, int]
    """Error code to files or pages."""
    fields: dict[FieldStatus, int]
    """Field status to fields of the pages that were read."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same bytes under more than one name."""

    sha256: str
    names: tuple[str, ...]
    tps: tuple[str, ...]
    """The TPS they are claimed for; more than one is a finding."""


@dataclass(frozen=True, slots=True)
class EntryRevision:
    """One state of a TPS's reported numbers, as it was imported."""

    revision: int
    """From 1, in the order of import."""
    imported_at: datetime
    entry: Entry

    @property
    def speaks_of(self) -> datetime:
        """The source's own time; the time of import where it gives none (see ``revisions``)."""
        at = self.entry.reported_at
        return self.imported_at if at is None else with_zone(at)


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What an import of entries did."""

    new: int = 0
    """Entries of a TPS and form that had none."""
    revised: int = 0
    """Entries that differ from what was known."""
    unchanged: int = 0
    """Entries that say what was known already."""
    overtaken: int = 0
    """New revisions that do not count: their time is before an entry without a time of its own,
    which speaks of its import."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One run."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    recipe: str
    summary: dict[str, Any] | None
