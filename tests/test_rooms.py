"""Imports run one way: flows → pipeline → models; review → models."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]

MAY_IMPORT = {
    "models": {"models"},
    "pipeline": {"models", "pipeline"},
    "fixtures": {"models", "pipeline", "review", "fixtures"},
    "review": {"models", "review"},
    "flows": {"models", "pipeline", "fixtures", "review", "flows"},
    "benchmarks": {"models", "pipeline", "fixtures", "review", "flows", "benchmarks"},
}
ROOMS = set(MAY_IMPORT)
KEPT_OUT = {
    "review": {"prefect", "typer", "rich", "torch", "cv2"},
    "models": {"prefect", "typer", "rich", "torch", "fastapi", "jinja2"},
    "pipeline": {"prefect", "typer", "rich", "torch", "sqlalchemy", "httpx", "fastapi"},
}


def imported(path: Path) -> set[str]:
    """First part of every module that a file imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_downward(room: str) -> None:
    files = list((HOUSE / room).rglob("*.py"))
    assert files
    for path in files:
        names = imported(path)
        assert (names & ROOMS) <= MAY_IMPORT[room], path
        assert not names & KEPT_OUT.get(room, set()), path
