"""Keras files, compressed with deflate, and the predictions of their models, for the reader.

Keras 3 writes most of them. Keras 2 files are converted from those: JSON, strings of fixed length, names
with `:0`.
"""
import base64
import json
import pathlib
import re
import tempfile
import zipfile
import zlib

import h5py
import keras
import numpy as np
from keras import layers as L

from common import array, uniform

SHAPE = (6, 5, 3)
IMAGES = uniform("files/images", (1, *SHAPE), 0, 1)


def make():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        return {
            "images": "files/images",
            "shape": list(SHAPE),
            "families": {name: family(build, folder, name) for name, build in FAMILIES.items()},
            "faces": {name: face(name, folder) for name in ("open", "frozen", "partly")},
        }


def packed(path):
    if path.suffix == ".keras":
        make_reproducible(path)
    return base64.b64encode(zlib.compress(path.read_bytes(), 9)).decode("ascii")


def make_reproducible(path):
    """Makes an archive reproducible: one date, and objects numbered instead of identified by their addresses."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["metadata.json"] = re.sub(rb'[\d-]+@[\d:]+', b"2026-01-01@00:00:00", members["metadata.json"])
    numbers = {}
    members["config.json"] = re.sub(
        rb'("shared_object_id": )(\d+)',
        lambda found: found[1] + str(numbers.setdefault(found[2], len(numbers) + 1)).encode(),
        members["config.json"],
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)


def fill(model, prefix):
    for i, variable in enumerate(model.variables):
        kind = variable.path.split("/")[-1]
        if kind in ("count", "seed_generator_state") or "seed" in variable.path:
            continue
        low, high = (0.5, 1.5) if kind in ("gamma", "moving_variance", "variance") else (-0.5, 0.5)
        variable.assign(uniform(f"{prefix}/{i}/{variable.path}", tuple(variable.shape), low, high))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def predicted(model):
    outputs = model(IMAGES, training=False)
    return {name: array(value) for name, value in outputs.items()}


def family(build, folder, name):
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)  # Random layers write the seed into their configuration.
    image = keras.Input(SHAPE, name="image")
    model = keras.Model(image, build(image), name=name)
    fill(model, f"files/{name}")
    model.save(folder / f"{name}.keras")
    return {"file": packed(folder / f"{name}.keras"), "predicted": predicted(model)}


def convolutions(x):
    return {
        "conv": L.Conv2D(4, 3, name="conv")(x),
        "conv_same": L.Conv2D(4, (3, 2), padding="same", strides=2, activation="relu", name="conv_same")(x),
        "conv_dilated": L.Conv2D(4, 2, dilation_rate=2, use_bias=False, activation="silu", name="conv_dilated")(x),
        "conv_hard": L.Conv2D(2, 2, activation="hard_silu", kernel_regularizer="l2", name="conv_hard")(x),
        "depthwise": L.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x),
        "depthwise_same": L.DepthwiseConv2D(2, padding="same", strides=2, activation="relu6", name="depthwise_same")(x),
        "separable": L.SeparableConv2D(4, 2, depth_multiplier=2, name="separable")(x),
        "separable_dilated": L.SeparableConv2D(4, 2, dilation_rate=2, name="separable_dilated")(x),
        "separable_same": L.SeparableConv2D(4, 3, padding="same", strides=2, use_bias=False, activation="elu", name="separable_same")(x),
        "transposed": L.Conv2DTranspose(2, 3, strides=2, name="transposed")(x),
        "transposed_same": L.Conv2DTranspose(2, 3, strides=2, padding="same", activation="relu", name="transposed_same")(x),
        "transposed_small": L.Conv2DTranspose(2, 1, strides=2, name="transposed_small")(x),
        "dense": L.Dense(4, activation="tanh", name="dense")(x),
    }


def windows(x):
    return {
        "max": L.MaxPooling2D(2, name="max")(x),
        "max_same": L.MaxPooling2D(3, strides=2, padding="same", name="max_same")(x),
        "max_uneven": L.MaxPooling2D((2, 3), strides=(1, 2), name="max_uneven")(x),
        "average": L.AveragePooling2D(2, name="average")(x),
        "average_same": L.AveragePooling2D(3, strides=2, padding="same", name="average_same")(x),
        "average_one": L.AveragePooling2D(2, strides=1, padding="same", name="average_one")(x),
        "global_max": L.GlobalMaxPooling2D(name="global_max")(x),
        "global_average": L.GlobalAveragePooling2D(name="global_average")(x),
        "global_kept": L.GlobalAveragePooling2D(keepdims=True, name="global_kept")(x),
        "global_max_kept": L.GlobalMaxPooling2D(keepdims=True, name="global_max_kept")(x),
        "padded": L.ZeroPadding2D(((0, 1), (2, 0)), name="padded")(x),
        "padded_all": L.ZeroPadding2D(1, name="padded_all")(x),
        "cropped": L.Cropping2D(((1, 2), (0, 1)), name="cropped")(x),
        "larger": L.UpSampling2D((2, 3), name="larger")(x),
        "middle": L.CenterCrop(3, 2, name="middle")(x),
        "resized": L.Resizing(6, 5, name="resized")(x),
    }


def shapes(x):
    flat = L.Flatten(name="flat")(x)
    return {
        "flat": flat,
        "flat_twice": L.Flatten(name="flat_twice")(flat),
        "reshaped": L.Reshape((5, -1), name="reshaped")(x),
        "permuted": L.Permute((3, 1, 2), name="permuted")(x),
        "repeated": L.RepeatVector(2, name="repeated")(L.GlobalMaxPooling2D(name="pool")(x)),
        "identity": L.Identity(name="identity")(x),
    }


def activations(x):
    x = L.Rescaling(12.0, -6.0, name="wide")(x)
    words = "relu relu6 elu selu sigmoid tanh softmax softplus softsign silu gelu mish linear log_softmax hard_sigmoid hard_silu leaky_relu"
    outputs = {word: L.Activation(word, name=word)(x) for word in words.split()}
    return outputs | {
        "relu_layer": L.ReLU(name="relu_layer")(x),
        "relu_most": L.ReLU(max_value=3, name="relu_most")(x),
        "relu_slope": L.ReLU(negative_slope=0.2, name="relu_slope")(x),
        "relu_both": L.ReLU(max_value=3, negative_slope=0.2, name="relu_both")(x),
        "relu_threshold": L.ReLU(threshold=1, name="relu_threshold")(x),
        "leaky": L.LeakyReLU(name="leaky")(x),
        "leaky_inside": L.Activation(L.LeakyReLU(negative_slope=0.1), name="leaky_inside")(x),
        "p": L.PReLU(name="p")(x),
        "p_shared": L.PReLU(shared_axes=[1, 2], name="p_shared")(x),
        "elu_layer": L.ELU(name="elu_layer")(x),
        "softmax_layer": L.Softmax(name="softmax_layer")(x),
        "softmax_last": L.Softmax(axis=3, name="softmax_last")(x),
    }


def normalisations(x):
    flat = L.GlobalAveragePooling2D(name="pool")(x)
    fixed = {"mean": [0.2, 0.4, 0.6], "variance": [0.1, 0.2, 0.3]}
    return {
        "batch": L.BatchNormalization(name="batch")(x),
        "batch_axis": L.BatchNormalization(axis=3, epsilon=1e-5, momentum=0.9, name="batch_axis")(x),
        "batch_bare": L.BatchNormalization(center=False, scale=False, name="batch_bare")(x),
        "batch_centred": L.BatchNormalization(scale=False, name="batch_centred")(x),
        "batch_flat": L.BatchNormalization(name="batch_flat")(flat),
        "layer": L.LayerNormalization(name="layer")(x),
        "layer_all": L.LayerNormalization(axis=[1, 2, 3], name="layer_all")(x),
        "layer_bare": L.LayerNormalization(center=False, scale=False, epsilon=1e-2, name="layer_bare")(x),
        "normal": L.Normalization(name="normal")(x),
        "normal_fixed": L.Normalization(**fixed, name="normal_fixed")(x),
        "normal_one": L.Normalization(axis=None, mean=0.5, variance=0.04, name="normal_one")(x),
        "normal_back": L.Normalization(**fixed, invert=True, name="normal_back")(x),
        "normal_flat": L.Normalization(name="normal_flat")(flat),
        "rescaled": L.Rescaling(1 / 127.5, offset=-1, name="rescaled")(x),
        "rescaled_each": L.Rescaling([1.0, 2.0, 3.0], offset=[0.5, 0.0, -0.5], name="rescaled_each")(x),
        "rescaled_scales": L.Rescaling([1.0, 2.0, 3.0], name="rescaled_scales")(x),
    }


def merges(x):
    a = L.Conv2D(3, 1, name="a")(x)
    b = L.Conv2D(3, 1, name="b")(x)
    one = L.GlobalAveragePooling2D(keepdims=True, name="one")(a)
    left, right = L.GlobalMaxPooling2D(name="left")(a), L.GlobalMaxPooling2D(name="right")(b)
    return {
        "add": L.Add(name="add")([a, b, x]),
        "subtract": L.Subtract(name="subtract")([a, b]),
        "multiply": L.Multiply(name="multiply")([a, b]),
        "average": L.Average(name="average")([a, b, x]),
        "maximum": L.Maximum(name="maximum")([a, b]),
        "minimum": L.Minimum(name="minimum")([a, b]),
        "concatenate": L.Concatenate(name="concatenate")([a, b]),
        "concatenate_rows": L.Concatenate(axis=1, name="concatenate_rows")([a, b]),
        "gate": L.Multiply(name="gate")([a, one]),
        "dot": L.Dot(1, name="dot")([left, right]),
        "dot_cosine": L.Dot(1, normalize=True, name="dot_cosine")([left, right]),
    }


def chance(x):
    for layer in (
        L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1), L.RandomContrast(0.1),
        L.RandomBrightness(0.1), L.GaussianNoise(0.1), L.GaussianDropout(0.1), L.AlphaDropout(0.1),
        L.ActivityRegularization(0.1), L.RandomCrop(*SHAPE[:2]),
    ):  # fmt: skip
        x = layer(x)
    return {
        "noisy": L.Conv2D(2, 1, name="noisy")(x),
        "spatial": L.SpatialDropout2D(0.2, name="spatial")(x),
        "dropped": L.Dropout(0.3, noise_shape=(None, 1, None, 3), name="dropped")(x),
    }


def operations(x):
    y = keras.ops.relu(x * 2 - 1) + 0.5
    z = (1 - y) / 4
    flat = L.GlobalAveragePooling2D(name="pool")(z)
    each = np.array([1, 2, 4], "float32")
    return {
        "sum": L.Identity(name="sum")(y + z),
        "product": L.Identity(name="product")(y * z),
        "difference": L.Identity(name="difference")(y - z),
        "each": L.Identity(name="each")(y * each),
        "flat_each": L.Identity(name="flat_each")(flat / each),
        "negated": L.Identity(name="negated")(-y),
        "squashed": L.Identity(name="squashed")(keras.ops.sigmoid(z)),
        "greatest": L.Identity(name="greatest")(keras.ops.maximum(y, z)),
        "caffe": L.Identity(name="caffe")(keras.applications.resnet50.preprocess_input(x)),
        "torch": L.Identity(name="torch")(keras.applications.densenet.preprocess_input(x)),
        "tf": L.Identity(name="tf")(keras.applications.mobilenet_v2.preprocess_input(x)),
        "part": L.Identity(name="part")(x[:, 1:-1, 2:, ::-1]),
        "every_other": L.Identity(name="every_other")(x[..., ::2]),
        "last": L.Identity(name="last")(x[:, :, :, -1]),
        "softly": L.Identity(name="softly")(keras.ops.softmax(keras.ops.mean(x, axis=[1, 2]))),
        "beside": L.Identity(name="beside")(keras.ops.concatenate([y, z], axis=-1)),
        "shaped": L.Identity(name="shaped")(keras.ops.reshape(keras.ops.max(x, axis=(1, 2), keepdims=True), (-1, 3))),
    }


def structures(x):
    """Nested models: a chain that starts with one, and one whose inputs are in a record."""
    image = keras.Input(SHAPE)
    base = keras.Model(image, L.Conv2D(2, 2, name="conv")(image), name="base")
    base.trainable = False
    chain = keras.Sequential([base, L.GlobalAveragePooling2D(name="pool"), L.Dense(2, name="dense")], name="chain")
    left, right = keras.Input((2,), name="z"), keras.Input((2,), name="a")
    sides = {"y": L.Dense(2, name="dense")(left), "b": L.Dense(3, name="other")(right)}
    pair = keras.Model({"z": left, "a": right}, sides, name="pair")
    flat = L.Flatten(name="flat")(x)
    given = {"z": L.Dense(2, name="left")(flat), "a": L.Dense(2, name="right")(flat)}
    return {"chained": L.Identity(name="chained")(chain(x))} | pair(given)


FAMILIES = {
    build.__name__: build
    for build in (convolutions, windows, shapes, activations, normalisations, merges, chance, operations, structures)
}


def face(name, folder):
    """A model nested in several levels, with shared layers, equal names inside and outside, and outputs in a record."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)  # Random layers write the seed into their configuration.
    image = keras.Input((6, 5, 2), name="inside")
    conv = L.Conv2D(2, 1, name="conv")
    y = L.BatchNormalization(name="norm")(conv(image))
    neck = keras.Sequential([keras.Input((6, 5, 2)), L.Conv2D(2, 1, activation="relu", name="conv"), L.BatchNormalization(name="neck_norm")], name="neck")  # fmt: skip
    y = neck(y)
    y = L.Add(name="sum")([conv(y), neck(y), image])
    base = keras.Model(image, [y, L.GlobalMaxPooling2D(name="top")(y)], name="base")
    if name == "frozen":
        base.trainable = False
    if name == "partly":
        base.get_layer("norm").trainable = False
        neck.layers[0].trainable = False
    image = keras.Input(SHAPE, name="image")
    x = L.Rescaling(1 / 255.0, name="scale")(image)
    x = L.Conv2D(2, 1, name="conv")(x)
    x, top = base(x)
    _, again = base(x)
    x = L.Concatenate(name="all")([L.Flatten(name="flat")(x), top, again])
    x = L.Dropout(0.3, name="drop")(x)
    shared = L.Dense(3, activation="tanh", name="shared")
    far = shared(L.Dense(3, name="far")(shared(L.Dense(3, name="near")(x))))
    heads = keras.Sequential([L.Dense(3, activation="relu", name="hidden"), L.Dense(1, activation="sigmoid", name="p")], name="heads")  # fmt: skip
    outputs = {"age": L.Dense(1, name="years")(far), "gender": heads(far)}
    model = keras.Model(image, outputs, name="face")
    model.compile("adam", loss={"age": "mean_squared_error", "gender": "binary_crossentropy"})
    fill(model, "files/face")
    images = IMAGES * 255
    expected = {key: array(value) for key, value in model(images, training=False).items()}
    trainable = sorted(variable.path for variable in model.trainable_variables)
    paths = {kind: folder / f"{name}.{kind}" for kind in ("keras", "h5", "keras2.h5", "old.h5", "long.h5")}
    model.save(paths["keras"])
    model.save(paths["h5"])
    keras2(paths["h5"], paths["keras2.h5"], model)
    old_weights(paths["h5"], paths["old.h5"], chunk=None)
    old_weights(paths["h5"], paths["long.h5"], chunk=4)
    kept = {"open": paths, "partly": ("keras", "h5", "keras2.h5", "old.h5"), "frozen": ("keras", "h5")}[name]
    return {
        "files": {kind: packed(paths[kind]) for kind in kept},
        "predicted": expected,
        "trainable": trainable,
    }


