"""Output of Keras for two small models, in both formats: the configuration, and the tree of each HDF5 file."""
import io
import json
import pathlib
import tempfile
import zipfile

import h5py
import keras
from keras import layers, regularizers


def faces():
    """Compiled network of two tasks, with layers named as this library's builder names them."""
    image = keras.Input([12, 12, 3], name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="trunk_conv1")(image)
    x = layers.BatchNormalization(name="trunk_bn1")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="silu", use_bias=False, name="trunk_depthwise1")(x)
    x = layers.Conv2D(4, 1, strides=2, activation="linear", kernel_regularizer=regularizers.L2(0.25), name="trunk_conv2")(x)
    x = layers.LeakyReLU(negative_slope=0.125, name="leaky")(x)
    x = layers.ReLU(max_value=6, name="six")(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same", name="trunk_pool1")(x)
    a = layers.GlobalAveragePooling2D(name="age_gap1")(x)
    a = layers.Dense(5, activation="relu", kernel_regularizer=regularizers.L2(0.5), name="age_dense1")(a)
    a = layers.Dropout(0.5, name="age_dropout1")(a)
    age = layers.Dense(1, name="age")(a)
    g = layers.Flatten(name="gender_flatten1")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(g)
    model = keras.Model(image, [age, gender], name="multitask")
    model.get_layer("trunk_conv1").trainable = False
    model.get_layer("trunk_bn1").trainable = False
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.25), clipnorm=2.0),
        loss={"age": "mean_squared_error", "gender": "binary_crossentropy"},
        loss_weights={"age": 1.0, "gender": 50.0},
        metrics={
            "age": [keras.metrics.MeanAbsoluteError(name="mae")],
            "gender": [keras.metrics.BinaryAccuracy(name="accuracy")],
        },
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def pair():
    """Model with two inputs, shared layers, merges, and classes whose settings have other names; not compiled."""
    left, right = keras.Input([6, 5, 2], name="left"), keras.Input([6, 5, 2], name="right")
    eye = layers.SeparableConv2D(3, 2, depth_multiplier=2, name="eye")
    scale = layers.LayerNormalization(axis=[3], name="scale")
    a, b = scale(eye(left)), scale(eye(right))
    x = layers.Add(name="sum")([a, b])
    x = layers.Multiply(name="product")([x, a])
    x = layers.PReLU(shared_axes=[1, 2], name="slope")(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 2)), name="pad")(x)
    x = layers.Cropping2D(((0, 1), (1, 0)), name="crop")(x)
    x = layers.UpSampling2D(2, name="up")(x)
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="wide")(x)
    x = layers.Rescaling(0.5, offset=-1, name="rescale")(x)
    x = layers.Permute([2, 1, 3], name="turn")(x)
    x = layers.AveragePooling2D(3, name="pool")(x)
    x = layers.Activation("tanh", name="bend")(x)
    x = layers.Concatenate(name="join")([layers.GlobalMaxPooling2D(name="gmp")(x), layers.Flatten(name="flat")(x)])
    return keras.Model([left, right], layers.Softmax(name="share")(layers.Reshape([37, 2], name="rows")(x)), name="pair")


def tree(file):
    listed = {}

    def show(name, thing):
        attributes = {key: value if isinstance(value, str) else value.tolist() for key, value in thing.attrs.items()}
        array = {"dtype": str(thing.dtype), "shape": list(thing.shape)} if hasattr(thing, "shape") else {}
        listed[name] = {"attributes": attributes, **array}

    file.visititems(show)
    return listed


def plain(value):
    """Removes the numbers by which Keras identifies shared objects: they are memory addresses."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "shared_object_id"}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def written(model):
    with tempfile.TemporaryDirectory() as folder:
        archive, whole = pathlib.Path(folder) / "m.keras", pathlib.Path(folder) / "m.h5"
        model.save(archive)
        model.save(whole)
        with zipfile.ZipFile(archive) as members, h5py.File(whole) as file:
            weights = h5py.File(io.BytesIO(members.read("model.weights.h5")))
            texts = {key: value for key, value in file.attrs.items() if key not in ("model_config", "training_config")}
            training = file.attrs.get("training_config")
            return {
                "members": members.namelist(),
                "config": plain(json.loads(members.read("config.json"))),
                "weights": tree(weights),
                "attributes": texts,
                "model_config": plain(json.loads(file.attrs["model_config"])),
                "training_config": training and json.loads(training),
                "tree": tree(file),
            }


def make():
    return {"faces": written(faces()), "pair": written(pair())}
