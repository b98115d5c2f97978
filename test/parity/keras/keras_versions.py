"""Files that several versions of Keras write, compressed with deflate, and the predictions of their models.

    python3.11 -m venv tf213 && tf213/bin/pip install tensorflow-cpu==2.13.1 "numpy<2"
    tf213/bin/python test/parity/keras/keras_versions.py

Run it with TensorFlow 2.12, 2.13, 2.14, 2.15 and Keras 3.15. Each run replaces the files of its version in
fixtures/keras_versions.json.
"""
import base64
import json
import os
import pathlib
import tempfile
import zipfile
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import h5py
import numpy as np
import tensorflow as tf

import keras

K = keras if hasattr(keras, "layers") else tf.keras
L = K.layers
VERSION = keras.__version__.rsplit(".", 1)[0]
SHAPE = (8, 8, 3)
FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "keras_versions.json"
random = np.random.default_rng(18)


def image():
    return K.Input(SHAPE, name="image")


def model(build):
    inputs = image()
    return K.Model(inputs, build(inputs))


def head(x, name="o"):
    return L.Dense(1, name=name)(x)


def repeated():
    """Several layers of the same class, with and without weights, and nested models of the same class."""

    def base(name):
        inputs = K.Input(SHAPE)
        x = L.Conv2D(2, 3, padding="same", name=name + "_1")(inputs)
        x = L.BatchNormalization(name=name + "_2")(x)
        x = L.BatchNormalization(name=name + "_3")(L.Dropout(0.2)(x))
        return K.Model(inputs, L.Conv2D(3, 3, padding="same", name=name + "_4")(x), name=name)

    def build(x):
        x = L.Conv2D(3, 1, name="c1")(L.Dropout(0.1)(x))
        x = K.Sequential([L.Rescaling(0.5)], name="s1")(x)
        x = base("b1")(x)
        x = K.Sequential([L.Conv2D(3, 1), L.Conv2D(3, 1)], name="s2")(x)
        x = L.Conv2D(3, 1, name="c2")(base("b2")(x))
        return head(L.Flatten()(L.Conv2D(2, 2, name="c3")(x)))

    return model(build)


def base_with_slashes(name, part):
    inputs = K.Input(SHAPE)
    x = L.Conv2D(3, 3, padding="same", name=part + "/conv")(inputs)
    x = L.BatchNormalization(name=part + "/norm")(x)
    return K.Model(inputs, L.DepthwiseConv2D(3, padding="same", name=part + "/dw/conv")(x), name=name)


def slashes():
    """Layer names with slashes in three nested models, one of which is sequential."""
    inputs = K.Input(SHAPE)
    inner = K.Sequential([K.Input(SHAPE), base_with_slashes("in2", "block2"), L.Conv2D(3, 1, name="a/b/c")], name="sq")
    two = K.Model(inputs, inner(base_with_slashes("in1", "block1")(inputs)), name="two")
    inputs = K.Input(SHAPE)
    three = K.Model(inputs, L.Conv2D(3, 1, name="block1/last")(two(inputs)), name="three")
    return model(lambda x: head(L.Flatten()(three(x)), "out/age"))


def model_slashes():
    """A name that may belong to the layer `c` in the model `a`, or to the layer `a/c`."""
    inner = K.Sequential([L.Conv2D(2, 2, name="a/c")], name="a/b")
    outer = K.Sequential([K.Input(SHAPE), L.Conv2D(2, 2, name="c"), inner], name="a")
    return model(lambda x: head(L.Flatten()(outer(x))))


def renamed():
    """Nested layers that were renamed after their weights were created, some of them frozen."""

    def base(suffix, frozen=()):
        layers = [L.Conv2D(3, 3, padding="same", name="c1"), L.BatchNormalization(name="n1")]
        layers += [L.Conv2D(3, 3, padding="same", name="c2"), L.BatchNormalization(name="n2")]
        inner = K.Sequential([K.Input(SHAPE), *layers], name="base" + suffix)
        for layer in layers:
            layer._name = layer.name + suffix
        for i in frozen:
            layers[i].trainable = False
        return inner

    return model(lambda x: head(L.Flatten()(L.Add()([base("_a")(x), base("_b", (0, 1))(x)]))))


def numpy_settings():
    def build(x):
        x = L.Rescaling(np.array([1.0, 0.5, 0.25]), offset=np.array([0.1, 0.2, 0.3]))(x)
        x = L.Rescaling(np.float32(0.5), offset=np.float64(0.1))(x)
        x = L.ReLU(max_value=np.float32(1), negative_slope=np.float32(0.1))(L.Conv2D(np.int64(3), 2)(x))
        x = L.Normalization(mean=np.array([0.1, 0.2, 0.3]), variance=np.array([1.0, 2.0, 3.0]))(x)
        return head(L.Flatten()(x))

    return model(build)


def shared_at_sizes():
    """Layers without weights that are called with inputs of different sizes."""

    def build(x):
        flatten, crop, pool = L.Flatten(), L.CenterCrop(2, 2), L.GlobalAveragePooling2D(keepdims=True)
        reshape = L.Reshape((-1,))
        small, wide = L.MaxPool2D()(x), L.Conv2D(5, 1)(x)
        parts = [flatten(L.GlobalAveragePooling2D()(x)), flatten(x), flatten(crop(x)), flatten(crop(small))]
        parts += [flatten(pool(x)), flatten(pool(wide)), reshape(x), reshape(small)]
        return head(L.Concatenate()(parts))

    return model(build)