def fixed(texts):
    """Returns strings of equal length, as Keras 2 writes them."""
    return np.array([text.encode() for text in texts]) if len(texts) else np.array([])


def old_group(source, target, chunk=None):
    """Converts the weights of a Keras 3 group to the layout of Keras 2."""
    names = [name for name in source.attrs["layer_names"]]
    if chunk:
        for part, start in enumerate(range(0, len(names), chunk)):
            target.attrs[f"layer_names{part}"] = fixed(names[start : start + chunk])
    else:
        target.attrs["layer_names"] = fixed(names)
    target.attrs["backend"] = np.bytes_("tensorflow")
    target.attrs["keras_version"] = np.bytes_("2.9.0")
    for name in names:
        group = target.create_group(name)
        weights = list(source[name].attrs["weight_names"])
        group.attrs["weight_names"] = fixed([f"{weight}:0" for weight in weights])
        for weight in weights:
            group[f"{weight}:0"] = source[name][weight][()]


def old_weights(source, target, chunk):
    with h5py.File(source) as given, h5py.File(target, "w") as made:
        old_group(given["model_weights"], made, chunk)


def keras2(source, target, model):
    with h5py.File(source) as given, h5py.File(target, "w") as made:
        config = json.loads(given.attrs["model_config"])
        made.attrs["model_config"] = np.bytes_(json.dumps(older(config)))
        made.attrs["backend"] = np.bytes_("tensorflow")
        made.attrs["keras_version"] = np.bytes_("2.9.0")
        old_group(given["model_weights"], made.create_group("model_weights"))


