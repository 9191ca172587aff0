"""``chasil users``, ``chasil audit`` and ``chasil review`` from the command line."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixtures.review_store import fill, item_facts
from flows.cli import app
from models.store.store import Store
from models.trail import BEFORE_THE_FIRST, canonical

PASSWORD = "empat kata acak panjang"  # noqa: S105 - of invented users


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments, input=typed)
    return result.exit_code, result.output


def test_accounts_are_made_and_changed(home: Path) -> None:
    both = f"{PASSWORD}\n{PASSWORD}\n"
    assert "no accounts yet" in run("users", "list")[1]
    assert run("users", "add", "budi", "--region", "321603", typed=both)[0] == 0
    assert run("users", "add", "sari", "--role", "supervisor", typed=both)[0] == 0
    assert run("users", "set-role", "budi", "viewer")[0] == 0
    assert run("users", "limit", "budi", "3217", "321604")[0] == 0
    assert run("users", "set-password", "budi", typed=both)[0] == 0
    assert run("users", "disable", "budi")[0] == 0
    listed = run("users", "list")[1]
    assert re.search(r"budi.*viewer.*321604 3217.*disabled", listed)
    assert re.search(r"sari.*supervisor.*all.*by password", listed)
    assert run("users", "limit", "budi")[0] == 0
    assert run("users", "disable", "budi", "--undo")[0] == 0
    with Store.open(home) as store:
        acts = [record.act for record in store.trail.of("user/budi")]
        assert all(record.who.startswith("terminal") for record in store.trail.walk())
    assert acts == [
        *("user_added", "role_changed", "region_limited", "password_changed"),
        *("user_disabled", "region_limited", "user_enabled"),
    ]


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("users", "add", "Budi"), PASSWORD, "small letters"),
        (("users", "add", "budi"), "short", "10 to 256"),
        (("users", "add", "budi", "--region", "32160"), PASSWORD, "whole code"),
        (("users", "set-role", "nobody", "viewer"), "", "chasil users list"),
        (("audit", "verify", "--anchor", "x"), "", "NUMBER:HASH"),
        (("audit", "export", "--out", "/no/such/folder/x"), "", "another place"),
    ],
)
@pytest.mark.usefixtures("home")
def test_errors_say_what_to_do(arguments: tuple[str, ...], typed: str, said: str) -> None:
    code, output = run(*arguments, typed=f"{typed}\n{typed}\n")
    assert code == 1
    assert said in output


def test_the_trail_is_verified_and_exported(home: Path, tmp_path: Path) -> None:
    assert "empty" in run("audit", "verify")[1]
    run("users", "add", "budi", typed=f"{PASSWORD}\n{PASSWORD}\n")
    run("users", "set-role", "budi", "viewer")
    run("users", "set-role", "budi", "auditor")
    code, output = run("audit", "verify")
    assert code == 0
    assert "3 records" in output
    anchor = output.split("Anchor: ")[1].strip()
    out = tmp_path / "trail.jsonl"
    assert run("audit", "export", "--out", str(out))[0] == 0
    *records, last = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert last == {"anchor": anchor}
    previous = BEFORE_THE_FIRST
    import hashlib

    for record in records:  # as anybody could check it, without chasil
        told = record.pop("hash")
        assert record["previous"] == previous
        assert hashlib.sha256(canonical(record).encode()).hexdigest() == told
        previous = told

    connection = sqlite3.connect(home / "chasil.sqlite")
    connection.execute("DROP TRIGGER trail_no_update")
    with connection:
        connection.execute("UPDATE trail SET who = 'x' WHERE sequence = 2")
    code, output = run("audit", "verify")
    assert code == 1
    assert "Record 2 was altered" in output
    connection.execute("DROP TRIGGER trail_no_delete")
    connection.execute("DROP TRIGGER trail_head_forward")
    with connection:
        connection.execute("DELETE FROM trail WHERE sequence > 1")
        connection.execute(
            "UPDATE trail_head SET sequence = 1, hash = (SELECT hash FROM trail WHERE sequence = 1)"
        )
    connection.close()
    assert run("audit", "verify")[0] == 0  # cut off, and the head moved: only the anchor knows
    code, output = run("audit", "verify", "--anchor", anchor)
    assert code == 1
    assert "newest ones were removed" in output


def test_the_room_opens_with_a_link(home: Path) -> None:
    with Store.open(home) as store:
        fill(store, [item_facts("3216032003001")])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "review", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={"CHASIL_HOME": str(home), "PATH": "", "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        link = said[-1].strip()
        assert link.startswith(f"http://localhost:{port}/sign-in/link?token=")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        until = time.monotonic() + 60
        while True:
            try:
                with opener.open(link) as answer:
                    html = answer.read().decode()
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.1)
        assert "0 dari 1 selesai" in html
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    code, output = run("review", "--port", "1", "--host", "203.0.113.1")
    assert code == 1
    assert "--port" in output
