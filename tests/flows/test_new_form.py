"""A new form from its blank sheet: what is found, what is proposed, and what comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from typer.testing import CliRunner

from fixtures import village_form
from fixtures.form import plausible_numbers_for
from flows.cli import app
from flows.newform.answers import Answers, AnswersError, answers_as_toml, read_answers
from flows.newform.asking import parse_sum
from flows.newform.build import build
from flows.newform.draft import Draft, draft_of
from flows.newform.labels import named
from flows.newform.naming import column_ending, known_name, name_of_words, without_twins
from flows.newform.numbers import NumberPlace, numbers_on
from flows.newform.open_blank import BlankFormError, open_blank
from flows.newform.picture_print import cells_in, circles_in, ink_of, lines_in, squares_in
from flows.newform.prints import BlankSheet, Print, TextLine
from flows.newform.suggested_sums import suggested_sums
from flows.newform.trial import PageTrial, advice, compared, written_for_trial
from models.forms.draw import draw_page
from models.forms.template import FormSum, FormTemplate, load_form, load_form_file
from models.records import FieldReading, FieldStatus

PLANO = load_form("c-hasil-ppwp-2024")


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "pilkades.pdf"
    village_form.draw_village_form(path)
    return path


@pytest.fixture(scope="module")
def draft(blank: Path) -> Draft:
    return draft_of(open_blank(blank))


def candidates() -> Answers:
    """What a person says of the village's form: its candidates are no paslon."""
    names = {f"suara_paslon_{k}": f"suara_calon_{k}" for k in range(1, village_form.CANDIDATES + 1)}
    return Answers(id="pilkades-2026", fields=names, year=2026)


def looked_at(sheet: BlankSheet) -> Print:
    """A picture's print without its text: no Tesseract."""
    ink = ink_of(sheet)
    lines = lines_in(sheet, ink)
    return Print(
        sheet=sheet,
        lines=lines,
        circles=circles_in(sheet, ink),
        squares=squares_in(sheet),
        texts=(),
        cells=cells_in(sheet.page_mm, lines),
    )


def test_vectors_give_every_box_to_a_hundredth_of_a_mm(draft: Draft) -> None:
    (page,) = draft.pages
    assert [len(one.place.boxes) for one in page.fields] == [3] * len(village_form.FIELDS)
    for row in range(4):
        for column in range(3):
            found = page.fields[3 * row + column].place.boxes
            true = [village_form.box_of(row, column, digit) for digit in range(3)]
            assert np.abs(np.array(found) - np.array(true)).max() < 0.02


def test_names_come_from_the_labels(draft: Draft) -> None:
    expected = [name.replace("calon", "paslon") for name in village_form.FIELDS]
    assert list(draft.names[0]) == expected
    assert draft.title == village_form.TITLE
    assert {mark.name for mark in draft.pages[0].fiducials} == {"TL", "TR", "BL", "BR"}
    assert set(draft.pages[0].header) == {
        "provinsi", "kabupaten", "kecamatan", "kelurahan", "tps",
    }  # fmt: skip
    assert [one.place.words is not None for one in draft.pages[0].fields] == [False] * 12 + [
        True
    ] * 7


def test_the_draft_is_a_form_with_its_own_sums(draft: Draft, tmp_path: Path) -> None:
    built = build(draft, candidates(), source="a test")
    path = tmp_path / "pilkades-2026.json"
    path.write_bytes(built.content)
    form = load_form_file(path)
    assert form.field_names == village_form.FIELDS
    assert form.sums is not None
    assert ("suara_sah", tuple(f"suara_calon_{k}" for k in range(1, 5))) in [
        (line.total, line.parts) for line in form.sums
    ]


def test_answers_make_the_same_form_again(draft: Draft, tmp_path: Path) -> None:
    first = build(draft, candidates(), source="a test")
    path = tmp_path / "answers.toml"
    path.write_text(answers_as_toml(first.answers, first.notes, first.form.sums))
    assert build(draft, read_answers(path), source="another").content == first.content


