#!/usr/bin/env bash
# Reads ONNX files of this library in Python.
#   PYTHON=/path/to/python   a Python that has onnx and onnxruntime
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask"
python="${PYTHON:-$cache/onnx-1.23/bin/python}"
if ! "$python" -c 'import onnx, onnxruntime' 2>/dev/null; then
  python3 -m venv "$cache/onnx-1.23"
  "$python" -m pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
npx tsx test/python/export.mts "$folder"
"$python" test/python/check_export.py "$folder"
