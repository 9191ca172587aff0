"""Finds the shelf that a setting names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from models.store.errors import BadPhotosUrl, DriverMissing
from models.store.shelf import FolderShelf, PhotoShelf


def open_shelf(url: str | None, folder: Path) -> PhotoShelf:
    """The shelf at a URL (``s3://bucket/folder``), or the folder where there is none.

    Raises:
        BadPhotosUrl: the URL names no bucket, or no kind of store that chasil knows.
        DriverMissing: obstore is not installed.

    """
    if url is None:
        return FolderShelf(folder)
    parts = urlsplit(url)
    if parts.scheme != "s3":
        raise BadPhotosUrl(f"photos can't be kept at {parts.scheme or 'a place without a'}://…")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadPhotosUrl("the photos' URL must name a bucket and at most a folder in it")
    try:
        from models.store.s3_shelf import S3Shelf  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise DriverMissing(f"s3:// needs the package {error.name}") from error
    return S3Shelf(parts.netloc, parts.path.strip("/"))
