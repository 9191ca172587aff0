"""A digest of the code that a result rests on: some modules, and all that they import of chasil.

Found by reading the imports, so that nobody must keep a list. Data files beside the modules count
as well; what is read from elsewhere (forms of one's own, a table of regions) does not.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

ROOMS = ("pipeline", "models")
"""Nothing that decides a comparison lies elsewhere."""

DATA = (".json", ".csv")


@cache
def digest_of_code(*modules: str, data: tuple[str, ...] = ()) -> str:
    """SHA-256 over the sources of modules and of what they import, and the data beside them.

    Args:
        modules: Full names.
        data: Folders of data that lie apart, named like packages.

    """
    found = sorted(modules_behind(*modules))
    digest = hashlib.sha256()
    for name in found:
        _add(digest, name, _source(name).read_bytes())
    folders = {name.rpartition(".")[0] for name in found if "." in name} | set(data)
    for folder in sorted(folders):
        for file in sorted(_folder(folder).iterdir(), key=lambda one: one.name):
            if file.is_file() and file.name.endswith(DATA):
                _add(digest, f"{folder}/{file.name}", file.read_bytes())
    return digest.hexdigest()


@cache
def modules_behind(*modules: str) -> frozenset[str]:
    """Names of modules and of all modules in ``ROOMS`` that they import, at any remove."""
    found: set[str] = set()
    left = list(modules)
    while left:
        name = left.pop()
        if name in found or name.partition(".")[0] not in ROOMS:
            continue
        source = _source(name)
        if not source.is_file():
            continue  # a name that is imported from a module, and no module itself
        found.add(name)
        parts = name.split(".")
        left += [".".join(parts[:size]) for size in range(1, len(parts))]
        for node in ast.walk(ast.parse(source.read_bytes())):
            if isinstance(node, ast.Import):
                left += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                left += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return frozenset(found)


def _source(name: str) -> Traversable:
    room, *rest = name.split(".")
    place = _folder(name)
    if place.is_dir():
        return place / "__init__.py"
    return _folder(".".join((room, *rest[:-1]))) / f"{rest[-1]}.py"


def _folder(name: str) -> Traversable:
    room, *rest = name.split(".")
    place = files(room)
    for part in rest:
        place = place / part
    return place


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
