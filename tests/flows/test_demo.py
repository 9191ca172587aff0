"""The main job, whole, as a newcomer meets it: everything that was put wrong comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flows.comparing import compare_store
from models.regions import load_regions
from models.store.store import Store


def chasil(folder: Path, *arguments: str, home: Path | None = None) -> str:
    known = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    own = {
        "HOME": str(folder),
        "CHASIL_HOME": str(home or folder / "untouched"),
        "PREFECT_HOME": str(folder / "prefect"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=known | own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_demo_finds_every_error_that_was_put_in(
    tmp_path: Path, prefect_home: Callable[[Path], None]
) -> None:
    prefect_home(tmp_path / "prefect")
    shown = chasil(tmp_path, "demo", "demo")
    assert "Conflicts, the most urgent first" in shown
    assert "padding read as 8" in shown
    assert "chasil read demo/photos/" in shown
    assert not (tmp_path / "untouched").exists()

    home = tmp_path / "demo" / "home"
    found = json.loads(chasil(tmp_path, "conflicts", "--format", "json", home=home))
    expected = json.loads((tmp_path / "demo" / "expected.json").read_text())
    missed = [
        wanted
        for wanted in expected["conflicts"]
        if not any(
            all(conflict[name] == value for name, value in wanted.items() if value is not None)
            for conflict in found
        )
    ]
    assert missed == []

    told = {one["tps"] for one in expected["conflicts"] if one["kind"] == "wrong_tps"}
    # The photo of TPS 015 that is also filed under 016 may be found out too.
    astray = {one["tps"] for one in found if one["kind"] == "wrong_tps"}
    assert told <= astray <= told | {"3216032003016"}

    wrong = [
        conflict
        for conflict in found
        if conflict["kind"] == "value_mismatch"
        and conflict["confidence"] > 0.99
        and conflict["reading"] != expected["tps"][conflict["tps"]]["paper"][conflict["field"]]
    ]
    assert wrong == []

    # What was kept of that run's readings says what the readings say themselves.
    regions = load_regions()
    with Store.open(home) as store:
        batch = store.latest_batch()
        assert batch is not None
        kept, anew = (
            list(compare_store(store, batch.recipe, regions=regions, anew=is_anew))
            for is_anew in (False, True)
        )
    assert not any(compared.worked_out for compared in kept)
    assert any(compared.worked_out for compared in anew)
    assert kept == [replace(compared, worked_out=()) for compared in anew]