def test_sums_may_keep_the_proposed_names(draft: Draft) -> None:
    line = FormSum(total="suara_sah", parts=("suara_paslon_1", "suara_paslon_2"), source="line 5")
    answers = candidates().model_copy(update={"sums": (line,)})
    (kept,) = build(draft, answers, source="a test").form.sums or ()
    assert kept.parts == ("suara_calon_1", "suara_calon_2")


def test_an_empty_name_leaves_the_boxes_out(draft: Draft) -> None:
    answers = Answers(fields={"pemilih_dpt_l": "", "pemilih_dpt_j": ""})
    built = build(draft, answers, source="a test")
    assert "pemilih_dpt_l" not in built.form.field_names
    assert len(built.form.pages[0].extra_boxes) == 6


def test_answers_about_a_field_that_is_not_there_are_refused(draft: Draft) -> None:
    with pytest.raises(AnswersError, match="suara_shah"):
        build(draft, Answers(fields={"suara_shah": "suara_sah"}), source="a test")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "fields = 3", "fields"),
        ("a.toml", "[fields", "a.toml"),
        ("a.csv", "field;name\n", "field,name"),
        ("a.json", "{", "a.json"),
        ("a.json", '{"colour": "red"}', "colour"),
    ],
)
def test_a_broken_answers_file_names_the_place(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(AnswersError, match=said):
        read_answers(path)


def test_answers_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("field,name\nfield_3,kartu_rusak\n")
    assert read_answers(path).fields == {"field_3": "kartu_rusak"}


@pytest.fixture(scope="module")
def scanned() -> Print:
    """Page 2 of the large sheet as a picture at 5 px a mm: tallies, totals, bubbles, guides."""
    grey = draw_page(PLANO, PLANO.page(2), 5.0)
    return looked_at(BlankSheet(page_mm=PLANO.page_mm, px_per_mm=5.0, grey=grey))


def test_a_picture_gives_boxes_tallies_and_bubbles(scanned: Print) -> None:
    found = numbers_on(scanned)
    true = PLANO.page(2).fields
    assert len(found) == len(true)
    for place, field in zip(found, true, strict=True):
        assert np.abs(np.array(place.boxes) - np.array(field.boxes)).max() < 0.15
        assert place.tally is not None
        assert field.tally is not None
        assert (place.tally.rows, place.tally.columns) == (field.tally.rows, field.tally.columns)
        assert np.abs(np.array(place.tally.frame) - np.array(field.tally.frame)).max() < 0.2
        assert place.row_totals is not None
        assert field.row_totals is not None
        assert place.row_totals.rows == field.row_totals.rows
        assert place.bubbles is not None
        assert field.bubbles is not None
        assert np.allclose(place.bubbles.columns_x, field.bubbles.columns_x, atol=0.2)
        assert abs(place.bubbles.first_y - field.bubbles.first_y) < 0.2
        assert abs(place.bubbles.pitch_y - field.bubbles.pitch_y) < 0.03
        assert place.guides is not None


def test_a_number_without_print_beside_it_has_no_name(scanned: Print) -> None:
    assert {one.name for one in named(numbers_on(scanned), scanned)} == {None}


@pytest.mark.parametrize(
    ("heading", "name"),
    [("I. DATA ANGGOTA", "anggota_terdaftar"), ("I. SUARA PER CALON", "suara_calon_1")],
)
def test_a_title_about_votes_makes_no_candidates_of_members(heading: str, name: str) -> None:
    """A row is a candidate's where its own section speaks of votes."""
    texts = (
        TextLine("BERITA ACARA PENGHITUNGAN SUARA", (40.0, 20.0, 170.0, 26.0)),
        TextLine(heading, (15.0, 80.0, 90.0, 86.0)),
        TextLine("1. Anggota terdaftar", (18.0, 102.0, 60.0, 108.0)),
    )
    boxes = tuple((80.0 + 9 * place, 100.0, 88.0 + 9 * place, 110.0) for place in range(3))
    sheet = BlankSheet(
        page_mm=(210.0, 297.0), px_per_mm=1.0, grey=np.full((297, 210), 255, np.uint8)
    )
    found = Print(sheet, lines=(), circles=(), squares=(), texts=texts)
    (one,) = named((NumberPlace(boxes),), found)
    assert one.name == name


def test_a_table_without_gaps_is_parted_under_its_heads() -> None:
    form = load_form("c-hasil-salinan-ppwp-2024")
    sheet = BlankSheet(page_mm=form.page_mm, px_per_mm=8.0, grey=draw_page(form, form.page(1), 8.0))
    found = numbers_on(looked_at(sheet))
    assert [len(place.boxes) for place in found] == [3] * 22
    true = sorted(form.page(1).fields, key=lambda field: (round(field.boxes[0][1]), field.boxes[0]))
    for place, field in zip(found, true, strict=True):
        assert np.abs(np.array(place.boxes) - np.array(field.boxes)).max() < 0.25


def test_a_picture_must_say_how_large_the_sheet_is(tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    Image.new("L", (840, 1188), 255).save(path)
    with pytest.raises(BlankFormError, match="how large"):
        open_blank(path)
    with pytest.raises(BlankFormError, match="crop"):
        open_blank(path, (210.0, 210.0))
    (sheet,) = open_blank(path, (210.0, 297.0))
    assert sheet.page_mm == (210.0, 297.0)


def test_a_crooked_scan_is_laid_level(tmp_path: Path) -> None:
    form = load_form("c-hasil-salinan-ppwp-2024")
    path = tmp_path / "scan.png"
    page = Image.fromarray(draw_page(form, form.page(2), 8.0))
    page.rotate(0.7, fillcolor=255, resample=Image.Resampling.BICUBIC).save(path)
    (sheet,) = open_blank(path, form.page_mm)
    assert any("turned" in note for note in sheet.notes)
    assert len(numbers_on(looked_at(sheet))) >= 6


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Jumlah Pemilih dalam Daftar Pemilih Tetap", "pemilih_dpt"),
        ("3. Jumlah pengguna hak pilih dalam Daftar Pemilih Khusus (DPK)", "pengguna_non_dpt"),
        ("4. Jumlah Pengguna Hak Pilih (B.1 + B.2 + B.3)", "pengguna_total"),
        ("Jumlah surat suara yang diterima, 2% dari DPT", "surat_suara_diterima"),
        ("surat suara yang tidak digunakan/tidak terpakai", "surat_suara_tidak_digunakan"),
        ("JUMLAH SELURUH SUARA SAH DAN SUARA TIDAK SAH (A + B)", "suara_total"),
        ("JUMLAH SUARA TIDAK SAH", "suara_tidak_sah"),
        ("JUMLAH SELURUH SUARA SAH (IV.1 + IV.2)", "suara_sah"),
        ("Kartu undangan", None),
    ],
)
def test_known_labels(label: str, name: str | None) -> None:
    assert known_name(label) == name


