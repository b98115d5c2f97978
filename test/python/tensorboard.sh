#!/usr/bin/env bash
# Reads event files of this library with TensorBoard.
#   TENSORBOARD_PYTHON=/path/to/python   a Python that has tensorboard
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask"
python="${TENSORBOARD_PYTHON:-$cache/tensorboard-2.20/bin/python}"
if ! "$python" -c 'import tensorboard' 2>/dev/null; then
  python3 -m venv "$cache/tensorboard-2.20"
  # tensorboard 2.20 imports pkg_resources, which setuptools 82 removed.
  "$python" -m pip install --quiet --disable-pip-version-check tensorboard==2.20.0 'setuptools<82'
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
npx tsx test/python/tensorboard.mts "$folder"
"$python" test/python/check_tensorboard.py "$folder"
