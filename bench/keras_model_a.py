"""Measures Model A in Keras on request: keras_model_a.py SIZE BATCH [IMAGES]. See protocol.py.

With IMAGES it trains on a dataset of that many images in memory: bytes, which are converted batch by batch.
Needs: pip install keras tensorflow-cpu. TensorFlow chooses the number of threads.
"""
import os
import platform
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras import layers, regularizers
from protocol import cycle_batches, serve


def model_a(size, dropout=0.3, l2=1e-3):
    image = layers.Input((size, size, 3))
    trunk = layers.Conv2D(64, 3, activation="relu")(image)
    trunk = layers.Conv2D(64, 3, activation="relu")(trunk)
    trunk = layers.MaxPooling2D()(trunk)
    trunk = layers.BatchNormalization()(trunk)
    trunk = layers.Conv2D(128, 3, activation="relu")(trunk)
    trunk = layers.MaxPooling2D()(trunk)

    def branch(name, filters, activation):
        x = trunk
        for channels, kernel in ((64, 3), (128, 2)):
            x = layers.Conv2D(channels, kernel, activation="relu")(x)
            x = layers.MaxPooling2D()(x)
            x = layers.BatchNormalization()(x)
        x = layers.Conv2D(filters, 2, activation="relu")(x)
        x = layers.Flatten()(x)
        for units in (128, 16):
            x = layers.Dense(units, activation="relu", kernel_regularizer=regularizers.L2(l2))(x)
            x = layers.Dropout(dropout)(x)
        return layers.Dense(1, activation=activation, name=name)(x)

    return keras.Model(image, {"age": branch("age", 128, None), "gender": branch("gender", 64, "sigmoid")})


def main(size, batch, images=None):
    model = model_a(size)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"age": "mse", "gender": "binary_crossentropy"},
        loss_weights={"age": 1, "gender": 50},
        metrics={"age": ["mae"], "gender": ["accuracy"]},
    )
    count = images or batch
    random = np.random.default_rng(1)
    data = random.integers(0, 256, (count, size, size, 3), dtype="uint8")
    labels = {
        "age": random.integers(0, 80, (count, 1)).astype("float32"),
        "gender": random.integers(0, 2, (count, 1)).astype("float32"),
    }
    first_batch = data[:batch].astype("float32") / 255
    infer = tf.function(lambda x: model(x, training=False))
    slices = cycle_batches(count, batch)

    def train(_):
        rows = next(slices)
        pixels = first_batch if images is None else data[rows].astype("float32") / 255
        model.train_on_batch(pixels, {task: values[rows] for task, values in labels.items()})

    serve(
        {
            "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU",
            "threads": "its own choice",
            "operations": ["train", "predict"],
            "versions": {
                "Keras": keras.__version__,
                "TensorFlow": tf.__version__,
                "Python": platform.python_version(),
            },
        },
        {"train": train, "predict": lambda n: [output.numpy() for output in infer(first_batch[:n]).values()]},
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
