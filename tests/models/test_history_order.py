"""What each run saw goes by the runs' ends: who began first may end last."""

from __future__ import annotations

from pathlib import Path

from models.history import FieldState
from models.store.store import Store

TPS, FORM, FIELD = "3216032003001", "c-hasil-ppwp-2024", "suara_paslon_1"


def state(entry: int) -> FieldState:
    return FieldState(tps=TPS, form=FORM, field=FIELD, entry=entry)


def test_a_long_run_that_ends_last_has_the_last_word(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        history = store.history
        first, long, short = (store.begin_batch("r" * 64) for _ in range(3))
        for batch, entry in ((first, 24), (short, 29), (long, 24)):
            assert history.save_fields(batch, [TPS], [state(entry)]) == 1
            store.finish_batch(batch, {})
        assert [one.id for one in history.finished()] == [long, short, first]
        assert [one.id for one in history.finished(before=long, limit=1)] == [short]
        for batch, entry in ((first, 24), (short, 29), (long, 24)):
            assert history.fields_at(batch, [TPS])[TPS, FORM, FIELD].entry == entry
            assert history.totals_at(batch)[FORM, FIELD][0] == entry
        assert history.fields_changed(short, long) == (TPS,)
        assert history.fields_changed(long, short) == ()
        after = store.begin_batch("r" * 64)
        assert history.save_fields(after, [TPS], [state(24)]) == 0
