"""Runs of fit on a small network of two tasks: the logs and the resulting weights."""
import keras
import numpy as np
from common import array, faces, fill
from keras import layers, regularizers

SHAPE = [4, 4, 3]
LOSSES = {"age": "mean_squared_error", "gender": "binary_crossentropy"}
WEIGHTS = {"age": 2.0, "gender": 0.5}
SAMPLE_WEIGHTS = np.array([0, 0, 1, 2, 1, 1, 1, 1, 3, 1], "float32")


def network(frozen=()):
    image = keras.Input(SHAPE, name="image")
    x = layers.Flatten(name="trunk_flatten1")(image)
    x = layers.Dense(6, "relu", kernel_regularizer=regularizers.L2(2.0), name="trunk_dense1")(x)
    age = layers.Dense(4, "relu", kernel_regularizer=regularizers.L2(1.0), name="age_dense1")(x)
    gender = layers.Dense(3, "relu", name="gender_dense1")(x)
    outputs = {"age": layers.Dense(1, name="age")(age), "gender": layers.Dense(1, "sigmoid", name="gender")(gender)}
    model = keras.Model(image, outputs)
    for name in frozen:
        model.get_layer(name).trainable = False
    fill(model, "training")
    return model


def run(rate, epochs, eager=False, weights=None, validation_weights=None, frozen=()):
    model = network(frozen)
    model.compile(
        optimizer=keras.optimizers.SGD(rate), loss=LOSSES, loss_weights=WEIGHTS, run_eagerly=eager,
        metrics={"age": ["mae", "mse"], "gender": ["accuracy"]}, weighted_metrics={"age": ["mae"], "gender": ["accuracy"]},
    )
    x, age, gender = faces("train", 10, SHAPE)
    xv, agev, genderv = faces("validation", 7, SHAPE)
    validation = (xv, {"age": agev, "gender": genderv})
    each = lambda w: {"age": w, "gender": w}
    if validation_weights is not None:
        validation += (each(validation_weights),)
    history = model.fit(
        x, {"age": age, "gender": gender}, batch_size=4, epochs=epochs, shuffle=False, verbose=0, validation_data=validation,
        sample_weight=None if weights is None else each(weights),
    ).history
    return {"history": history, "weights": {f"{l.name}/{w.name}": array(w) for l in model.layers for w in l.weights}}


def class_weights():
    """Keras supports class weights for networks with a single output only."""
    image = keras.Input(SHAPE, name="image")
    x = layers.Flatten(name="gender_flatten1")(image)
    model = keras.Model(image, layers.Dense(1, "sigmoid", name="gender")(x))
    fill(model, "training")
    x, _, gender = faces("train", 10, SHAPE)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x, gender, batch_size=4, epochs=2, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 2.5},
        validation_data=(x, gender),
    ).history
    return history


def make():
    return {
        "still, graph": run(0.0, 1),
        "still, eager": run(0.0, 1, eager=True),
        "learning, graph": run(1e-4, 3),
        "learning, eager": run(1e-4, 3, eager=True),
        "sample weights": run(1e-4, 2, eager=True, weights=SAMPLE_WEIGHTS, validation_weights=SAMPLE_WEIGHTS[3:]),
        "frozen": run(1e-4, 2, eager=True, frozen=["trunk_dense1"]),
        "class weights": class_weights(),
    }
