"""Pages of party elections: one election at a time, parties in rows, candidates below them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from fixtures.party_entries import PartyDefect, write_tree
from flows.checking import check_entries
from flows.importing import import_entries
from models.elections import Election, parties_standing
from models.party_fields import total
from models.people import Role
from models.regions import load_regions
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.answers import PaperSays, Says
from review.app import create_app
from review.passwords import csrf_token, new_token, token_hash
from review.web.parts import SESSION_COOKIE

CODES = load_regions().tps("3216032001")[:7]
WRONG, MOVED, DPT = CODES[0], CODES[1], CODES[2]
DPR, DPD, PPWP = Election.DPR.form, Election.DPD.form, Election.PPWP.form


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("party")
    root = write_tree(
        folder,
        CODES,
        defects={
            (WRONG, Election.DPR): PartyDefect.TOTAL_WRONG,
            (MOVED, Election.DPRDK): PartyDefect.TOTALS_MOVED,
            (DPT, Election.DPD): PartyDefect.DPT_DIFFERS,
        },
    )
    with Store.open(folder / "home") as opened:
        import_entries(opened, root)
        check_entries(opened)
        opened.accounts.add("citra", Role.SUPERVISOR, by="test")
        opened.accounts.add("budi", Role.AUDITOR, by="test")
        yield opened


def client_of(store: Store, name: str) -> TestClient:
    token = new_token()
    soon = datetime.now(UTC) + timedelta(hours=1)
    store.accounts.begin_session(name, token_hash(token), soon, how="link")
    client = TestClient(create_app(store, fresh_seconds=0), base_url="https://testserver")
    client.cookies.set(SESSION_COOKIE, token)
    return client


@pytest.fixture(scope="module")
def citra(store: Store) -> TestClient:
    return client_of(store, "citra")


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def get(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.text


def test_the_dashboard_shows_one_election(citra: TestClient, store: Store) -> None:
    page = get(citra, f"/regions/321603?form={DPR}")
    text = text_of(page)
    assert re.search(r'href="/regions/321603\?form=c-hasil-dpr-2024" aria-current="true"', page)
    totals = {one.field: one for one in store.queue.totals("321603", form=DPR)}
    golkar = totals["suara_partai_4_total"]
    assert golkar.entry_known == 7
    shown = f"{golkar.entry:,}".replace(",", ".")
    assert f"4 Golkar, jumlah partai dan calon {shown} dari 7 TPS – dari 0 TPS" in text
    assert page.count('<details class="party">') == 18
    assert "Suara sah paslon 1" not in text
    # Candidates stand below their party, by name.
    names = store.candidate_names(DPR)
    first = next(name for field, name in names.items() if field.startswith("suara_partai_4_"))
    assert first in text


def test_the_presidential_election_is_shown_first(citra: TestClient) -> None:
    for path in ("/regions/321603", "/kecamatan/321603", f"/tps/{WRONG}"):
        text = text_of(get(citra, path))
        assert "uara sah paslon 1" in text, path
        assert "Golkar" not in text, path
    assert "uara sah paslon 1" in text_of(get(citra, "/regions/321603?form=nonsense"))


def test_tps_count_once_whatever_the_number_of_elections(citra: TestClient) -> None:
    text = text_of(get(citra, f"/regions/3216032001?form={DPR}"))
    assert "0 0 0" in text
    assert f"Jumlah {len(load_regions().tps('3216032001'))} " in text


def test_columns_of_a_kecamatan_can_be_chosen(citra: TestClient) -> None:
    chosen = get(citra, f"/kecamatan/321603?form={DPR}&column=4&column=24")
    head = text_of(chosen[chosen.index("<thead>") : chosen.index("</thead>")])
    sums = "Jumlah suara sah Jumlah suara tidak sah Jumlah suara sah dan tidak sah"
    assert " ".join(head.split()) == f"TPS 4 Golkar 24 Ummat {sums} Keadaan"
    whole = get(citra, f"/kecamatan/321603?form={DPR}")
    assert "6 dari 18 ditampilkan" in text_of(whole)
    persons = text_of(get(citra, f"/kecamatan/321603?form={DPD}"))
    assert "6 dari 54 ditampilkan" in persons
    assert citra.get(f"/kecamatan/321603?form={DPR}&column=x").status_code == 422


def test_without_photos_only_what_does_not_add_up_is_marked(citra: TestClient) -> None:
    page = get(citra, f"/kecamatan/321603?form={DPR}")
    text = text_of(page)
    assert "1 dari 142 TPS memuat angka" in text
    row = page[page.index(f"/tps/{WRONG}") :]
    row = text_of(row[: row.index("</tr>")])
    assert "◆" in row
    only = get(citra, f"/kecamatan/321603?form={DPR}&only=differs")
    assert re.findall(r"/tps/(\d{13})", only) == [WRONG]


def test_a_tps_has_its_parties_in_groups(citra: TestClient) -> None:
    page = get(citra, f"/tps/{WRONG}?form={DPR}")
    text = text_of(page)
    assert page.count('<details class="party"') == 18
    assert text.index("Pemilih dalam DPT, laki-laki") < text.index("Jumlah suara sah ")
    assert "DPR: Jumlah suara sah" in text  # the item
    assert "Calon" not in text_of(get(citra, f"/tps/{WRONG}?form={PPWP}"))


def test_the_queue_is_filtered_by_election(citra: TestClient) -> None:
    text = text_of(get(citra, f"/queue?form={Election.DPRDK.form}"))
    assert "DPRD kab/kota:" in text
    assert "DPR:" not in text
    for name in ("Presiden", "DPR", "DPD", "DPRD provinsi", "DPRD kab/kota"):
        assert f">{name}</option>" in get(citra, "/queue")


def reveal(store: Store, client: TestClient, field: str | None, form: str, rule: str) -> str:
    """Answer an item blind, so that its page shows everything."""
    found = store.queue.items(ItemFilter(form=form, field=field), limit=500).items
    item = next(one for one in found if one.rule == rule)
    user = store.accounts.find("citra")
    assert user is not None
    desk = client.app.state.room.desk  # type: ignore[attr-defined]
    held = desk.claim(user, item.id)
    desk.answer(user, item.id, held.version, PaperSays(says=Says.NOT_SHOWN, number=None))
    return text_of(get(client, f"/items/{item.id}"))


def test_an_items_sum_names_every_row(store: Store, citra: TestClient) -> None:
    text = reveal(store, citra, None, DPR, "party_total_is_its_rows")
    assert "Suara partai + semua calon = jumlah partai" in text
    assert re.search(r"\+ \d+ \w+, [A-Z]+ [A-Z]+ \(\d+\) \(\d{6}\)", text)  # a candidate by name
    assert "Jumlah semua partai = suara sah" in text
    assert "(+800)" in text


def test_long_sums_fold_their_zeros_only(store: Store, citra: TestClient) -> None:
    text = reveal(store, citra, "suara_sah", DPR, "party_totals_are_suara_sah")
    (entry,) = [one for one in store.latest_entries([WRONG]) if one.form == DPR]
    totals = [entry.fields[total(party)] for party in parties_standing(Election.DPR)]
    zeros = totals.count(0)
    assert zeros
    assert f"{zeros} baris lain, semuanya 0" in text
    assert text.count("jumlah partai dan calon") == 18 - zeros


def test_a_finding_across_elections_has_both_numbers(store: Store, citra: TestClient) -> None:
    text = reveal(store, citra, "pemilih_dpt_j", DPD, "pemilih_dpt_is_same_everywhere")
    numbers = {one.form: one.fields["pemilih_dpt_j"] for one in store.latest_entries([DPT])}
    here, there = numbers[DPD], numbers[PPWP]
    assert f"Formulir DPD menulis {here}, formulir Presiden, DPR, DPRD provinsi" in text
    assert "DPT sama di semua pemilu" in text
    assert f"PPWP: Pemilih dalam DPT, jumlah {there}" in text


def test_auditors_see_no_number_that_waits(store: Store) -> None:
    client = client_of(store, "budi")
    form = Election.DPRDK.form
    waiting = store.queue.items(ItemFilter(tps=MOVED, form=form), limit=50).items
    hidden = {item.field for item in waiting}
    assert len(hidden) > 1
    page = get(client, f"/tps/{MOVED}?form={form}")
    assert page.count('colspan="4"') == len(hidden)  # a row that says only that it waits
    summaries = re.findall(r"<summary>(.*?)</summary>", page, flags=re.DOTALL)
    assert len(summaries) == 18
    for summary in summaries:
        party = re.findall(r"(\d+)", summary)[0]
        has_number = 'class="number"' in summary
        assert has_number == (f"suara_partai_{party}_total" not in hidden), summary


def test_the_record_names_elections_and_parties(citra: TestClient) -> None:
    token = csrf_token(citra.cookies["chasil_session"])
    answer = citra.post("/reports/kecamatan/321603", data={"csrf": token, "format": "html"})
    text = text_of(answer.text)
    assert "DPR: 4 Golkar, jumlah partai dan calon" in text
    assert "DPRD kab/kota: Jumlah suara sah" in text


def test_english(citra: TestClient) -> None:
    citra.cookies.set("chasil_language", "en")
    try:
        for path in (
            f"/regions/321603?form={DPR}",
            f"/kecamatan/321603?form={DPR}",
            f"/tps/{WRONG}?form={DPD}",
        ):
            assert "DPR (House)" in text_of(get(citra, path))
    finally:
        citra.cookies.delete("chasil_language")


def test_nothing_is_inline(citra: TestClient) -> None:
    for path in (f"/regions/321603?form={DPR}", f"/tps/{WRONG}?form={DPR}"):
        page = get(citra, path)
        assert "style=" not in page
        assert "onclick" not in page
        assert "<script>" not in page
