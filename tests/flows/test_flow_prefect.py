"""The flow under Prefect itself: by itself, with no server configured, and quiet."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.fake_reading import Fate, write_photo
from flows import settings

TPS = "3216012001001"

SCRIPT = """
if __name__ == "__main__":  # the reading processes, which run this again, need nothing of it
    import sys
    from pathlib import Path
    import flows.batch
    from fixtures import fake_reading
    from flows.pool import Engine

    flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
    summary = flows.batch.run_process([Path(sys.argv[1])], workers=2, batch_size=5)
    print(summary.model_dump_json())
"""
"""The main program with the fake reader."""


def run(
    tmp_path: Path, *arguments: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that has a home of its own and knows of no Prefect."""
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
    }
    own = {"CHASIL_HOME": str(tmp_path / "chasil" / "home"), "HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=known | own | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_run_without_a_server(tmp_path: Path) -> None:
    for number in range(11):
        write_photo(tmp_path / "photos" / f"{TPS}-{number}.jpg", salt=str(number))
    write_photo(tmp_path / "photos" / "dies.jpg", fate=Fate.DIES)
    (tmp_path / "main.py").write_text(SCRIPT)
    done = run(tmp_path, tmp_path / "main.py", tmp_path / "photos")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["photos"], summary["pages_read"]) == (12, 11)
    assert summary["rejected"] == {"reading_failed": 1}
    said = [line for line in done.stderr.splitlines() if " a second, " not in line]
    assert said == ["12 photos", "comparing"]

    prefect = sqlite3.connect(tmp_path / "chasil" / "home" / "prefect" / "prefect.db")
    flow_runs = prefect.execute("SELECT state_type FROM flow_run").fetchall()
    artifacts = dict(prefect.execute("SELECT key, data FROM artifact").fetchall())
    prefect.close()
    assert flow_runs == [("COMPLETED",)]
    assert set(artifacts) == {"conflicts", "progress", "summary"}
    assert "reading failed" in artifacts["summary"]
    shown = json.loads(json.loads(artifacts["conflicts"]))
    assert len(shown) == sum(summary["conflicts"].values())
    assert {"tps", "form", "field", "kind", "entry", "reading", "cause", "votes"} <= set(shown[0])


def test_a_configured_server_that_is_dead_is_told_at_once(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / f"{TPS}.jpg")
    done = run(
        tmp_path,
        *("-m", "flows.cli", "process", tmp_path / "photos"),
        PREFECT_API_URL="http://127.0.0.1:9/api",
    )
    assert done.returncode == 1
    assert "the Prefect server at 127.0.0.1:9 does not answer" in done.stderr
    assert "unset PREFECT_API_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_temporary_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / f"{TPS}.jpg")
    done = run(
        tmp_path,
        *("-m", "flows.cli", "process", tmp_path / "photos"),
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="1",
    )
    assert done.returncode == 1
    assert "Prefect's temporary server did not start" in done.stderr
    assert "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / f"{TPS}.jpg")
    done = run(
        tmp_path,
        *("-m", "flows.cli", "process", tmp_path / "photos"),
        CHASIL_HOME=str(tmp_path / "photos" / f"{TPS}.jpg"),
    )
    assert done.returncode == 1
    assert "CHASIL_HOME" in done.stderr
    assert "Traceback" not in done.stderr


# Settings


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {"PREFECT_LOGGING_LEVEL": "DEBUG", "HOME": str(tmp_path)})
    os.environ["CHASIL_HOME"] = str(tmp_path / "home")
    settings.prepare_prefect()
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "home" / "prefect")
    assert "no_proxy" not in os.environ


def test_the_user_s_own_profiles_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect" / "profiles.toml").write_text('active = "mine"\n')
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    settings.prepare_prefect()
    assert "PREFECT_HOME" not in os.environ


def test_no_proxy_stands_before_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        os,
        "environ",
        {"HOME": str(tmp_path), "http_proxy": "http://proxy:3128", "no_proxy": "localhost,kpu"},
    )
    settings.prepare_prefect()
    assert os.environ["no_proxy"] == "localhost,kpu,127.0.0.1"
    assert os.environ["NO_PROXY"] == "127.0.0.1,localhost"
