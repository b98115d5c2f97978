#!/usr/bin/env bash
# Compares the tuner with KerasTuner's plan and values, and with Optuna's TPE on the same functions.
#   TUNER_PYTHON=/path/to/python   a Python that has keras-tuner, tensorflow and optuna
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask"
python="${TUNER_PYTHON:-$cache/tuner-1.4.8/bin/python}"
if ! "$python" -c 'import keras_tuner, optuna' 2>/dev/null; then
  python3 -m venv "$cache/tuner-1.4.8"
  "$python" -m pip install --quiet --disable-pip-version-check keras-tuner==1.4.8 tensorflow-cpu==2.21.0 optuna==5.0.0
fi
bests="$(mktemp)"
trap 'rm -f "$bests"' EXIT
npx tsx test/python/tuner.mts > "$bests"
TF_CPP_MIN_LOG_LEVEL=3 "$python" -W ignore test/python/check_tuner.py "$bests"
