from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.fake_header import illegible, lattice_of
from pipeline.ctc import greedy_text, lay_trie, log_likelihoods
from pipeline.lattice import QUANTUM, pack, unpack

SIGNS = ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_what_is_packed_comes_back_rounded(steps: int, signs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(signs, 0.3), steps) if steps else np.zeros((0, signs))
    logs = np.log(np.maximum(chances, 1e-9))
    back = unpack(pack(logs))
    assert back.shape == logs.shape
    assert np.allclose(np.exp(back).sum(axis=1), 1)
    seen = logs > -8
    assert (np.abs(back - logs)[seen] < 2 * QUANTUM).all()


def test_it_is_short_and_plain_text() -> None:
    packed = pack(lattice_of("SUKADAYA"))
    assert packed.isascii()
    assert not set(packed) & set("\"\\' ")
    assert len(packed) < 200
    assert len(pack(illegible(60))) < 2000


def test_texts_score_as_before() -> None:
    lattice = lattice_of("TARUMAJAYA", confused={3: "V"})
    trie = lay_trie(["TARUMAJAYA", "TARVMAJAYA", "SUKAMAJAYA"], SIGNS)
    before, after = (
        log_likelihoods(one, trie) for one in (lattice, unpack(pack(lattice)).astype(np.float32))
    )
    assert np.abs(before - after).max() < 2.0
    assert list(np.argsort(before)) == list(np.argsort(after))
    assert greedy_text(unpack(pack(lattice)).astype(np.float32), SIGNS) == "TARVMAJAYA"


@pytest.mark.parametrize("text", ["", "!", "c%1", "0" * 7])
def test_what_is_no_lattice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no packed lattice"):
        unpack(text)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 256)), np.full((2, 3), np.nan)])
def test_what_can_not_be_packed_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a lattice"):
        pack(bad)
