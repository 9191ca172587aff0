"""The command line: what a person types, sees, and gets when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from flows.cli import app
from models.records import Conflict, ConflictKind, Entry
from models.store.store import Store

FORM = "c-hasil-ppwp-2024"
TPS = "3216032003001"
OTHER_TPS = "3216032003002"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def chasil(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def output(*arguments: str | Path, stdin: str | None = None) -> str:
    """What a command that succeeds prints."""
    result = chasil(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


# Help and errors


@pytest.mark.parametrize(
    "command",
    [
        [],
        *(["demo"], ["process"], ["conflicts"], ["read"], ["read-boxes"]),
        *(["entries"], ["entries", "import"], ["entries", "show"]),
        *(["regions"], ["regions", "list"]),
        *(["forms"], ["forms", "list"], ["forms", "draw"], ["forms", "check"]),
    ],
)
def test_every_command_has_help(command: list[str]) -> None:
    assert f"Usage: chasil {' '.join(command)}".rstrip() in output(*command, "--help")


def test_version() -> None:
    assert output("--version").startswith("chasil 0.")


LIGHT = """
import sys
from flows.cli import app
from typer.testing import CliRunner
result = CliRunner().invoke(app, sys.argv[2:])
assert result.exit_code == 0, result.output
heavy = sys.argv[1].split(",")
print(*[name for name in heavy if name in sys.modules], sep=",")
"""


@pytest.mark.parametrize(
    ("heavy", "command"),
    [
        ("prefect,cv2,onnxruntime,sqlalchemy,numpy", ["--help"]),
        ("prefect,cv2,onnxruntime,sqlalchemy,numpy", ["process", "--help"]),
        ("prefect,cv2,onnxruntime", ["conflicts"]),
        ("prefect,sqlalchemy", ["read", "nothing.jpg"]),
        ("prefect,sqlalchemy", ["read-boxes", "nothing.jpg"]),
    ],
)
def test_commands_import_only_what_they_need(heavy: str, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, heavy, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["forms", "draw", "no-such-form"], "no form 'no-such-form' is installed"),
        (["forms", "draw", FORM, "--page", "9"], "has pages 1 to 3, not 9"),
        (["forms", "draw", FORM, "--out", "page.doc"], "page.doc"),
        (["forms", "check", "missing.json"], "missing.json"),
        (["entries", "import", "."], "no numbers of any TPS"),
        (["conflicts", "--out", "no/such/folder.csv"], "No such file or directory"),
        (["read-boxes"], "no pictures of boxes were named"),
        (["read-boxes", "--from-file", "gone.txt"], "gone.txt"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(command: list[str], said: str) -> None:
    result = chasil(*command)
    assert result.exit_code == 1
    assert f"Error: {result.stderr.partition('Error: ')[2]}" in result.stderr
    assert said in result.stderr
    assert "What to do: " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["process", "no-such-folder"],
        ["entries", "show", "12"],
        ["conflicts", "--kind", "nonsense"],
        ["conflicts", "--region", "Bekasi"],
        ["read", "a.jpg", "--tps", "321603200300x"],
        ["forms", "draw", FORM, "--page", "0"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(command: list[str]) -> None:
    assert chasil(*command).exit_code == 2


def test_a_home_that_cannot_be_used(home: Path) -> None:
    home.write_text("a file, not a folder")
    result = chasil("conflicts")
    assert result.exit_code == 1
    assert "CHASIL_HOME" in result.stderr


# read


def test_read_gives_one_line_a_photo(shared: Path, tmp_path: Path) -> None:
    good = shared / "photos" / "c-hasil-ppwp-2024" / "klaten-cawas-baran-001-p2.png"
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    missing = tmp_path / "missing.jpg"
    lines = output("read", good, broken, missing, "--json", "--tps", TPS).splitlines()
    pages = {page["photo"]: page for page in map(json.loads, lines)}
    read = pages[str(good)]
    assert (read["form"], read["page"], read["status"], read["tps"]) == (FORM, 2, "read", TPS)
    assert len(read["sha256"]) == 64
    assert read["placement"]["method"]
    assert {name: field["value"] for name, field in read["fields"].items()} == {
        "suara_paslon_1": 24,
        "suara_paslon_2": 73,
        "suara_paslon_3": 74,
    }
    assert set(read["fields"]["suara_paslon_1"]["witnesses"]) == {
        *("digits", "bubbles", "tally", "words")
    }
    for photo, code in ((broken, "not_an_image"), (missing, "unreadable_file")):
        rejected = pages[str(photo)]
        assert rejected["status"] == "rejected"
        assert rejected["error"]["code"] == code
        assert rejected["error"]["remedy"]
        assert "fields" not in rejected


def test_read_for_people_with_pictures(shared: Path, tmp_path: Path) -> None:
    photo = shared / "photos" / "c-hasil-ppwp-2024" / "klaten-cawas-baran-001-p2.png"
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    shown = output("read", photo, "--overlay", "seen.png", "--steps", "steps")
    assert "suara_paslon_3" in shown
    assert "74" in shown
    overlay = cv2.imread("seen.png")
    assert overlay is not None
    assert overlay.shape[2] == 3
    steps = tmp_path / "steps" / photo.stem
    assert sorted(path.stem for path in steps.iterdir()) == [
        *("1-opened", "2-placed", "3-cut", "4-witnessed", "5-read")
    ]
    output("read", photo, broken, "--overlay", "folder")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [f"{photo.stem}.jpg"]


def test_steps_of_a_photo_that_shows_no_form_end_where_it_ends(tmp_path: Path) -> None:
    cv2.imwrite("wall.png", np.full((1000, 800), 200, np.uint8))
    assert "rejected" in output("read", "wall.png", "--steps", "steps")
    steps = tmp_path / "steps" / "wall"
    assert {path.name for path in steps.iterdir()} == {"1-opened.png", "stopped-here.txt"}


# read-boxes


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    folder = tmp_path / "boxes"
    folder.mkdir()
    for number in range(3):
        box = np.full((40, 40), 230, np.uint8)
        cv2.rectangle(box, (2, 2), (37, 37), 30, 1)
        cv2.imwrite(str(folder / f"{number}.png"), box)
    whole = (folder / "2.png").read_bytes()
    (folder / "3.png").write_bytes(whole[:-20])
    (folder / "4.png").write_bytes(b"")
    (folder / "5.txt").write_text("no picture")
    return folder


def test_read_boxes_gives_one_line_a_picture(boxes: Path) -> None:
    lines = [json.loads(line) for line in output("read-boxes", boxes, "--json").splitlines()]
    assert [Path(line["photo"]).name for line in lines] == [
        *("0.png", "1.png", "2.png", "3.png", "4.png", "5.txt")
    ]
    for line in lines[:3]:
        assert line["label"] == "blank"
        assert line["confidence"] == max(line["probabilities"].values())
        assert sum(line["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
        assert "error" not in line
    assert [line["error"]["code"] for line in lines[3:]] == [
        *("truncated", "empty", "not_an_image")
    ]
    assert all("label" not in line for line in lines[3:])


def test_read_boxes_takes_lists(boxes: Path, tmp_path: Path) -> None:
    listed = f"{boxes / '0.png'}\n{boxes / '1.png'}\n"
    (tmp_path / "list.txt").write_text(listed)
    expected = [f"{boxes / '0.png'}: blank", f"{boxes / '1.png'}: blank"]
    for shown in (
        output("read-boxes", "-", stdin=listed),
        output("read-boxes", "--from-file", "list.txt"),
    ):
        assert [line.rpartition(" (")[0] for line in shown.splitlines()] == expected


# conflicts


@pytest.fixture
def found() -> list[Conflict]:
    conflicts = [
        Conflict(
            tps=tps,
            form=FORM,
            field=f"suara_paslon_{number}",
            kind=kind,
            entry=824,
            reading=24,
            confidence=0.9996,
            votes=800,
            priority=priority,
            photo="=1+1.jpg",
        )
        for number, (tps, kind, priority) in enumerate(
            [
                (TPS, ConflictKind.VALUE_MISMATCH, 30.0),
                (TPS, ConflictKind.RULE_BROKEN_IN_ENTRY, 20.0),
                (OTHER_TPS, ConflictKind.VALUE_MISMATCH, 10.0),
            ],
            start=1,
        )
    ]
    with Store.open() as store:
        batch = store.begin_batch("a" * 64)
        store.save_conflicts(batch, conflicts)
        store.finish_batch(batch, {})
    return conflicts


def test_conflicts_before_any_run() -> None:
    result = chasil("conflicts", "--format", "json")
    assert json.loads(result.stdout) == []
    assert "begin with `chasil process`" in result.stderr


def as_conflict(item: dict[str, object]) -> Conflict:
    """An exported row without the names of its regions."""
    names = {"kecamatan", "desa"}
    return Conflict.model_validate({name: item[name] for name in item.keys() - names})


def test_conflicts_as_json(found: list[Conflict]) -> None:
    items = json.loads(output("conflicts", "--format", "json"))
    assert [as_conflict(item) for item in items] == found
    assert items[0]["kind"] == "value_mismatch"
    assert (items[0]["kecamatan"], items[0]["desa"]) == ("SUKAWANGI", "SUKADAYA")


def test_an_unknown_field_is_no_empty_list(found: list[Conflict]) -> None:
    assert found
    result = chasil("conflicts", "--field", "suara_paslon_11")
    assert result.exit_code == 2
    assert "suara_paslon_1" in result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--kind", "value_mismatch"], [0, 2]),
        (["--kind", "value_mismatch", "--kind", "rule_broken_in_entry"], [0, 1, 2]),
        (["--tps", OTHER_TPS], [2]),
        (["--region", "3216032003"], [0, 1, 2]),
        (["--region", "3173"], []),
        (["--field", "suara_paslon_2"], [1]),
        (["--limit", "2"], [0, 1]),
    ],
)
def test_conflicts_filtered(found: list[Conflict], options: list[str], expected: list[int]) -> None:
    items = json.loads(output("conflicts", "--format", "json", *options))
    assert [as_conflict(item) for item in items] == [found[one] for one in expected]


@pytest.mark.usefixtures("found")
def test_conflicts_go_where_they_are_sent(tmp_path: Path) -> None:
    output("conflicts", "--format", "xlsx")
    sheet = load_workbook(tmp_path / "conflicts.xlsx").active
    assert sheet is not None
    assert sheet.max_row == 4
    output("conflicts", "--out", "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4
    assert "'=1+1.jpg" in (tmp_path / "out.csv").read_text()
    output("conflicts", "--out", "out.json")
    assert len(json.loads((tmp_path / "out.json").read_text())) == 3
    output("conflicts", "--out", "out.txt")
    assert "rule broken in entry" in (tmp_path / "out.txt").read_text()


@pytest.mark.usefixtures("found")
def test_a_table_that_is_cut_says_so() -> None:
    result = chasil("conflicts", "--limit", "2")
    assert OTHER_TPS not in result.stdout
    assert "first 2" not in result.stderr


# entries, regions, forms


def test_entries_are_imported_and_shown(tmp_path: Path) -> None:
    item = {"kode": TPS, "chart": {"100025": 24, "100026": None}, "ts": "2024-02-15 00:41:44"}
    (tmp_path / "a.json").write_text(json.dumps([item, {"kode": "12", "chart": None}]))
    item |= {"chart": {"100025": 824, "100026": None}, "ts": "2024-02-16 00:41:44"}
    (tmp_path / "b.json").write_text(json.dumps([item]))
    result = chasil("entries", "import", "a.json")
    assert result.stdout.startswith("1 new, 0 revised, 0 unchanged, 1 not usable")
    assert "a TPS code has 13 digits" in result.stderr
    assert output("entries", "import", "a.json").startswith("0 new, 0 revised, 1 unchanged")
    assert output("entries", "import", "b.json").startswith("0 new, 1 revised")
    shown = output("entries", "show", TPS)
    (row,) = [line for line in shown.splitlines() if "suara_paslon_1" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["suara_paslon_1", "24", "824"]
    revisions = json.loads(output("entries", "show", TPS, "--json"))
    assert [one["revision"] for one in revisions] == [1, 2]
    assert [one["fields"]["suara_paslon_1"] for one in revisions] == [24, 824]
    assert "Nothing was ever imported" in output("entries", "show", OTHER_TPS)


def test_entries_of_several_forms_stand_apart() -> None:
    with Store.open() as store:
        store.add_entries(
            Entry(tps=TPS, form=form, fields={"suara_sah": 7}, source="a.csv")
            for form in (FORM, "another-form")
        )
    shown = output("entries", "show", TPS)
    assert FORM in shown
    assert "another-form" in shown


@pytest.mark.parametrize(
    ("prefix", "shown", "not_shown"),
    [
        ("", "321603", "321603200"),
        ("321603", "3216032003", "3216032003001"),
        ("3216032003", TPS, "3216032004"),
        (TPS, "TPS 001", "TPS 002"),
    ],
)
def test_regions(prefix: str, shown: str, not_shown: str) -> None:
    listed = output("regions", "list", prefix)
    assert shown in listed
    assert not_shown not in listed


def test_a_region_that_is_not_in_the_table() -> None:
    assert chasil("regions", "list", "99").exit_code == 1


def test_forms_are_listed_drawn_and_checked(tmp_path: Path) -> None:
    assert FORM in output("forms", "list")
    output("forms", "draw", FORM, "--page", "2", "--px-per-mm", "1")
    page = cv2.imread(f"{FORM}-page-2.png")
    assert page is not None
    assert page.shape == (900, 600, 3)
    output("forms", "draw", FORM, "--page", "2", "--px-per-mm", "1", "--fields", "--out", "f.png")
    fields = cv2.imread("f.png")
    assert fields is not None
    assert (fields != page).any()
    from importlib.resources import files

    content = (files("models.forms") / f"{FORM}.json").read_bytes()
    (tmp_path / "mine.json").write_bytes(content)
    assert "3 pages, 28 fields, 84 digit boxes" in output("forms", "check", "mine.json")
    (tmp_path / "mine.json").write_bytes(content.replace(b'"pages"', b'"sides"', 1))
    broken = chasil("forms", "check", "mine.json")
    assert broken.exit_code == 1
    assert "mine.json: pages: " in broken.stderr
