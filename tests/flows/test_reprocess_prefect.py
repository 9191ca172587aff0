"""The flows ``process``, ``reprocess`` and ``recap`` one after another under Prefect itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from fixtures.fake_reading import write_photo

TPS = "3216032003001"

SCRIPT = """
import sys
from pathlib import Path
import flows.batch
import flows.reprocess
from fixtures import fake_reading
from flows.pool import Engine
from flows.recap import recap
from models.store.selection import Choice

OLD = Engine(load=fake_reading.load, read=fake_reading.read)
NEW = Engine(load=fake_reading.load_newer, read=fake_reading.read)
if __name__ == "__main__":
    flows.batch.ENGINE = OLD
    flows.batch.run_process([Path(sys.argv[1])], workers=1)
    flows.reprocess.ENGINE = NEW
    done = flows.reprocess.run_reprocess(Choice(region="3216"), workers=1)
    recap(region="3216032003", levels=("desa",))
    print(done.model_dump_json())
"""


def test_run_again_under_prefect(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_photo(photos / f"{TPS}-2.jpg", 2, {"suara_paslon_1": 24}, newer={"suara_paslon_1": 25})
    write_photo(photos / "3171010001001-2.jpg", 2, {"suara_paslon_1": 7}, salt="elsewhere")
    (tmp_path / "main.py").write_text(SCRIPT)
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
    }
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), str(photos)],
        env=known | {"CHASIL_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["summary"]["photos"], said["summary"]["pages_read_now"]) == (1, 1)
    (field,) = said["diff"]["fields"]
    assert (field["tps"], field["old"], field["new"], field["why"], field["parts"]) == (
        *(TPS, 24, 25),
        *("new_recipe", ["recognisers"]),
    )
    prefect = sqlite3.connect(tmp_path / "home" / "prefect" / "prefect.db")
    flow_runs = prefect.execute("SELECT state_type FROM flow_run").fetchall()
    keys = {key for (key,) in prefect.execute("SELECT key FROM artifact")}
    prefect.close()
    assert flow_runs == [("COMPLETED",)] * 3
    assert keys == {"conflicts", "summary", "diff", "changes", "recap"}
