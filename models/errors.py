"""The closed set of reasons why a photo, a page or an input file could not be used.

Every error carries a stable ``code`` (what programs match on), the ``data`` that led to it
(how many pixels, which marker was missing, how many mm off) and a ``remedy``: what the person
in front of the machine can do about it. ``pipeline`` raises these and nothing else for bad
input; anything else that escapes is a bug in chasil.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

Datum = str | int | float | None


class ErrorRecord(BaseModel):
    """An error as it is stored and printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    message: str
    remedy: str
    data: dict[str, Datum] = {}


class ChasilError(Exception):
    """Base of every error about an input. Subclasses set ``code`` and ``remedy``."""

    code: ClassVar[str] = "chasil"
    remedy: ClassVar[str] = ""

    def __init__(self, message: str, **data: Datum) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    def __reduce__(self) -> tuple[object, ...]:
        """Keep message and data when the error crosses a process boundary."""
        return (_rebuild, (type(self), self.message, self.data))

    def record(self) -> ErrorRecord:
        """The error as plain data."""
        return ErrorRecord(code=self.code, message=self.message, remedy=self.remedy, data=self.data)


def _rebuild(kind: type[ChasilError], message: str, data: dict[str, Datum]) -> ChasilError:
    return kind(message, **data)


class PhotoError(ChasilError):
    """A photo that cannot be read. It is recorded and the batch goes on."""

    code = "photo"


class EmptyPhoto(PhotoError):
    """The file has no bytes."""

    code = "empty"
    remedy = "The upload broke off before it began: upload the photo again."


class TruncatedPhoto(PhotoError):
    """The file starts as an image and ends too early."""

    code = "truncated"
    remedy = "The upload broke off half-way: upload the photo again."


class NotAnImage(PhotoError):
    """The bytes are no image and no PDF."""

    code = "not_an_image"
    remedy = "Put photos (JPEG, PNG, WebP, TIFF, HEIC) or PDF scans here; remove other files."


class UnsupportedPhoto(PhotoError):
    """An image of a kind chasil does not open."""

    code = "unsupported"
    remedy = "Convert it to JPEG, PNG, WebP, TIFF, HEIC or PDF and upload it again."


class DecompressionBomb(PhotoError):
    """A small file that claims an enormous picture."""

    code = "decompression_bomb"
    remedy = "No phone makes such a picture: ask where it came from, and photograph the form anew."


class PhotoTooSmall(PhotoError):
    """Too few pixels for digits to be legible."""

    code = "too_small"
    remedy = (
        "Upload the original photo, not a thumbnail or a messenger's preview: "
        "a whole page needs at least 900 px across."
    )


class UnreadableFile(PhotoError):
    """The operating system would not give the bytes."""

    code = "unreadable_file"
    remedy = "Check that the file still exists and may be read by this user."


class NoFormFound(PhotoError):
    """Nothing in the picture looks like a form that is installed."""

    code = "no_form_found"
    remedy = (
        "Photograph the sheet flat, whole and in focus, "
        "with the square code at the top right in view."
    )


class WrongForm(PhotoError):
    """It is a form, but not one that was asked for."""

    code = "wrong_form"
    remedy = "File this photo under the election it belongs to, and upload the right sheet here."


class AmbiguousPlace(PhotoError):
    """Part of a form is in view, but it fits more than one place on the sheet."""

    code = "ambiguous_place"
    remedy = (
        "Photograph more of the sheet, so that a corner or the square code is in view. If all of "
        "it is, two installed forms are the same sheet: remove one."
    )


class PoorPlacement(PhotoError):
    """The page was found but its cells can't be placed closely enough to be read."""

    code = "poor_placement"
    remedy = "Flatten the sheet and photograph it from straight above, in focus."


class DuplicatePhoto(PhotoError):
    """The same bytes were uploaded before."""

    code = "duplicate_photo"
    remedy = "Upload the photo of the page that is missing instead of this one again."


class ReadingFailed(PhotoError):
    """The photo made the reading process stop, hang or raise something it should not."""

    code = "reading_failed"
    remedy = (
        "The next run tries it again. If it fails again, this is a fault in chasil: keep the photo "
        "and report it with this message."
    )


class InputFileError(ChasilError):
    """A file of entries, regions, a manifest or a form that does not say what it should."""

    code = "input_file"


class FormFileError(InputFileError):
    """A form's data file is broken; the message names the file and the field."""

    code = "form_file"
    remedy = "Correct the named field; `chasil forms check FILE` tells when it is right."


class FormNotInstalled(FormFileError):
    """A form was named of which no data file is installed."""

    code = "form_not_installed"
    remedy = (
        "`chasil forms list` shows what is installed. Install the form by `chasil forms install "
        "FILE`, or name another: `--form` of `chasil process` says which one every TPS owes."
    )


class EntriesFileError(InputFileError):
    """A file of reported numbers is broken; the message names the place."""

    code = "entries_file"
    remedy = "Correct the named place, or export the entries from Sirekap again."


class RegionsFileError(InputFileError):
    """A table of regions is broken; the message names the place."""

    code = "regions_file"
    remedy = "Correct the named row: a TPS code has 13 digits and stands once."


class ManifestError(InputFileError):
    """A manifest of photos is broken; the message names the row."""

    code = "manifest_file"
    remedy = "The manifest is a CSV with the columns photo,tps and a 13-digit code in each row."


class RecogniserError(ChasilError):
    """A recogniser's files are missing or are not the ones its card describes."""

    code = "recogniser"
    remedy = "Install chasil again, or train the recogniser with the command on its card."


PHOTO_ERRORS: tuple[type[PhotoError], ...] = (
    EmptyPhoto,
    TruncatedPhoto,
    NotAnImage,
    UnsupportedPhoto,
    DecompressionBomb,
    PhotoTooSmall,
    UnreadableFile,
    NoFormFound,
    WrongForm,
    AmbiguousPlace,
    PoorPlacement,
    DuplicatePhoto,
    ReadingFailed,
)
"""Every way in which a photo can fail; the tests provoke each one."""