RESHAPED = {
    "first": lambda x: head(L.Reshape((-1,))(x)),
    "after a convolution": lambda x: head(L.Reshape((-1,))(L.Conv2D(2, 2)(x))),
    "before a convolution": lambda x: head(L.Flatten()(L.Conv2D(2, 2)(L.Reshape((4, -1, 3))(x)))),
    "of the channels": lambda x: head(L.GlobalAveragePooling2D()(L.BatchNormalization()(L.Reshape((8, 4, -1))(x)))),
    "before Permute": lambda x: head(L.Flatten()(L.Permute((2, 1))(L.Reshape((-1, 3))(x)))),
    "twice": lambda x: head(L.Reshape((-1,))(L.Reshape((2, -1))(x))),
    "before RepeatVector": lambda x: head(L.Flatten()(L.RepeatVector(2)(L.Reshape((-1,))(x)))),
    "after Dense": lambda x: head(L.Flatten()(L.Conv2D(2, 2)(L.Reshape((4, 4, -1))(L.Dense(32)(L.Reshape((-1,))(x)))))),
    "as the output": lambda x: L.Reshape((-1,), name="o")(L.Dense(1)(L.GlobalAveragePooling2D()(x))),
    "before Add": lambda x: head(L.Flatten()(L.Add()([L.Reshape((-1, 6))(x), L.Reshape((32, -1))(x)]))),
    "in squeeze and excite": lambda x: head(
        L.Flatten()(L.Multiply()([x, L.Conv2D(3, 1)(L.Reshape((1, 1, -1))(L.GlobalAveragePooling2D()(x)))]))
    ),
    "in a sequential model": lambda x: head(K.Sequential([L.Reshape((-1,)), L.Dense(3)])(x)),
    "before PReLU": lambda x: head(L.PReLU()(L.Reshape((-1,))(x))),
    "before pooling": lambda x: head(L.Flatten()(L.MaxPool2D()(L.Reshape((-1, 4, 3))(L.UpSampling2D()(x))))),
    "before LayerNormalization": lambda x: head(L.Flatten()(L.LayerNormalization()(L.Reshape((16, -1))(x)))),
}


def fill(built):
    """Sets random weights. Variances are positive."""
    weights = []
    for variable in built.weights:
        values = np.array(variable)
        name = getattr(variable, "path", variable.name)
        low = 0.5 if "variance" in name else -0.3
        weights.append((random.random(values.shape) * 0.6 + low).astype(values.dtype))
    built.set_weights(weights)


def save_windows_groups(source, target):
    """Copies a weights file with the group names that Keras writes on Windows, where it joins paths with backslashes."""

    def visit(path, group):
        if "vars" in group:
            copied = (output.create_group("\\".join(path)) if path else output).create_group("vars")
            for name, values in group["vars"].items():
                copied[name] = values[()]
        for name, inner in group.items():
            if name != "vars" and isinstance(inner, h5py.Group):
                visit([*path, name], inner)

    with h5py.File(source) as file, h5py.File(target, "w") as output:
        visit([], file)


def packed(path):
    return base64.b64encode(zlib.compress(path.read_bytes(), 9)).decode("ascii")


def make(built, kinds, folder):
    fill(built)
    x = (np.arange(np.prod(SHAPE)) * 37 % 101 / 101).reshape((1, *SHAPE)).astype("float32")
    files = {}
    for kind in kinds:
        path = folder / f"model.{kind.replace('windows', 'weights')}"
        if kind == "keras":
            options = {"save_format": "keras_v3"} if VERSION == "2.12" else {}
            built.save(str(path), **options)
        elif kind == "h5":
            built.save(str(path))
        else:
            built.save_weights(str(path))
        if kind == "windows.h5":
            save_windows_groups(path, folder / "windows.h5")
            path = folder / "windows.h5"
        files[kind] = packed(path)
    return {"files": files, "predicted": np.array(built(x, training=False)).ravel().tolist()}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if VERSION.startswith("3"):
            models = {f"Reshape {name}": (model(build), ["keras"]) for name, build in RESHAPED.items()}
            models["shared layers"] = (shared_at_sizes(), ["keras"])
        else:
            models = {"repeated classes": (repeated(), ["keras", "h5", "weights.h5", "windows.h5"])}
            if VERSION == "2.12":
                models["numpy settings"] = (numpy_settings(), ["keras"])
            if VERSION == "2.15":
                models |= {"slashes": (slashes(), ["h5"]), "slashes in models": (model_slashes(), ["h5"])}
                models["renamed layers"] = (renamed(), ["h5"])
        made = {key: make(built, kinds, folder) for key, (built, kinds) in models.items()}
    fixture = json.loads(FIXTURE.read_text()) if FIXTURE.exists() else {}
    fixture[VERSION] = made
    FIXTURE.write_text(json.dumps(dict(sorted(fixture.items())), indent=1) + "\n")


main()
