.PHONY: demo test check lock setup
.DEFAULT_GOAL := demo

setup: .venv/.ready

.venv/.ready: requirements/dev.txt pyproject.toml scripts/setup.sh
	./scripts/setup.sh

# The main job on a small sample: photos in, conflicts out.
demo: setup
	.venv/bin/chasil demo demo-out

# Hundreds of processes are started: none shall compile the house again.
test: export PYTHONDONTWRITEBYTECODE =
test: setup
	.venv/bin/python -m compileall -q flows models pipeline review fixtures
	.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

# The same checks as the pre-commit hooks.
check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Pin everything again, with hashes and without naming an index.
lock:
	.venv/bin/python -m pip install --quiet uv
	.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --custom-compile-command "make lock" \
	  --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