def test_unknown_labels_and_columns() -> None:
    assert name_of_words("5. Kartu undangan yang dibagikan (lembar)") == "kartu_undangan_dibagikan"
    assert name_of_words("(1)") is None
    assert [column_ending(head) for head in ("LAKI-LAKI (L)", "P", "JUMLAH (L+P)", "(2)")] == [
        "l", "p", "j", None,
    ]  # fmt: skip


@given(st.lists(st.sampled_from([None, "a", "b", "a_2", "field_2"]), max_size=12))
def test_every_name_stands_once(names: list[str | None]) -> None:
    given_names = without_twins(names)
    assert len(set(given_names)) == len(given_names) == len(names)


def test_sums_that_names_suggest_and_that_people_type() -> None:
    names = ["suara_calon_1", "suara_calon_2", "suara_sah", "rusak_l", "rusak_p", "rusak_j"]
    assert [(line.total, line.parts) for line in suggested_sums(names)] == [
        ("rusak_j", ("rusak_l", "rusak_p")),
        ("suara_sah", ("suara_calon_1", "suara_calon_2")),
    ]
    typed = parse_sum("rusak_j = rusak_l + rusak_p", names)
    assert isinstance(typed, FormSum)
    assert typed.parts == ("rusak_l", "rusak_p")
    for wrong in ("rusak_j", "rusak_j = rusak_l + other", "rusak_j = rusak_j + rusak_l", " = "):
        assert isinstance(parse_sum(wrong, names), str)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_numbers_for_any_form_keep_its_sums(seed: int) -> None:
    form = village()
    numbers = plausible_numbers_for(form, np.random.default_rng(seed))
    assert set(numbers) == set(form.field_names)
    for line in form.sums or ():
        assert numbers[line.total] == sum(numbers[part] for part in line.parts)
    assert all(0 <= number <= 999 for number in numbers.values())


