"""Model B at 64x64: two epochs of Adam after a frozen ResNet50, with given weights, batches and dropout masks."""
import keras
import numpy as np
import tensorflow as tf
from common import array, bounds, faces, name_of, uniform
from keras import applications, layers, regularizers
from make_model_a import judge

SIDE, BATCH, BATCHES, EPOCHS, RATE, L2 = 64, 4, 3, 2, 0.3, 1e-3
SQUARE = 8


def backbone():
    """Scales that keep features near 1: inputs in caffe mode have a range of some hundreds, and sixteen blocks add
    up.
    """
    base = applications.ResNet50(include_top=False, weights=None, input_shape=[SIDE, SIDE, 3])
    for layer in base.layers:
        for weight in layer.weights:
            low, high = bounds(weight.name, tuple(weight.shape))
            scale = 0.02 if layer.name == "conv1_bn" else 1.0
            values = uniform(f"model-b/{name_of(layer, weight)}", tuple(weight.shape), low, high)
            weight.assign(values * np.float32(scale) if weight.name in ("gamma", "beta") else values)
    base.trainable = False
    return base


def network():
    base = backbone()
    image = keras.Input([SIDE, SIDE, 3], name="image")
    masks = {}

    def dropped(x, name):
        masks[name] = keras.Input([x.shape[-1]], name=name)
        return layers.Multiply(name=f"{name}_times")([x, masks[name]])

    def branch(x, task):
        for i, units in enumerate([128, 16], 1):
            x = layers.Dense(units, "relu", kernel_regularizer=regularizers.L2(L2), name=f"{task}_dense{i}")(x)
            x = dropped(x, f"{task}_dropout{i}")
        return layers.Dense(1, "sigmoid" if task == "gender" else None, name=task)(x)

    x = applications.resnet50.preprocess_input(image * 255.0)
    x = layers.GlobalAveragePooling2D(name="trunk_gap1")(base(x))
    outputs = [branch(x, "age"), branch(x, "gender")]
    model = keras.Model([image, *masks.values()], outputs)
    for layer in model.layers:
        if not hasattr(layer, "layers"):
            for weight in layer.weights:
                low, high = bounds(weight.name, tuple(weight.shape))
                weight.assign(uniform(f"model-b/{name_of(layer, weight)}", tuple(weight.shape), low, high))
    features = keras.Model(image, x)
    return model, list(masks), features


def mask(name, units, step):
    kept = uniform(f"model-b/{name}/{step}", [BATCH, units], 0, 1) >= RATE
    return (kept / (1 - RATE)).astype("float32")


def make():
    model, names, features = network()
    x, age, gender = faces("model-b", BATCH * BATCHES, [SIDE, SIDE, 3], SQUARE)
    optimizer = keras.optimizers.Adam(1e-3)
    steps = []
    for step in range(EPOCHS * BATCHES):
        rows = slice(BATCH * (step % BATCHES), BATCH * (step % BATCHES + 1))
        masks = [mask(name, model.get_layer(name).output.shape[-1], step) for name in names]
        with tf.GradientTape() as tape:
            _, losses, penalty, total = judge(model, [x[rows], *masks], age[rows], gender[rows])
        optimizer.apply(tape.gradient(total, model.trainable_variables), model.trainable_variables)
        steps.append({"total": float(total), "penalty": float(penalty), **{task: float(loss) for task, loss in losses.items()}})
    made = features(x[:BATCH]).numpy()
    print("  features: largest", np.abs(made).max(), "mean", np.abs(made).mean(), [s["total"] for s in steps])
    return {
        "parameters": model.count_params(),
        "trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        "features": array(made[:, ::64]),
        "batch": BATCH, "batches": BATCHES, "steps": steps,
    }
