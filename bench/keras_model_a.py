"""Model A in Keras, timed on request: keras_model_a.py SIZE BATCH.

A line of JSON in ({"what": "train"} or {"what": "predict"}), a line out ({"ms": 123.4}: the whole batch).
Needs: pip install keras tensorflow-cpu. Threads are left as TensorFlow chooses them.
"""
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras import layers, regularizers


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


def main(size, batch):
    model = model_a(size)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"age": "mse", "gender": "binary_crossentropy"},
        loss_weights={"age": 1, "gender": 50},
        metrics={"age": ["mae"], "gender": ["accuracy"]},
    )
    random = np.random.default_rng(1)
    images = random.random((batch, size, size, 3), dtype="float32")
    labels = {
        "age": random.integers(0, 80, (batch, 1)).astype("float32"),
        "gender": random.integers(0, 2, (batch, 1)).astype("float32"),
    }
    infer = tf.function(lambda x: model(x, training=False))
    act = {
        "train": lambda: model.train_on_batch(images, labels),
        "predict": lambda: [answer.numpy() for answer in infer(images).values()],
    }
    for line in sys.stdin:
        began = time.perf_counter()
        act[json.loads(line)["what"]]()
        print(json.dumps({"ms": (time.perf_counter() - began) * 1e3}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
