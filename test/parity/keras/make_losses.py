"""Losses per example with their gradients, and metrics over batches, for ordinary values and edge cases."""
import keras
import numpy as np
import tensorflow as tf
from common import array, hashes, uniform
from keras import losses, metrics

ROWS = 12


def regression():
    target = uniform("losses/target", [ROWS, 2], -3, 3)
    prediction = target + uniform("losses/error", [ROWS, 2], -4, 4)
    prediction[0] = target[0]  # no error
    target[1], prediction[1] = [0, 0], [1, -1]  # the boundary of Huber's quadratic part
    return prediction, target


def binary():
    prediction = uniform("losses/p", [ROWS, 1], 0, 1)
    target = (hashes("losses/t", ROWS) >> np.uint32(31)).astype("float32").reshape(ROWS, 1)
    prediction[:8, 0] = [0, 0, 1, 1, 0.5, 0.5, 1e-8, 1 - 2**-24]
    target[:8, 0] = [0, 1, 0, 1, 0, 1, 1, 0]
    return prediction, target


def categorical():
    prediction = uniform("losses/q", [ROWS, 3], 0, 1)
    prediction /= prediction.sum(1, keepdims=True)
    prediction[:4] = [[1, 0, 0], [0, 1, 0], [0.4, 0.4, 0.2], [0.2, 0.4, 0.4]]
    target = np.eye(3, dtype="float32")[hashes("losses/c", ROWS) % 3]
    target[:4] = np.eye(3)[[0, 0, 1, 1]]
    return prediction, target


LOSSES = {
    "mean_squared_error": (losses.MeanSquaredError, {}, regression),
    "mean_absolute_error": (losses.MeanAbsoluteError, {}, regression),
    "huber": (losses.Huber, {"delta": 1.0}, regression),
    "huber of 2.5": (losses.Huber, {"delta": 2.5}, regression),
    "binary_crossentropy": (losses.BinaryCrossentropy, {}, binary),
    "categorical_crossentropy": (losses.CategoricalCrossentropy, {}, categorical),
}

METRICS = {
    "mae": (metrics.MeanAbsoluteError, regression),
    "mse": (metrics.MeanSquaredError, regression),
    "rmse": (metrics.RootMeanSquaredError, regression),
    "binary accuracy": (metrics.BinaryAccuracy, binary),
    "categorical accuracy": (metrics.CategoricalAccuracy, categorical),
}


def loss(kind, options, data):
    prediction, target = data()
    p = tf.constant(prediction)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = kind(reduction=None, **options)(target, p)
    return {"prediction": array(prediction), "target": array(target), "value": array(value), "gradient": array(tape.gradient(value, p))}


def sigmoid_logits():
    logits = uniform("losses/z", [ROWS, 1], -6, 6)
    logits[:8, 0] = [0, 0, 30, -30, 200, -200, 60, -60]
    target = (hashes("losses/t", ROWS) >> np.uint32(31)).astype("float32").reshape(ROWS, 1)
    target[:8, 0] = [0, 1, 0, 1, 0, 1, 1, 0]
    return logits, target


def softmax_logits():
    logits = uniform("losses/y", [ROWS, 3], -6, 6)
    logits[:5] = [[0, 0, 0], [80, 0, -80], [80, 0, -80], [1000, 0, 1], [5, 5, -5]]
    target = np.eye(3, dtype="float32")[hashes("losses/c", ROWS) % 3]
    target[:5] = np.eye(3)[[0, 0, 2, 1, 1]]
    return logits, target


LOGIT_LOSSES = {
    "binary_crossentropy": (losses.BinaryCrossentropy, "sigmoid", sigmoid_logits),
    "categorical_crossentropy": (losses.CategoricalCrossentropy, "softmax", softmax_logits),
}


def logit_loss(kind, activation, data):
    """Computes a loss of a model that ends with `activation`, in a graph as in fit."""
    logits, target = data()
    inputs = keras.Input([logits.shape[1]])
    model = keras.Model(inputs, keras.layers.Activation(activation)(inputs))

    @tf.function
    def compute(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = kind(reduction=None)(target, model(z, training=True))
        return value, tape.gradient(value, z)

    value, gradient = compute(tf.constant(logits))
    return {"logits": array(logits), "target": array(target), "value": array(value), "gradient": array(gradient)}


def metric(kind, data):
    """Computes metrics over batches of five, the last one smaller, with and without sample weights."""
    prediction, target = data()
    weights = uniform("losses/w", [ROWS], 0, 3)
    plain, weighted = kind(), kind()
    for rows in (slice(0, 5), slice(5, 10), slice(10, 12)):
        plain.update_state(target[rows], prediction[rows])
        weighted.update_state(target[rows], prediction[rows], sample_weight=weights[rows])
    return {
        "prediction": array(prediction), "target": array(target), "weights": array(weights),
        "plain": float(plain.result()), "weighted": float(weighted.result()),
    }


def make():
    return {
        "losses": {name: loss(*case) for name, case in LOSSES.items()},
        "logit_losses": {name: logit_loss(*case) for name, case in LOGIT_LOSSES.items()},
        "metrics": {name: metric(*case) for name, case in METRICS.items()},
    }
