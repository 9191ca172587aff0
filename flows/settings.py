"""How Prefect runs inside chasil: by itself, quietly, and without calling anyone.

Prefect reads its settings from the environment when it is first imported, so ``prepare_prefect``
must run before that; ``quiet_prefect`` sees to it. A variable the user has set is left as it is.

With no server configured, Prefect starts a temporary one on 127.0.0.1 for the time of the run,
with its own SQLite file under ``$CHASIL_HOME/prefect``; nothing leaves the machine.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

from flows.server_guard import guard_temporary_server
from models.errors import ChasilError
from models.store.errors import StoreError
from models.store.home import chasil_home

PREFECT_FOLDER = "prefect"

LOCAL_ADDRESSES = ("127.0.0.1", "localhost")

SERVER_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # A dead server holds a call up for 2 + 4 + 8 s, one that hangs for a minute or so, and not for
    # 62 s and 7 min as by Prefect's own settings.
    "PREFECT_CLIENT_MAX_RETRIES": "3",
    "PREFECT_API_REQUEST_TIMEOUT": "15",
    # A run whose process is gone can be told from one that is slow (docs/prefect.md).
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}
"""What a server of one's own, its workers and the commands that talk to it should have set."""

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": SERVER_DEFAULTS["PREFECT_CLIENT_MAX_RETRIES"],
    "PREFECT_API_REQUEST_TIMEOUT": SERVER_DEFAULTS["PREFECT_API_REQUEST_TIMEOUT"],
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    # The first start makes Prefect's own database: 6 s on two idle cores, far more on busy ones.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # An error in the run reaches the command line as an exception; once is enough.
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "CRITICAL",
    # The temporary server writes tracebacks when it is stopped in the middle of its own records.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # What a temporary server has no use for: schedules, workers, triggers.
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}

HEALTH_SECONDS = 5.0
"""How long a configured server may take to answer."""


class ServerUnreachable(ChasilError):
    """A Prefect server is configured but does not answer."""

    code = "prefect_server"
    remedy = (
        "Start that server (`prefect server start`), or run without one: unset PREFECT_API_URL "
        "and choose a Prefect profile without a server."
    )


class ServerNotStarted(ChasilError):
    """Prefect's temporary server did not come up."""

    code = "prefect_start"
    remedy = (
        "It needs a free port from 8000 to 8999 on 127.0.0.1, and some seconds: on a slow or busy "
        "machine set PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS to more than 120."
    )


def prepare_prefect() -> None:
    """Set the defaults above in the environment, where the user has set nothing.

    Raises:
        StoreError: the folder in ``CHASIL_HOME`` can't be made.

    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not _own_profile_exists():
        os.environ.setdefault("PREFECT_HOME", str(chasil_home() / PREFECT_FOLDER))
        # Prefect makes the last folder of the path itself, but not those above it.
        parent = Path(os.environ["PREFECT_HOME"]).parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{parent}: {error.strerror}", store=str(parent)) from error
    _reach_this_machine_directly()


def end_properly_when_told() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that Prefect stops its temporary server."""

    def end(signal_number: int, _frame: object) -> None:
        raise SystemExit(128 + signal_number)

    signal.signal(signal.SIGTERM, end)


def find_server() -> None:
    """Make sure that there is a server: the configured one answers, or a temporary one is started.

    Left to itself, Prefect would try a dead server again and again.

    Raises:
        ServerUnreachable: the configured server doesn't answer within ``HEALTH_SECONDS``.
        ServerNotStarted: the temporary one does not come up.

    """
    # Both come with Prefect, which must not be imported before prepare_prefect has run.
    import httpx  # noqa: PLC0415
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    address = PREFECT_API_URL.value()
    if not address:
        try:
            with get_client(sync_client=True) as client:
                client.hello()
            guard_temporary_server()
        except RuntimeError as error:
            raise ServerNotStarted(f"Prefect's temporary server did not start: {error}") from error
        return
    try:
        httpx.get(f"{address}/health", timeout=HEALTH_SECONDS)  # any answer will do, also "who?"
    except httpx.HTTPError as error:
        shown = urlsplit(address)
        raise ServerUnreachable(
            f"the Prefect server at {shown.hostname}:{shown.port or shown.scheme} "
            f"does not answer: {error}",
            address=f"{shown.hostname}",
        ) from error


def _own_profile_exists() -> bool:
    """Whether the user keeps Prefect profiles, which may name a server to use."""
    return (Path.home() / ".prefect" / "profiles.toml").exists()


def _reach_this_machine_directly() -> None:
    """Keep calls to the temporary server away from a proxy."""
    proxies = ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY")
    if not any(os.environ.get(name) for name in proxies):
        return
    for name in ("no_proxy", "NO_PROXY"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        missing = [address for address in LOCAL_ADDRESSES if address not in known]
        os.environ[name] = ",".join(known + missing)