@pytest.mark.parametrize("seed", range(4))
def test_the_first_copy_of_a_trial_has_words_and_tallies(seed: int) -> None:
    form = load_form("c-hasil-ppwp-2024")
    fields = [field for page in form.pages for field in page.fields]
    written = [
        written_for_trial(form, copy, np.random.default_rng([seed, copy])) for copy in range(3)
    ]
    assert written[0].words == {field.name for field in fields if field.words is not None}
    assert written[0].tallies == {field.name for field in fields if field.tally is not None}
    assert written[0].words >= written[1].words


def test_later_copies_of_a_trial_lack_words_as_many_writers_do() -> None:
    form = load_form("c-hasil-ppwp-2024")
    worded = [
        bool(written_for_trial(form, 1, np.random.default_rng(seed)).words) for seed in range(12)
    ]
    assert any(worded)
    assert not all(worded)


def village(**changed: object) -> FormTemplate:
    """A small form of one page in the village's names, without print."""
    boxes = [(10.0 + 12 * k, 10.0, 20.0 + 12 * k, 20.0) for k in range(3)]
    fields = [
        {
            "name": name,
            "label": name,
            "boxes": [[x0, y0 + 13 * row, x1, y1 + 13 * row] for x0, y0, x1, y1 in boxes],
        }
        for row, name in enumerate(village_form.FIELDS)
    ]
    data: dict[str, object] = {
        "id": "pilkades-2026",
        "title": village_form.TITLE,
        "election": "other",
        "year": 2026,
        "source": "a test",
        "page_mm": [210.0, 297.0],
        "box_stroke_mm": 0.6,
        "sums": [line.model_dump() for line in suggested_sums(village_form.FIELDS)],
        "pages": [{"number": 1, "title": [village_form.TITLE], "fields": fields}],
    }
    return FormTemplate.model_validate_json(json.dumps(data | changed))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output + (result.stderr or "")


