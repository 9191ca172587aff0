#!/usr/bin/env bash
# Make the environment in .venv: Python packages by pip, pinned by hash. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "chasil needs Python 3.11 or newer; set PYTHON=/path/to/python3.11 and run make again." >&2
  exit 1
fi

# Debian keeps venv in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  package=python3-venv
  if [ "$(id -u)" = 0 ]; then
    apt-get update -q && apt-get install -y -q "$package"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo apt-get update -q && sudo apt-get install -y -q "$package"
  else
    echo "The system package $package is missing. Ask for: sudo apt-get install $package" >&2
    exit 1
  fi
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch .venv/.ready
echo "The environment is ready in .venv"
