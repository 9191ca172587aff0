"""Prefect's temporary server ends with the run it was started for, also one that is killed.

Prefect stops its temporary server when the program ends properly. A program that is killed
(kill -9, out of memory) can stop nothing, and the server would stay for ever, with a port and its
database in its hands. So a small process watches over a pipe whose other end only this program
holds: when that closes, whatever the reason, it stops the server.
"""

from __future__ import annotations

import atexit
import subprocess

GRACE_SECONDS = 5
"""Between asking the server to end and killing it, as Prefect does it."""

_WATCH = f"""
trap '' INT TERM HUP
read -r _
kill -TERM "$1" 2>/dev/null || exit 0
for _ in $(seq {GRACE_SECONDS}); do sleep 1; kill -0 "$1" 2>/dev/null || exit 0; done
kill -KILL "$1" 2>/dev/null
exit 0
"""
"""Ctrl-C reaches all processes of a terminal; the program itself then ends the server in order."""


def end_with_this_process(server: int) -> None:
    """Let a process end when this one does.

    Args:
        server: Process id.

    """
    watch = subprocess.Popen(  # noqa: S603 - a number
        ["/bin/sh", "-c", _WATCH, "chasil-server-guard", str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def dismiss() -> None:
        watch.kill()  # the server is being ended in order; its number may be another's soon
        watch.wait()
        if watch.stdin:
            watch.stdin.close()

    atexit.register(dismiss)


def guard_temporary_server() -> None:
    """Watch over the temporary server that this process has started, if there is one."""
    # Pinned to prefect 3.8.8, which keeps its servers here; imported after prepare_prefect.
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415

    for server in SubprocessASGIServer._instances.values():
        if server.server_process is not None and server.server_process.pid not in _guarded:
            _guarded.add(server.server_process.pid)
            end_with_this_process(server.server_process.pid)


_guarded: set[int] = set()