def older(layer):
    """Converts a layer's JSON to the form of Keras 2.9."""
    if layer["class_name"] not in ("Functional", "Sequential"):
        config = {key: plain(value) for key, value in layer["config"].items()}
        if "batch_shape" in config:
            config["batch_input_shape"] = config.pop("batch_shape")
        for name in ("optional", "quantization_config", "input_axes", "output_axes", "synchronized"):
            config.pop(name, None)
        for name in [name for name in config if name.startswith("renorm")]:
            config.pop(name)
        return {"class_name": layer["class_name"], "config": config}
    config = layer["config"]
    inner = {each["name"]: each for each in config["layers"] if "layers" in each.get("config", {})}
    made = []
    for each in config["layers"]:
        older_layer = older(each)
        if layer["class_name"] == "Functional":
            # Keras 2 counts the call that created an inner model, so its further calls start at 1.
            nodes = [[[*history, {}] for history in histories(node, inner)] for node in each["inbound_nodes"]]
            older_layer |= {"name": each["name"], "inbound_nodes": nodes}
        made.append(older_layer)
    result = {"name": config["name"], "layers": made}
    if layer["class_name"] == "Functional":
        for name in ("input_layers", "output_layers"):
            ends = config[name]
            if isinstance(ends, dict):
                result[name] = {key: moved(end, inner) for key, end in ends.items()}
            elif isinstance(ends[0], str):
                result[name] = [moved(ends, inner)]
            else:
                result[name] = [moved(end, inner) for end in ends]
    return {"class_name": layer["class_name"], "config": result}


def moved(reference, inner):
    name, node, tensor = reference
    return [name, node + 1 if name in inner else node, tensor]


def histories(node, inner):
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        yield moved(node["config"]["keras_history"], inner)
    elif isinstance(node, dict):
        for value in node.values():
            yield from histories(value, inner)
    elif isinstance(node, list):
        for value in node:
            yield from histories(value, inner)


def plain(value):
    """Converts dtype policies, initializers and regularizers to the form of Keras 2."""
    if isinstance(value, dict) and value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if isinstance(value, dict) and "module" in value:
        config = {key: entry for key, entry in value["config"].items() if not key.endswith("_axes")}
        return {"class_name": value["class_name"], "config": config}
    return value
