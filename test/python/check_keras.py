"""Holds files that this library wrote to Keras: check_keras.py FOLDER, where `keras.mts write FOLDER` has been."""

import base64
import json
import os
import pathlib
import sys
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

TOLERANCE = 1e-5  # of the largest answer, or of one
folder = pathlib.Path(sys.argv[1])
began = time.time()


def array(record):
    return np.frombuffer(base64.b64decode(record["data"]), np.float32).reshape(record["shape"])


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def answers(model, inputs):
    return [np.asarray(y) for y in listed(model(inputs[0] if len(inputs) == 1 else inputs, training=False))]


def hold(name, model, about):
    """Answers, names, flags and counts of one model are those that the file was written with."""
    inputs = [array(record) for record in about["inputs"]]
    given = answers(model, inputs)
    assert len(given) == len(about["outputs"]), name
    names = [record["name"] for record in about["outputs"]]
    assert list(model.output_names) == names, f"{name}: {model.output_names}, not {names}"
    worst = 0.0
    for record, own in zip(about["outputs"], given):
        wanted = array(record)
        assert own.shape == wanted.shape, f"{name}: {own.shape}, not {wanted.shape}"
        worst = max(worst, np.abs(own - wanted).max() / max(1.0, np.abs(wanted).max()))
    assert worst < TOLERANCE, f"{name}: answers differ by {worst}"
    flags = {layer.name: layer.trainable for layer in model.layers if layer.name in about["trainable"]}
    assert flags == about["trainable"], f"{name}: {flags}, not {about['trainable']}"
    assert model.count_params() == about["weights"], name
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trained == about["trained"], f"{name}: {trained} trained, not {about['trained']}"
    return worst


def go_on(name, model, about):
    """One step of training there: what is frozen stays, statistics too, and the rest moves."""
    if not model.compiled:
        model.compile(keras.optimizers.SGD(1e-3), loss="mean_squared_error", run_eagerly=True)
    inputs = [array(record) for record in about["inputs"]]
    frozen = [(v, np.array(v)) for layer in model.layers if not layer.trainable for v in layer.variables]
    targets = [np.zeros_like(array(record)) for record in about["outputs"]]
    logs = model.train_on_batch(inputs[0] if len(inputs) == 1 else inputs, targets, return_dict=True)
    assert np.isfinite(logs["loss"]), f"{name}: {logs}"
    for variable, before in frozen:
        if "seed" in variable.path:
            continue
        assert np.array_equal(before, np.array(variable)), f"{name}: {variable.path} moved"


def check(manifest, where):
    worst = 0.0
    failed = []
    for name, about in manifest.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a warning of Keras's about our files is a fault of theirs
                model = keras.models.load_model(where / name)
            worst = max(worst, hold(name, model, about))
            if name.endswith(".keras"):
                go_on(name, model, about)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {str(error)[:1500]}")
    print(f"{len(manifest)} files of this library: answers within {worst:.1e} ({time.time() - began:.0f} s)")
    assert not failed, "\n".join(failed)


check(json.loads((folder / "manifest.json").read_text()), folder)
