"""Checks files that this library wrote with Keras, and files that Keras wrote with this library: check_keras.py
FOLDER, after `keras.mts write FOLDER`. It is a single process because TensorFlow takes seconds to start.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
import tensorflow as tf
from absl import logging

tf.get_logger().setLevel("ERROR")
logging.set_verbosity(logging.ERROR)  # e.g. that an h5 file is not compiled, or its metrics are not built yet

warnings.simplefilter("ignore")  # e.g. about layers without weights, or softmax over one number

# Relative to the largest value of an output, however small: that of MobileNetV2 with random weights is 5e-13,
# after 150 layers that each round by 1e-7. It agrees within 1.2e-5, all others within 3e-6.
TOLERANCE = 5e-5
MIN_LARGEST = 1e-30  # lower bound of the largest value, so that zeros are compared with zeros
folder = pathlib.Path(sys.argv[1])
started = time.time()


def array(record):
    return np.frombuffer(base64.b64decode(record["data"]), np.float32).reshape(record["shape"])


def to_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def load_model(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # A warning about the file is a bug in the file.
        return keras.models.load_model(path)


def predict(model, inputs):
    return [np.asarray(y) for y in to_list(model(inputs[0] if len(inputs) == 1 else inputs, training=False))]


def check_model(name, model, info):
    """Checks outputs, names, flags and counts of a model against those that the file was written with."""
    inputs = [array(record) for record in info["inputs"]]
    outputs = predict(model, inputs)
    assert len(outputs) == len(info["outputs"]), name
    names = [record["name"] for record in info["outputs"]]
    assert list(model.output_names) == names, f"{name}: {model.output_names}, not {names}"
    worst = 0.0
    for record, output in zip(info["outputs"], outputs):
        expected = array(record)
        assert output.shape == expected.shape, f"{name}: {output.shape}, not {expected.shape}"
        worst = max(worst, np.abs(output - expected).max() / max(MIN_LARGEST, np.abs(expected).max()))
    assert worst < TOLERANCE, f"{name}: answers differ by {worst}"
    flags = {layer.name: layer.trainable for layer in model.layers if layer.name in info["trainable"]}
    assert flags == info["trainable"], f"{name}: {flags}, not {info['trainable']}"
    assert model.count_params() == info["weights"], name
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trained == info["trained"], f"{name}: {trained} trained, not {info['trained']}"
    return worst


def check_train_step(name, model, info):
    """Trains one step: frozen weights and statistics must stay the same, all others must change."""
    if not model.compiled:
        model.compile(keras.optimizers.SGD(1e-3), loss="mean_squared_error", run_eagerly=True)
    inputs = [array(record) for record in info["inputs"]]
    frozen = [(v, v.numpy()) for layer in model.layers if not layer.trainable for v in layer.variables]
    targets = [np.zeros_like(array(record)) for record in info["outputs"]]
    logs = model.train_on_batch(inputs[0] if len(inputs) == 1 else inputs, targets, return_dict=True)
    assert np.isfinite(logs["loss"]), f"{name}: {logs}"
    for variable, before in frozen:
        if "seed" in variable.path:
            continue
        assert np.array_equal(before, variable.numpy()), f"{name}: {variable.path} moved"


def check(manifest, target, description):
    worst = 0.0
    failures = []
    for name, info in manifest.items():
        try:
            model = load_model(target / name)
            worst = max(worst, check_model(name, model, info))
            if "optimizer" in info:
                assert type(model.optimizer).__name__.lower() == info["optimizer"], name
            if name.endswith(".keras") or model.compiled:
                check_train_step(name, model, info)
        except Exception as error:
            failures.append(f"{name}: {type(error).__name__}: {str(error)[:1500]}")
    print(f"{len(manifest)} {description}: outputs within {worst:.1e} ({time.time() - started:.0f} s)")
    assert not failures, "\n".join(failures)


def check_resumed_step(run):
    """Resumes a run in Keras: the third step must result in the same weights, loss and metrics as in this library."""
    worst = 0.0
    targets = {task: np.array(values, np.float32) for task, values in run["targets"].items()}
    for record in run["files"]:
        name = record["file"]
        model = load_model(folder / name)
        images = array(run["images"])
        logs = model.train_on_batch(images if record["bytes"] else images / 255, targets, return_dict=True)
        for column, expected in run["logs"].items():
            is_close = abs(logs[column] - expected) <= 1e-4 * max(1.0, abs(expected))
            assert is_close, f"{name}: {column} is {logs[column]}, not {expected}"
        assert set(logs) == set(run["logs"]), f"{name}: {sorted(logs)}"
        count = 0
        for layer in model.layers:
            for variable in layer.weights:
                expected = array(run["weights"][f"{layer.name}/{tfjs_weight_name(variable)}"])
                difference = np.abs(variable.numpy() - expected).max() / max(np.abs(expected).max(), 1e-30)
                assert difference < 1e-4, f"{name}: {variable.path} differs by {difference} of its largest"
                worst = max(worst, difference)
                count += 1
        assert count == len(run["weights"]), name
    return worst


def tfjs_weight_name(variable):
    name = variable.path.split("/")[-1]
    return "depthwise_kernel" if variable.path.startswith("trunk_depthwise") and name == "kernel" else name


manifest = json.loads((folder / "manifest.json").read_text())
check(manifest, folder, "files of this library")
runs = json.loads((folder / "runs.json").read_text())
worst = max(check_resumed_step(run) for run in runs)
print(f"{len(runs)} resumed runs: weights within {worst:.1e} of the largest ({time.time() - started:.0f} s)")


def pack(values):
    values = np.ascontiguousarray(values, np.float32)
    return {"shape": list(values.shape), "data": base64.b64encode(values.tobytes()).decode()}


def set_random_weights(model, seed):
    """Sets every weight to different values, statistics too, so that no two can be confused."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        if "seed" in variable.path:
            continue
        scale = 1.0 / np.sqrt(max(1, int(np.prod(variable.shape[:-1]))))
        value = random.uniform(-1, 1, variable.shape) * scale
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.path else value)
    return model


