from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import RecogniserError
from models.recognisers import evidence
from models.recognisers.evidence import load_header_evidence, read_evidence
from models.recognisers.lines import lines_folder
from models.recognisers.weights import weights_of

LEGIBILITY = {"sharpness": 0.5, "misread": 0.01, "other": 0.02}


def written(path: Path, **changes: object) -> Path:
    content: dict[str, object] = {
        "digest": "0123456789ab",
        "lines": dict.fromkeys(("name", "digits", "words"), LEGIBILITY),
        "measured": {"seed": 1},
    }
    path.write_text(json.dumps(content | changes))
    return path


def test_what_was_measured_is_read(tmp_path: Path) -> None:
    known = read_evidence(written(tmp_path / "header.json"))
    assert known.lines["digits"].sharpness == 0.5
    assert known.beliefs.wrong_tps == 0.002


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": {"name": LEGIBILITY | {"sharpness": 0.0}}},
        {"lines": {"names": LEGIBILITY}},
        {"beliefs": {"wrong_tps": 1.0}},
        {"surplus": 1},
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(RecogniserError, match=r"header\.json"):
        read_evidence(written(tmp_path / "header.json", **changes))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecogniserError, match=r"header\.json"):
        read_evidence(tmp_path / "header.json")


def test_what_other_weights_were_measured_by_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "header.json")
    (tmp_path / "weights-ba9876543210.onnx").touch()
    monkeypatch.setattr(evidence, "lines_folder", lambda: tmp_path)
    with pytest.raises(RecogniserError, match="measured with the weights 0123456789ab"):
        load_header_evidence.__wrapped__()


def test_the_installed_evidence_is_of_the_installed_weights() -> None:
    named = weights_of(lines_folder()).stem
    assert named == f"weights-{load_header_evidence().digest}"
