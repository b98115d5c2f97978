"""
Holds files that this library wrote to Keras, and what it makes of files that Keras wrote: check_keras.py FOLDER, where
`keras.mts write FOLDER` has been. All in one process, since TensorFlow takes seconds to start.
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
logging.set_verbosity(logging.ERROR)  # that an h5 file is not compiled, or its metrics not built yet

warnings.simplefilter("ignore")  # of layers without weights and of softmax over one number

# Of the largest number of an output, however small: that of MobileNetV2 with drawn weights is 5e-13, after 150 layers
# that each round by 1e-7; it comes within 1.2e-5, all others within 3e-6.
TOLERANCE = 5e-5
LEAST = 1e-30  # that is taken for it, so that zeros are held to zeros
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
        worst = max(worst, np.abs(own - wanted).max() / max(LEAST, np.abs(wanted).max()))
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


def check(manifest, where, what):
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
    print(f"{len(manifest)} {what}: answers within {worst:.1e} ({time.time() - began:.0f} s)")
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
check(manifest, folder, "files of this library")
runs = json.loads((folder / "runs.json").read_text())
worst = max(step_alike(run) for run in runs)
print(f"{len(runs)} runs went on: weights within {worst:.1e} of their largest ({time.time() - began:.0f} s)")


def packed(values):
    values = np.ascontiguousarray(values, np.float32)
    return {"shape": list(values.shape), "data": base64.b64encode(values.tobytes()).decode()}


def shaken(model, seed):
    """Every weight its own numbers, statistics too, so that no two can be taken for each other."""
    random = np.random.default_rng(seed)
    for variable in model.weights:
        if "seed" in variable.path:
            continue
        scale = 1.0 / np.sqrt(max(1, int(np.prod(variable.shape[:-1]))))
        value = random.uniform(-1, 1, variable.shape) * scale
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.path else value)
    return model


def nested(freeze):
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


def shared():
    layers = keras.layers
    left, right = keras.Input((9, 7, 3), name="left"), keras.Input((9, 7, 3), name="right")
    eye = layers.SeparableConv2D(5, 3, activation="relu", name="eye", depth_multiplier=2)
    x = layers.Concatenate()([eye(left), eye(right)])
    x = layers.PReLU(shared_axes=[1, 2])(layers.LayerNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", strides=2, activation="hard_sigmoid")(x)
    x = layers.UpSampling2D()(layers.ZeroPadding2D(1)(x))
    return keras.Model([left, right], layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def chain():
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


def answered(model, seed):
    random = np.random.default_rng(seed)
    inputs = [random.uniform(0, 1, (3, *x.shape[1:])).astype(np.float32) for x in model.inputs]
    return {"inputs": [packed(x) for x in inputs], "outputs": [packed(y) for y in answers(model, inputs)]}


def official(model, path):
    """Weights as the files of keras.applications have them: texts of fixed length, and `:0` behind each name."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"], file.attrs["keras_version"] = np.bytes_("tensorflow"), np.bytes_("2.1.2")
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{weight.path}:0".encode() for weight in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.weights):
                group.create_dataset(name.decode(), data=weight.numpy())


def write_real(where):
    """Files of every layout that Keras writes, and the answers it gives with each."""
    where.mkdir()
    real = {}

    def add(name, about, **more):
        real[name] = {**about, **more}

    made = {f"nested-{freeze}": nested(freeze) for freeze in ("none", "part", "all")}
    made |= {"shared": shared(), "chain": chain()}
    for seed, (name, model) in enumerate(made.items()):
        trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        # Born otherwise, so that the second file is seen to count.
        model.save(where / f"{name}-born.keras")
        shaken(model, seed)
        about = answered(model, seed) | {"trained": trained}
        model.save(where / f"{name}.keras")
        model.save(where / f"{name}.h5")
        model.save_weights(where / f"{name}.weights.h5")
        add(f"{name}.keras", about)
        add(f"{name}.h5", about)
        add(f"{name}-born.keras", about, weights=f"{name}.weights.h5")
    resnet = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 64, 3))
    resnet.save(where / "resnet50.keras")
    shaken(resnet, 9)
    official(resnet, where / "resnet50_notop.h5")
    trained = sum(int(np.prod(v.shape)) for v in resnet.trainable_variables)
    add("resnet50.keras", answered(resnet, 9) | {"trained": trained}, weights="resnet50_notop.h5")
    (where / "manifest.json").write_text(json.dumps(real))
    print(f"{len(real)} files of Keras, {sum(f.stat().st_size for f in where.iterdir()) >> 20} MB ({time.time() - began:.0f} s)")


write_real(folder / "real")
subprocess.run(["npx", "tsx", "test/python/keras.mts", "read", str(folder / "real")], check=True)
check(json.loads((folder / "real/again.json").read_text()), folder / "real", "files read and written again")