def create_nested_model(freeze):
    layers = keras.layers
    image = keras.Input((12, 12, 3), name="image")
    inner = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, name="ca", padding="same")(inner)
    x = layers.BatchNormalization(name="ba")(x)
    x = layers.Conv2D(4, 3, name="cb")(x)
    base = keras.Model(inner, layers.BatchNormalization(name="bb")(x), name="base")
    head = keras.Sequential(
        [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="swish", name="da"), layers.Dropout(0.2)],
        name="head",
    )
    if freeze == "all":
        base.trainable = False
    if freeze == "part":
        base.get_layer("ca").trainable = base.get_layer("ba").trainable = False
    x = head(base(layers.Rescaling(1 / 255)(image)))
    age = layers.Dense(1, name="age")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
    return keras.Model(image, [age, gender], name="faces")


def create_shared_model():
    layers = keras.layers
    left, right = keras.Input((9, 7, 3), name="left"), keras.Input((9, 7, 3), name="right")
    eye = layers.SeparableConv2D(5, 3, activation="relu", name="eye", depth_multiplier=2)
    x = layers.Concatenate()([eye(left), eye(right)])
    x = layers.PReLU(shared_axes=[1, 2])(layers.LayerNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", strides=2, activation="hard_sigmoid")(x)
    x = layers.UpSampling2D()(layers.ZeroPadding2D(1)(x))
    return keras.Model([left, right], layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def create_sequential_model():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(scale=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.ReLU(max_value=6),
            layers.AveragePooling2D(2, padding="same"),
            layers.SpatialDropout2D(0.1),
            layers.Flatten(),
            layers.Dense(4, activation="gelu"),
        ]
    )


def record_outputs(model, seed):
    random = np.random.default_rng(seed)
    inputs = [random.uniform(0, 1, (3, *x.shape[1:])).astype(np.float32) for x in model.inputs]
    return {"inputs": [pack(x) for x in inputs], "outputs": [pack(y) for y in predict(model, inputs)]}


def write_legacy_weights(model, path):
    """Writes weights in the layout of the keras.applications files: strings of fixed length, and `:0` after each
    name.
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"], file.attrs["keras_version"] = np.bytes_("tensorflow"), np.bytes_("2.1.2")
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{weight.path}:0".encode() for weight in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.weights):
                group.create_dataset(name.decode(), data=weight.numpy())


def write_keras_files(target):
    """Writes files of every layout of Keras, and Keras's outputs for each."""
    target.mkdir()
    files = {}

    def add(name, info, **more):
        files[name] = {**info, **more}

    models = {f"nested-{freeze}": create_nested_model(freeze) for freeze in ("none", "part", "all")}
    models |= {"shared": create_shared_model(), "chain": create_sequential_model()}
    for seed, (name, model) in enumerate(models.items()):
        trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        # The model is saved with other weights first, so that the weights of the second file matter.
        model.save(target / f"{name}-born.keras")
        set_random_weights(model, seed)
        info = record_outputs(model, seed) | {"trained": trained}
        model.save(target / f"{name}.keras")
        model.save(target / f"{name}.h5")
        model.save_weights(target / f"{name}.weights.h5")
        add(f"{name}.keras", info)
        add(f"{name}.h5", info)
        add(f"{name}-born.keras", info, weights=f"{name}.weights.h5")
    resnet = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 64, 3))
    resnet.save(target / "resnet50.keras")
    set_random_weights(resnet, 9)
    write_legacy_weights(resnet, target / "resnet50_notop.h5")
    trained = sum(int(np.prod(v.shape)) for v in resnet.trainable_variables)
    add("resnet50.keras", record_outputs(resnet, 9) | {"trained": trained}, weights="resnet50_notop.h5")
    (target / "manifest.json").write_text(json.dumps(files))
    print(f"{len(files)} files written by Keras, {sum(f.stat().st_size for f in target.iterdir()) >> 20} MB ({time.time() - started:.0f} s)")


write_keras_files(folder / "real")
subprocess.run(["npx", "tsx", "test/python/keras.mts", "read", str(folder / "real")], check=True)
check(json.loads((folder / "real/again.json").read_text()), folder / "real", "files read and written again")
