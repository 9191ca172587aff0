"""The flows ``process``, ``reprocess`` and ``recap`` one after another under Prefect itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.fake_reading import write_photo

TPS = "3216032003001"

SCRIPT = """
if __name__ == "__main__":  # the reading processes, which run this again, need nothing of it
    import json
    import sys
    import time
    from pathlib import Path
    import flows.batch
    import flows.reprocess
    from fixtures import fake_reading
    from flows.pool import Engine
    from flows.recap import recap
    from flows.watch import watch
    from models.records import ConflictKind
    from models.store.selection import Choice
    from models.store.store import Store

    def without_photo():
        with Store.open() as store:
            return store.conflict_counts(store.latest_batch().id)["page_missing"]

    OLD = Engine(load=fake_reading.load, read=fake_reading.read)
    NEW = Engine(load=fake_reading.load_newer, read=fake_reading.read)
    flows.batch.ENGINE = OLD
    flows.batch.run_process([Path(sys.argv[1])], expect="3216032003", workers=1)
    expected = without_photo()
    flows.batch.ENGINE = NEW
    done = flows.reprocess.run_reprocess(Choice(region="3216"), workers=1)
    recap(region="3216032003", levels=("desa",))
    landing = Path(sys.argv[1]).parent / "masuk"
    landing.mkdir()
    (landing / "aside.part").write_text("tps,pemilih_dpt_j\\n3216032003001,200\\n")
    time.sleep(0.05)  # the file system's clock ticks every few ms
    (landing / "aside.part").rename(landing / "a.csv")  # nothing says which election it is of
    same = {"folder": landing, "entries": landing, "workers": 1}
    looks = [watch(**same), watch(**same), watch(**same, election="ppwp"), watch(**same)]
    kept = [one.conflicts[ConflictKind.PAGE_MISSING] for one in (done.summary, *looks) if one]
    print(json.dumps([expected, kept, [one and one.entries.model_dump() for one in looks]]))
    print(done.model_dump_json())
"""


@pytest.mark.slow
def test_run_again_under_prefect(tmp_path: Path, prefect_home: Callable[[Path], None]) -> None:
    prefect_home(tmp_path / "home" / "prefect")
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
    of_watching, of_reprocess = done.stdout.splitlines()
    expected, kept, looks = json.loads(of_watching)
    assert expected > 20
    assert set(kept) == {expected}, "expected TPS are forgotten"
    assert [one and (one["new"], one["unusable"]) for one in looks] == [(0, 1), None, (1, 0), None]
    assert "expected TPS " in done.stderr
    said = json.loads(of_reprocess)
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
    assert flow_runs == [("COMPLETED",)] * 7
    assert keys == {"progress", "conflicts", "summary", "diff", "changes", "recap"}
