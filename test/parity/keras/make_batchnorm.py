"""Batch normalization: one call in training, the moving statistics after it, and a frozen layer inside a frozen
base.
"""
import keras
import numpy as np
import tensorflow as tf
from common import array, faces, fill, uniform
from keras import layers

SHAPE = [4, 4, 3]


def call(x, **options):
    layer = layers.BatchNormalization(name="trunk_bn1", **options)
    layer.build(x.shape)
    x = tf.constant(x)
    if options:
        for weight in layer.weights:
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.1, 0.1)
            weight.assign(uniform(f"bn/trunk_bn1/{weight.name}", tuple(weight.shape), low, high))
    before = layer(x, training=False)
    y = layer(x, training=True)
    return {
        "before": array(before), "training": array(y), "after": array(layer(x, training=False)),
        "moving_mean": array(layer.moving_mean), "moving_variance": array(layer.moving_variance),
    }


def network(frozen):
    """The base is a model inside the model, which is how Keras users freeze one."""
    image = keras.Input(SHAPE)
    x = layers.Conv2D(5, 2, activation="relu", name="trunk_conv1")(image)
    base = keras.Model(image, layers.BatchNormalization(name="trunk_bn1")(x), name="base")
    base.trainable = not frozen
    outer = keras.Input(SHAPE, name="image")
    x = layers.Conv2D(4, 2, activation="relu", name="age_conv1")(base(outer))
    x = layers.BatchNormalization(name="age_bn1", momentum=0.9)(x)
    x = layers.Flatten(name="age_flatten1")(x)
    model = keras.Model(outer, layers.Dense(1, name="age")(x))
    fill(model, "bn")
    return model, base


def run(frozen):
    model, base = network(frozen)
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mean_squared_error")
    x, age, _ = faces("train", 10, SHAPE)
    history = model.fit(x, age, batch_size=4, epochs=2, shuffle=False, verbose=0, validation_data=(x, age)).history
    every = [*base.layers, *(layer for layer in model.layers if layer is not base)]
    weights = {f"{layer.name}/{weight.name}": array(weight) for layer in every for weight in layer.weights}
    predicted = array(model(x, training=False))  # before the next call, which updates the statistics
    return {"history": history, "weights": weights, "predicted": predicted, "called in training": array(model(x, training=True))}


def make():
    return {
        "of four numbers": call(np.array([1, 2, 3, 6], "float32").reshape(4, 1, 1, 1)),
        "of images": call(uniform("bn/x", [2, 2, 2, 3], -2, 5), momentum=0.9, epsilon=1e-2),
        "of one number": call(np.array([7], "float32").reshape(1, 1, 1, 1)),
        "trained": run(False),
        "frozen": run(True),
    }
