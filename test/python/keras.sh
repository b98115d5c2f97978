#!/usr/bin/env bash
# Opens models of this library in Keras, and models of Keras in this library.
#   KERAS_PYTHON=/path/to/python   a Python that has tensorflow-cpu and keras
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask"
python="${KERAS_PYTHON:-$cache/keras-3.15/bin/python}"
if ! "$python" -c 'import importlib.util as u; exit(not (u.find_spec("keras") and u.find_spec("tensorflow")))' 2>/dev/null; then
  python3 -m venv "$cache/keras-3.15"
  "$python" -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# Silences TensorFlow's messages about its build and the machine's instruction sets.
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0
npx tsx test/python/keras.mts write "$folder"
"$python" test/python/check_keras.py "$folder"
mkdir "$folder/backbones"
"$python" test/python/backbone_files.py "$folder/backbones"
npx tsx test/python/backbones.mts "$folder/backbones"
