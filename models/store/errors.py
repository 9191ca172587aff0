"""What can go wrong with the store itself, as opposed to the photos in it."""

from __future__ import annotations

from models.errors import ChasilError


class StoreError(ChasilError):
    """The store cannot be opened, or was made by a newer chasil."""

    code = "store"
    remedy = (
        "Check that the folder in CHASIL_HOME exists, belongs to this user and has room, "
        "or set CHASIL_HOME to another folder."
    )


class StoreTooNew(StoreError):
    """The store was upgraded by a newer chasil than this one."""

    code = "store_too_new"
    remedy = (
        "Install the chasil that last used this store, or choose another store "
        "(CHASIL_HOME, CHASIL_DATABASE)."
    )


class BadDatabaseUrl(StoreError):
    """What stands in CHASIL_DATABASE names no database that chasil can use."""

    code = "database_url"
    remedy = (
        "Write CHASIL_DATABASE as postgresql://USER:PASSWORD@HOST:5432/DATABASE (signs like @ or / "
        "in the password as %40 or %2F), or unset it to use SQLite in CHASIL_HOME."
    )


class DriverMissing(StoreError):
    """The Python package that speaks to the database or the object store is not installed."""

    code = "driver_missing"
    remedy = (
        "Install it into chasil's environment: `pip install 'chasil[postgresql]'` for PostgreSQL, "
        "`pip install 'chasil[s3]'` for photos on S3."
    )


class DatabaseUnreachable(StoreError):
    """The database server does not answer, or went away."""

    code = "database_unreachable"
    remedy = (
        "Check that the PostgreSQL server named in CHASIL_DATABASE runs and can be reached from "
        "here (`pg_isready -h HOST -p PORT`), then start the same command again: what was written "
        "is kept, and only the rest is done."
    )


class DatabaseRefused(StoreError):
    """The server answers and does not let us in: name, password, or database are not right."""

    code = "database_refused"
    remedy = (
        "Check user, password and database in CHASIL_DATABASE; try them with `psql`. docs/store.md "
        "says how to make the user and the database."
    )


class DatabaseBusy(StoreError):
    """Another writer has held the store for too long."""

    code = "database_busy"
    remedy = (
        "Another chasil is writing, perhaps bringing the queue up to a large run. "
        "Wait until it is done and try again."
    )


class DiskFull(StoreError):
    """There is no room left where the store lies."""

    code = "disk_full"
    remedy = (
        "Make room on the disk that holds CHASIL_HOME (or PostgreSQL's data), then start the same "
        "command again: what was written is kept, and only the rest is done."
    )


class OutcomeUnknown(StoreError):
    """The connection broke while the last word was being written, and the server can't say."""

    code = "database_outcome_unknown"
    remedy = (
        "Look whether it was kept before you do it again; a run (`chasil process`) can always be "
        "started again."
    )


class ComparedMeanwhile(StoreError):
    """The database was away while a run compared, and another one ended its own meanwhile."""

    code = "compared_meanwhile"
    remedy = (
        "Start the same command again: no page is read again, and it compares with what the other "
        "run found."
    )


class BadPhotosUrl(StoreError):
    """What stands in CHASIL_PHOTOS names no place for photos."""

    code = "photos_url"
    remedy = (
        "Write CHASIL_PHOTOS as s3://BUCKET or s3://BUCKET/FOLDER, or unset it to keep photos in "
        "the folder CHASIL_HOME."
    )


class PhotosUnreachable(StoreError):
    """The object store that holds the photos does not answer."""

    code = "photos_unreachable"
    remedy = (
        "Check the network and AWS_ENDPOINT_URL and AWS_REGION, then start "
        "the same command again: only what is missing is done."
    )


class BadEndpoint(StoreError):
    """What stands in AWS_ENDPOINT_URL is no address."""

    code = "photos_endpoint"
    remedy = (
        "Write AWS_ENDPOINT_URL as https://HOST or http://HOST:PORT, or unset it for Amazon's own "
        "S3."
    )


class PhotosRefused(StoreError):
    """The object store answers and turns us away: it knows us not, or not for what we ask."""

    code = "photos_refused"
    remedy = (
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL; a "
        "temporary key may have expired. The key must be allowed "
        "s3:GetObject, s3:PutObject and s3:ListBucket on the bucket in CHASIL_PHOTOS."
    )


class BucketMissing(StoreError):
    """The bucket in CHASIL_PHOTOS is not there."""

    code = "bucket_missing"
    remedy = "Make the bucket, or correct its name in CHASIL_PHOTOS. chasil makes no buckets."


class PhotoAltered(ChasilError):
    """A kept photo's bytes do not have the hash in its name any more. The others are all right."""

    code = "photo_altered"
    remedy = (
        "Somebody or something changed a file on the shelf. Put it back from the backup; "
        "its name is the SHA-256 it must have."
    )
