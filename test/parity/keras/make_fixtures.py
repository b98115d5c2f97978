"""Writes the fixtures of the parity tests by running Keras.

    python test/parity/keras/make_fixtures.py            all of them
    python test/parity/keras/make_fixtures.py affine     only one

Needs keras, tensorflow (or tensorflow-cpu), keras-tuner, scipy, pandas and pillow. Their versions are stored in
fixtures/manifest.json. Each maker is a module `make_NAME.py` in this folder with a function `make()`, which returns the
content of NAME.json.
"""
import importlib
import os
import pathlib
import platform
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# plain Eigen kernels, which compute the same sums on every processor
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import common  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ALL = sorted(path.stem.removeprefix("make_") for path in HERE.glob("make_*.py") if path.stem != "make_fixtures")


def versions():
    import keras
    import keras_tuner
    import numpy
    import pandas
    import PIL
    import scipy
    import tensorflow

    modules = {"keras": keras, "tensorflow": tensorflow, "numpy": numpy, "scipy": scipy, "pandas": pandas, "pillow": PIL, "keras-tuner": keras_tuner}
    return {name: module.__version__ for name, module in modules.items()} | {"python": platform.python_version()}


for name in sys.argv[1:] or ALL:
    print(name, flush=True)
    common.write(name, importlib.import_module(f"make_{name}").make())
written = sorted(path.stem for path in common.FIXTURES.glob("*.json") if path.stem != "manifest")
common.write("manifest", {"fixtures": written, "versions": versions()})
