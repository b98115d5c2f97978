"""Makes the fixtures that the parity tests read, by running real Keras.

    python test/parity/keras/make_fixtures.py            all of them
    python test/parity/keras/make_fixtures.py affine     one

Needs keras, tensorflow (or tensorflow-cpu), keras-tuner, scipy, pandas and pillow. The versions go to fixtures/manifest.json.
Each maker is a module `make_NAME.py` beside this file with one function, `make()`, that returns what NAME.json holds.
"""
import importlib
import os
import pathlib
import platform
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # plain Eigen kernels: the same sums on every processor

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
