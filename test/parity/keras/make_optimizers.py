"""Optimizers with given gradients, schedules, initializers, and a network trained for fifty steps."""
import keras
import numpy as np
import tensorflow as tf
from common import array, faces, fill, uniform
from keras import layers, regularizers
from keras.optimizers import SGD, Adam, AdamW
from keras.optimizers.schedules import CosineDecay, ExponentialDecay

STEPS = 24


def gradients():
    """Gradients [STEPS, 3] of sizes from 1 to 1e-3, and all zero in one step."""
    values = uniform("gradients", [STEPS, 3]) * np.float32(10.0) ** -(np.arange(STEPS) % 4)[:, None].astype("float32")
    values[7] = 0
    return values.astype("float32")


def descend(optimizer, given):
    """A kernel of three numbers with the given gradients, and a bias whose gradient is always 1."""
    kernel = keras.Variable(uniform("descend", [3, 1]), name="kernel")
    bias = keras.Variable(np.array([0.5], "float32"), name="bias")
    path = []
    for gradient in given:
        optimizer.apply([tf.constant(gradient.reshape(3, 1)), tf.constant([1.0])], [kernel, bias])
        path.append([*np.ravel(kernel), *np.ravel(bias)])
    return array(path)


OPTIMIZERS = {
    "adam": lambda: Adam(),
    "adam of other betas": lambda: Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
    "adam, clipnorm": lambda: Adam(0.01, clipnorm=0.3),
    "adam, clipvalue": lambda: Adam(0.01, clipvalue=0.2),
    "adam, global_clipnorm": lambda: Adam(0.01, global_clipnorm=0.5),
    "adam, weight decay": lambda: Adam(0.05, weight_decay=0.1),
    "adamw": lambda: AdamW(0.05),
    "adam, accumulated": lambda: Adam(0.01, gradient_accumulation_steps=3),
    "adamw, accumulated, clipped": lambda: AdamW(0.05, weight_decay=0.2, gradient_accumulation_steps=2, global_clipnorm=0.4),
    "adam, scheduled": lambda: Adam(ExponentialDecay(0.05, 5, 0.5)),
    "sgd": lambda: SGD(),
    "sgd, momentum": lambda: SGD(0.1, momentum=0.9),
    "sgd, nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "sgd, clipped and decayed": lambda: SGD(0.1, momentum=0.5, clipnorm=0.3, weight_decay=0.05),
    "sgd, scheduled": lambda: SGD(ExponentialDecay(1.0, 2, 0.5)),
    "sgd, scheduled in stairs": lambda: SGD(ExponentialDecay(1.0, 2, 0.5, staircase=True)),
    "sgd, scheduled, accumulated": lambda: SGD(ExponentialDecay(1.0, 12, 0.5), gradient_accumulation_steps=3),
}

SCHEDULES = {
    "exponential": lambda: ExponentialDecay(1.0, 2, 0.5),
    "exponential in stairs": lambda: ExponentialDecay(1.0, 2, 0.5, staircase=True),
    "exponential of an epoch": lambda: ExponentialDecay(1e-3, 125, 0.95),
    "cosine": lambda: CosineDecay(0.1, 10),
    "cosine to a tenth": lambda: CosineDecay(0.1, 10, alpha=0.1),
    "cosine after a rise": lambda: CosineDecay(0.02, 10, warmup_target=0.1, warmup_steps=4),
}


def initializers(seeds=200):
    """Returns the largest value and the standard deviation over many draws."""
    cases = {
        "conv": (keras.initializers.GlorotUniform, (3, 3, 16, 32)),
        "depthwise": (keras.initializers.GlorotUniform, (3, 3, 16, 1)),
        "dense": (keras.initializers.GlorotUniform, (40, 8)),
        "he normal": (keras.initializers.HeNormal, (3, 3, 16, 32)),
        "he uniform": (keras.initializers.HeUniform, (3, 3, 16, 32)),
        "lecun normal": (keras.initializers.LecunNormal, (3, 3, 16, 32)),
    }
    drawn = {name: np.concatenate([np.ravel(make(seed=s)(shape)) for s in range(seeds)]) for name, (make, shape) in cases.items()}
    return {
        name: {"shape": list(cases[name][1]), "seeds": seeds, "largest": float(np.abs(x).max()), "deviation": float(x.std()), "mean": float(x.mean())}
        for name, x in drawn.items()
    }


def trajectory(optimizer, epochs=10):
    """Five batches per epoch, the same in every epoch."""
    shape = [4, 4, 3]
    image = keras.Input(shape, name="image")
    x = layers.Flatten(name="trunk_flatten1")(image)
    x = layers.Dense(6, "tanh", kernel_regularizer=regularizers.L2(1e-3), name="trunk_dense1")(x)
    model = keras.Model(image, [layers.Dense(1, name="age")(x), layers.Dense(1, "sigmoid", name="gender")(x)])
    fill(model, "trajectory")
    model.compile(optimizer=optimizer, loss=["mean_squared_error", "binary_crossentropy"], loss_weights=[0.01, 1.0])
    x, age, gender = faces("trajectory", 20, shape)
    losses = model.fit(x, [age, gender], batch_size=4, epochs=epochs, shuffle=False, verbose=0).history["loss"]
    return {"loss": losses, "weights": {f"{l.name}/{w.name}": array(w) for l in model.layers for w in l.weights}}


def make():
    tiny = np.zeros([3, 3], "float32")
    tiny[:, 0] = [1e-6, 2e-6, -1e-6]
    return {
        "descents": {name: descend(make(), gradients()) for name, make in OPTIMIZERS.items()},
        "tiny": descend(Adam(0.1), tiny),
        "schedules": {name: [float(make()(step)) for step in range(16)] for name, make in SCHEDULES.items()},
        "initializers": initializers(),
        "trajectories": {
            "adam": trajectory(Adam(ExponentialDecay(0.01, 5, 0.95))),
            "sgd": trajectory(SGD(0.01, momentum=0.9)),
        },
    }
