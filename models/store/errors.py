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
    remedy = "Install the chasil that last used this store, or set CHASIL_HOME to another folder."