def test_new_and_install_at_the_command_line(
    blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    out = tmp_path / "drafts"
    code, said = run("forms", "new", str(blank), "--id", "pilkades-2026", "--out", str(out))
    assert code == 0, said
    assert "19 fields, 57 boxes" in said
    assert (out / "pilkades-2026-page-1.png").stat().st_size > 10_000
    draft = out / "pilkades-2026.json"
    answers = out / "pilkades-2026-answers.toml"
    answers.write_text(answers.read_text() + "# mine\n")
    assert run("forms", "new", str(blank), "--id", "pilkades-2026", "--out", str(out))[0] == 0
    assert answers.read_text().endswith("# mine\n")
    code, said = run("forms", "install", str(draft))
    assert code == 0, said
    assert load_form("pilkades-2026").field_names[0] == "pemilih_dpt_l"
    assert "pilkades-2026" in run("forms", "list")[1].replace("…", "")
    code, said = run("forms", "install", str(draft))
    assert code != 0
    assert "--replace" in said
    assert run("forms", "install", str(draft), "--replace")[0] == 0  # it is no twin of itself

    # The same template with another title is the same sheet all the same.
    other = json.loads(draft.read_text()) | {"id": "koperasi-2026", "title": "MODEL KOPERASI"}
    other["pages"][0]["title"] = ["MODEL KOPERASI"]
    (out / "other.json").write_text(json.dumps(other))
    code, said = run("forms", "install", str(out / "other.json"))
    assert code == 1
    what, _, remedy = said.partition("What to do: ")
    assert re.search("fits (pilkades|koperasi)-2026 page 1 and .*-2026 page 1 alike", what), what
    assert remedy.startswith("Use the form that is installed")
    assert "koperasi-2026" not in run("forms", "list")[1]


def test_asking_at_the_terminal(blank: Path, tmp_path: Path) -> None:
    answers = ["", "-", *[""] * 17]  # one kept, one left out, the rest kept
    typed = "\n".join([*answers, *["y"] * 8, ""]) + "\n"
    result = CliRunner().invoke(
        app, ["forms", "new", str(blank), "--id", "asked", "--ask", "--out", str(tmp_path)],
        input=typed,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    form = load_form_file(tmp_path / "asked.json")
    assert "pemilih_dpt_p" not in form.field_names
    assert len(form.field_names) == 18


def test_a_sheet_without_boxes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    Image.new("L", (840, 1188), 255).save(path)
    code, said = run("forms", "new", str(path), "--page-mm", "210x297", "--out", str(tmp_path))
    assert code != 0
    assert "no rows of digit boxes" in said


def test_a_drawn_form_is_tried(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn, filled in, photographed and read back; a number read wrongly would show."""
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("flows.newform.trial.TRIAL_CAMERAS", ("scan",))
    path = tmp_path / "pilkades-2026.json"
    path.write_bytes(build(draft, candidates(), source="a test").content)
    code, said = run("forms", "try", str(path), "--copies", "1", "--photos", str(tmp_path / "p"))
    assert code == 0, said
    assert "1 of 1" in said
    (photo,) = (tmp_path / "p").iterdir()
    assert photo.name == "pilkades-2026-page-1-scan-001.jpg"
    row = re.search(r"scan +│ +1 of 1 +│(.*)", said)
    assert row, said
    cells = row[1].split("│")
    clear, review, right, wrong, unseen = (int(cell) for cell in cells[:5])
    assert (clear + review, wrong, unseen) == (19, 0, 0)
    assert right >= review - 1
    assert float(cells[5]) < 0.5


def test_a_number_called_clear_and_not_written_is_a_silent_error() -> None:
    form = village()
    page = form.page(1)
    read = {
        name: FieldReading(value=7, status=FieldStatus.CLEAR, confidence=1.0)
        for name in form.field_names
    }
    found = compared(read, dict.fromkeys(form.field_names, 7) | {"suara_sah": 1}, page, "scan")
    assert found.wrong == ("suara_sah",)
    assert len(found.clear) == 18
    assert any("SILENT ERRORS in suara_sah" in one for one in advice([found], form))
    lost = PageTrial(1, "field", "poor_placement", "its boxes can't be made out", name="a.jpg")
    (first, second) = advice([lost], village())
    assert "a.jpg" in first
    assert "corner marks" in second


def test_words_stand_in_a_column_under_their_head(tmp_path: Path) -> None:
    """Candidates by name beside their number, words in a column of empty cells."""
    path = tmp_path / "blank.pdf"
    named_candidates(path)
    drafted = draft_of(open_blank(path))
    assert drafted.names == (("suara_calon_1", "suara_calon_2", "suara_sah"),)
    levels = [one.place.words for one in drafted.pages[0].fields]
    assert [box and (round(box[1]), round(box[3])) for box in levels] == [
        (60, 72),
        (72, 84),
        (84, 96),
    ]
    assert drafted.pages[0].header.keys() == {"kabupaten", "tps"}
    answers = Answers(words={"suara_sah": "", "suara_calon_1": (90.0, 61.0, 140.0, 71.0)})
    form = build(drafted, answers, source="a test").form
    assert form.pages[0].field("suara_sah").words is None
    assert form.pages[0].field("suara_calon_1").words == (90.0, 61.0, 140.0, 71.0)


def named_candidates(path: Path) -> None:
    """A small sheet as village offices make them: no marks, a table with a column for words."""
    canvas = Canvas(str(path), pagesize=(210 * mm, 148 * mm))

    def text(x: float, y: float, said: str) -> None:
        canvas.drawString(x * mm, (148 - y) * mm, said)

    canvas.setFont("Helvetica", 10)
    text(70, 20, "PEMILIHAN KEPALA DESA")
    text(15, 30, "Nomor TPS ..............................")
    text(100, 30, "Kabupaten ..............................")
    text(15, 46, "II. PEROLEHAN SUARA CALON")
    for row, said in enumerate(("", "SITI AMINAH", "YUSUF HIDAYAT", "Jumlah suara sah")):
        top, high = (50, 10) if row == 0 else (48 + 12 * row, 12)
        edges = [(15, 25), (25, 85), (85, 150)]
        if row == 3:
            edges[:2] = [(15, 85)]
        for x0, x1 in edges + [(x, x + 12) for x in (150, 162, 174)][: 3 if row else 0]:
            canvas.rect(x0 * mm, (148 - top - high) * mm, (x1 - x0) * mm, high * mm)
        text(28, top + 7, said)
        if 0 < row < 3:
            text(18, top + 7, str(row))
    text(16, 57, "No")
    text(40, 57, "Nama calon")
    text(90, 57, "Suara (dengan huruf)")
    canvas.save()


def locked_pdf(path: Path) -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption("rahasia", ownerPassword="x"))
    canvas.drawString(10, 10, "blank")
    canvas.save()


def plain_pdf(path: Path) -> None:
    canvas = Canvas(str(path))
    canvas.drawString(100, 100, "no boxes at all")
    canvas.save()


@pytest.mark.parametrize(
    ("name", "made", "said", "to_do"),
    [
        ("locked.pdf", locked_pdf, "protected by a password", "without one"),
        ("plain.pdf", plain_pdf, "no rows of digit boxes", "--page-mm"),
        (
            "broken.pdf",
            lambda path: path.write_bytes(b"%PDF-1.4 and no more"),
            "no PDF",
            "Give a PDF",
        ),
        ("small.png", lambda path: Image.new("L", (210, 297), 255).save(path), "25 dpi", "200 dpi"),
        ("text.png", lambda path: path.write_bytes(b"hello"), "no picture", "Give a PDF"),
    ],
)
def test_a_blank_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, name: str, made: Callable[[Path], object], said: str, to_do: str
) -> None:
    made(tmp_path / name)
    size = ("--page-mm", "210x297") if name.endswith("png") else ()
    code, told = run("forms", "new", str(tmp_path / name), *size, "--out", str(tmp_path / "out"))
    assert code == 1
    what, _, remedy = told.partition("What to do: ")
    assert said in what
    assert to_do in remedy
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers(fields={"suara_paslon_1": "budi", "suara_paslon_2": "budi"}), "both called budi"),
        (Answers(fields={"suara_paslon_1": "Budi S."}), "can't be a field's name"),
        (Answers(id="Pilkades 2026"), "no id of a form"),
        (Answers(page_titles={"2": ("Hal 2",)}), "page_titles speaks of page 2"),
        (Answers(labels={"suara_shah": "Suara sah"}), "labels speaks of suara_shah"),
        (Answers(words={"suara_shah": ""}), "words speaks of suara_shah"),
        (Answers(sums=(FormSum(total="suara_sha", parts=("suara_total",), source="x"),)),
         "did you mean suara_sah"),
        (Answers(fields={"suara_tidak_sah": ""},
                 sums=(FormSum(total="suara_total", parts=("suara_tidak_sah",), source="x"),)),
         "whose boxes the answers leave out"),
    ],
)  # fmt: skip
def test_answers_that_contradict_the_sheet_are_told(
    draft: Draft, answers: Answers, said: str
) -> None:
    with pytest.raises(AnswersError, match=said):
        build(draft, answers, source="a test")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[page_titles]\n1 = "Hal 1"\n',
            r'page_titles 1 must be a list in brackets: \["…", "…"\]$',
        ),
        (
            '[[sums]]\ntotal = "a"\nparts = ["b"]\nsource = "c"\ncopy_of = "d"\n',
            r"toml: copy_of stands below a \[\[sums\]\].*put it above \[fields\]$",
        ),
    ],
)
def test_a_slip_in_the_answers_is_said_in_words_of_the_file(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(AnswersError, match=said):
        read_answers(path)


def test_what_the_answers_show_as_comments_can_be_taken(draft: Draft, tmp_path: Path) -> None:
    first = build(draft, candidates(), source="a test")
    text = answers_as_toml(first.answers, first.notes, first.form.sums, first.form)
    shown = [line for line in text.splitlines() if line.startswith("# ") and "copy_of" not in line]
    bare = {line: line.removeprefix("# ") for line in shown if " = [" in line or "# [" in line}
    for line, without in bare.items():
        text = text.replace(line, without)
    path = tmp_path / "answers.toml"
    path.write_text(text)
    said = read_answers(path)
    assert said.header
    assert said.words
    assert said.page_titles
    assert build(draft, said, source="a test").content == first.content


TAGGED = {"tag_family": "DICT_APRILTAG_36h10"}


def put(folder: Path, form: FormTemplate, tag: int | None = None, **changed: object) -> Path:
    data = json.loads(form.model_dump_json(exclude={"digest", "enlargement"})) | changed
    if tag is not None:
        data["pages"][0]["tag"] = {"id": tag, "box": [1, 1, 9, 9], "quarter_turns": 0}
        data = TAGGED | {key: value for key, value in data.items() if value is not None}
    path = folder / f"{data['id']}-draft.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("changed", "tag", "said", "to_do"),
    [
        ({"id": "c1-ppwp-2019"}, None, "comes with chasil", "another id"),
        ({}, 101, "square code 101 .* c-hasil-ppwp-2024, page 1", "remove the other"),
        ({"id": "twin"}, 7, "square code 7 .* first, page 1", "remove the other"),
        ({"tag_family": "DICT_NONSENSE"}, 7, "no family of square codes", "DICT_APRILTAG_36h10"),
        ({}, 99_999, "has the codes 0 to 2319", "DICT_APRILTAG_36h10"),
        ({"copy_of": "nothing"}, None, "nothing, which is not installed", "copy_of"),
        ({"copy_of": "c-hasil-ppwp-2024"}, None, "has no field suara_calon_1", "copy_of"),
    ],
)
def test_a_form_that_clashes_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, object], tag: int | None, said: str, to_do: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    first = put(tmp_path, village(id="first"), 7)
    assert run("forms", "install", str(first))[0] == 0
    code, told = run("forms", "install", str(put(tmp_path, village(), tag, **changed)))
    assert code == 1
    what, _, remedy = told.partition("What to do: ")
    assert re.search(said, what), what
    assert to_do in remedy
    assert [path.name for path in (tmp_path / "home" / "forms").iterdir()] == ["first.json"]


def test_the_official_sheet_comes_out_as_it_was_measured_by_hand(shared: Path) -> None:
    sheets = open_blank(shared / "forms" / "C.HASIL-PPWP.pdf")
    lines = sheets[1].lines
    assert lines is not None
    found = numbers_on(
        Print(
            sheet=sheets[1],
            lines=lines,
            circles=sheets[1].circles or (),
            squares=(),
            texts=(),
            cells=cells_in(sheets[1].page_mm, lines),
        )
    )
    for place, field in zip(found, PLANO.page(2).fields, strict=True):
        assert np.abs(np.array(place.boxes) - np.array(field.boxes)).max() < 0.02
        assert place.bubbles is not None
        assert place.bubbles.columns_x == pytest.approx((465.0, 488.5, 512.0), abs=0.02)
