"""kill -9 of a Prefect server of one's own while a run is in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from fault_bench import Bench, said, tell, wait_for

END_SECONDS = 240.0
"""A run whose server is gone must have ended by then, on a machine that does other things too."""


@pytest.mark.slow
def test_a_run_whose_server_is_killed_ends_and_is_whole(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/api"
    own = {"PREFECT_API_URL": address, "PREFECT_HOME": str(tmp_path / "prefect")}
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"],
        env=bench.environment(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1", **own),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: is_healthy(address), "Prefect's server")
        run = bench.start_flow(FAKE_LONGER_SECONDS="0.2", **own)
        with bench.store() as store:
            bench.wait_until_read(store, 6)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    began = time.monotonic()
    _, errors = run.communicate(timeout=END_SECONDS)
    tell("Prefect's server killed", seconds_until_the_run_ends=time.monotonic() - began)
    assert "Traceback" not in errors
    summary = bench.check_whole()
    if run.returncode == 0:
        assert summary.pages_read_now == 0
    else:
        said(errors)


def is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5).is_success
    except httpx.TransportError:
        return False
