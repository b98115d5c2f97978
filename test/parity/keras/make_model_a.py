"""Model A at 64x64 with batches of 4: one step of Adam with given dropout masks, twenty steps of SGD without
dropout.
"""
import keras
import numpy as np
import tensorflow as tf
from common import array, faces, fill, hashes, uniform
from keras import layers, regularizers

SIDE, BATCH, RATE, L2 = 64, 4, 0.3, 1e-3
# side of a uniform square in pixels: with noise, each relu would be either open everywhere or closed everywhere
SQUARE = 8
WEIGHTS = {"age": 1.0, "gender": 50.0}
SAMPLES = 200


def network(dropout):
    """With `dropout`, each mask is an additional input that is multiplied in: 0 or 1 / (1 - rate)."""
    image = keras.Input([SIDE, SIDE, 3], name="image")
    masks = {}

    def dropped(x, name):
        if not dropout:
            return x
        masks[name] = keras.Input([x.shape[-1]], name=name)
        return layers.Multiply(name=f"{name}_times")([x, masks[name]])

    def branch(x, task, filters):
        for i, (count, size) in enumerate([(64, 3), (128, 2)], 1):
            x = layers.Conv2D(count, size, activation="relu", name=f"{task}_conv{i}")(x)
            x = layers.MaxPooling2D(2, name=f"{task}_pool{i}")(x)
            x = layers.BatchNormalization(name=f"{task}_bn{i}")(x)
        x = layers.Conv2D(filters, 2, activation="relu", name=f"{task}_conv3")(x)
        x = layers.Flatten(name=f"{task}_flatten1")(x)
        for i, units in enumerate([128, 16], 1):
            x = layers.Dense(units, "relu", kernel_regularizer=regularizers.L2(L2), name=f"{task}_dense{i}")(x)
            x = dropped(x, f"{task}_dropout{i}")
        return layers.Dense(1, "sigmoid" if task == "gender" else None, name=task)(x)

    x = layers.Conv2D(64, 3, activation="relu", name="trunk_conv1")(image)
    x = layers.Conv2D(64, 3, activation="relu", name="trunk_conv2")(x)
    x = layers.MaxPooling2D(2, name="trunk_pool1")(x)
    x = layers.BatchNormalization(name="trunk_bn1")(x)
    x = layers.Conv2D(128, 3, activation="relu", name="trunk_conv3")(x)
    x = layers.MaxPooling2D(2, name="trunk_pool2")(x)
    outputs = [branch(x, "age", 128), branch(x, "gender", 64)]
    model = keras.Model([image, *masks.values()] if masks else image, outputs)
    fill(model, "model-a")
    return model, list(masks)


def mask(name, units):
    kept = uniform(f"model-a/{name}", [BATCH, units], 0, 1) >= RATE
    return (kept / (1 - RATE)).astype("float32")


def judge(model, inputs, age, gender):
    predictions = model(inputs, training=True)
    losses = {
        "age": tf.reduce_mean(keras.losses.mean_squared_error(age, predictions[0])),
        "gender": tf.reduce_mean(keras.losses.binary_crossentropy(gender, predictions[1])),
    }
    penalty = tf.add_n(model.losses)
    total = sum(WEIGHTS[task] * loss for task, loss in losses.items()) + penalty
    return predictions, losses, penalty, total


def summary(name, tensor):
    """Returns a small tensor whole; for a large one, three norms and some values at positions determined by its
    name.
    """
    flat = np.asarray(tensor, "float64").ravel()
    places = hashes(f"places/{name}", SAMPLES) % np.uint32(flat.size) if flat.size > SAMPLES else np.arange(flat.size)
    return {
        "largest": float(np.abs(flat).max()), "sum": float(flat.sum()), "absolute": float(np.abs(flat).sum()),
        "norm": float(np.sqrt((flat**2).sum())), "sampled": array(flat[places]),
    }


def variables(model):
    return {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}


def one_step():
    model, names = network(dropout=True)
    x, age, gender = faces("model-a", BATCH, [SIDE, SIDE, 3], SQUARE)
    inputs = [x, *(mask(name, model.get_layer(name).output.shape[-1]) for name in names)]
    with tf.GradientTape() as tape:
        predictions, losses, penalty, total = judge(model, inputs, age, gender)
    trained = model.trainable_variables
    gradients = tape.gradient(total, trained)
    by_identity = {id(variable): name for name, variable in variables(model).items()}
    named = {by_identity[id(variable)]: gradient for variable, gradient in zip(trained, gradients)}
    keras.optimizers.Adam(1e-3).apply(gradients, trained)
    return {
        "parameters": model.count_params(),
        "total": float(total), "penalty": float(penalty), **{f"{task}_loss": float(loss) for task, loss in losses.items()},
        "age_mae": float(np.abs(predictions[0] - age).mean()),
        "gender_accuracy": float(((predictions[1].numpy() > 0.5) == gender).mean()),
        "predictions": [array(p) for p in predictions],
        "gradients": {name: summary(name, gradient) for name, gradient in named.items()},
        "weights": {name: summary(name, variable) for name, variable in variables(model).items()},
    }


def twenty_steps(rate=1e-7, batches=5, steps=20):
    """At this learning rate, float32 and float64 agree to 3e-6 in Keras. From 2e-7 on, a relu that closes in only
    one of them separates them by 1e-4 and more; at 2e-6, by 2 %. Then there is no trajectory to compare with.
    """
    model, _ = network(dropout=False)
    x, age, gender = faces("model-a", BATCH * batches, [SIDE, SIDE, 3], SQUARE)
    optimizer = keras.optimizers.SGD(rate)
    totals = []
    for step in range(steps):
        rows = slice(BATCH * (step % batches), BATCH * (step % batches + 1))
        with tf.GradientTape() as tape:
            _, losses, _, total = judge(model, x[rows], age[rows], gender[rows])
        optimizer.apply(tape.gradient(total, model.trainable_variables), model.trainable_variables)
        totals.append({"total": float(total), **{task: float(loss) for task, loss in losses.items()}})
    return {"rate": rate, "batches": batches, "steps": totals}


def make():
    return {"one step": one_step(), "twenty steps": twenty_steps()}
