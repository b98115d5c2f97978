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
import tensorflow as tf

tf.get_logger().setLevel("ERROR")

warnings.simplefilter("ignore")  # of layers without weights and of softmax over one number

TOLERANCE = 1e-5  # of the largest answer, or of one
folder = pathlib.Path(sys.argv[1])
began = time.time()


def array(record):
    return np.frombuffer(base64.b64decode(record["data"]), np.float32).reshape(record["shape"])


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def loaded(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what Keras warns of in a file is a fault of the file
        return keras.models.load_model(path)


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
    frozen = [(v, v.numpy()) for layer in model.layers if not layer.trainable for v in layer.variables]
    targets = [np.zeros_like(array(record)) for record in about["outputs"]]
    logs = model.train_on_batch(inputs[0] if len(inputs) == 1 else inputs, targets, return_dict=True)
    assert np.isfinite(logs["loss"]), f"{name}: {logs}"
    for variable, before in frozen:
        if "seed" in variable.path:
            continue
        assert np.array_equal(before, variable.numpy()), f"{name}: {variable.path} moved"


def check(manifest, where):
    worst = 0.0
    failed = []
    for name, about in manifest.items():
        try:
            model = loaded(where / name)
            worst = max(worst, hold(name, model, about))
            if "optimizer" in about:
                assert type(model.optimizer).__name__.lower() == about["optimizer"], name
            if name.endswith(".keras") or model.compiled:
                go_on(name, model, about)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {str(error)[:1500]}")
    print(f"{len(manifest)} files of this library: answers within {worst:.1e} ({time.time() - began:.0f} s)")
    assert not failed, "\n".join(failed)


def step_alike(run):
    """Keras goes on where a run stopped: a third step there gives the weights, loss and metrics of one here."""
    worst = 0.0
    targets = {task: np.array(values, np.float32) for task, values in run["targets"].items()}
    for record in run["files"]:
        name = record["file"]
        model = loaded(folder / name)
        images = array(run["images"])
        logs = model.train_on_batch(images if record["bytes"] else images / 255, targets, return_dict=True)
        for column, wanted in run["logs"].items():
            near = abs(logs[column] - wanted) <= 1e-4 * max(1.0, abs(wanted))
            assert near, f"{name}: {column} is {logs[column]}, not {wanted}"
        assert set(logs) == set(run["logs"]), f"{name}: {sorted(logs)}"
        seen = 0
        for layer in model.layers:
            for variable in layer.weights:
                wanted = array(run["weights"][f"{layer.name}/{own_name(variable)}"])
                far = np.abs(variable.numpy() - wanted).max() / max(np.abs(wanted).max(), 1e-30)
                assert far < 1e-4, f"{name}: {variable.path} differs by {far} of its largest"
                worst = max(worst, far)
                seen += 1
        assert seen == len(run["weights"]), name
    return worst


def own_name(variable):
    name = variable.path.split("/")[-1]
    return "depthwise_kernel" if variable.path.startswith("trunk_depthwise") and name == "kernel" else name


manifest = json.loads((folder / "manifest.json").read_text())
check(manifest, folder)
runs = json.loads((folder / "runs.json").read_text())
worst = max(step_alike(run) for run in runs)
print(f"{len(runs)} runs went on: weights within {worst:.1e} of their largest ({time.time() - began:.0f} s)")
