"""Grad-CAM (R. R. Selvaraju et al., 2017) in Keras: Model A, MobileNetV2 with a binary and a categorical head, and
a trunk that is called on the image and on its grayscale version.
"""
import keras
import make_backbones
import numpy as np
import tensorflow as tf
from common import array, bounds, fill, image_bytes, name_of, uniform
from keras import applications, layers
from make_model_a import SIDE, network

# Images of the second model, selected from a hundred: behind the layers below, no input of a relu is within
# rounding error of 0.
IMAGES = {"model a": ["a1", "a2", "a3"], "backbone": ["gradcam 62", "gradcam 68", "gradcam 105"]}
MARGIN = 5e-5
LABELS = {"defect": 1, "grade": 3}  # output index of each head of the second model


def images(which):
    return np.stack([image_bytes(f"{name}/image", [SIDE, SIDE, 3]) for name in IMAGES[which]]).astype(np.float32)


def bare(model, task):
    """Returns the output of the head before its activation."""
    head = model.get_layer(task)
    return head.input @ head.kernel + head.bias


def margin(model, layer, x):
    """Returns how close the inputs of relus behind a layer are to 0. Within rounding error, the slope is undefined."""
    names = [own.name for own in model.layers]
    relus = [own for own in model.layers[names.index(layer) + 1:] if isinstance(own, layers.ReLU)]
    if not relus:
        return np.inf
    values = keras.Model(model.input, [own.input for own in relus])(x, training=False)
    return min(float(np.minimum(abs(value), abs(value - 6)).min()) for value in map(np.asarray, [*values] if len(relus) > 1 else [values]))


def maps(model, task, layer, toward, x, at=None):
    """Returns the maps before scaling. `toward`: an output of the head with its sign, or None for the predicted
    class of each image; `at`: the output of the layer, if it is called more than once.
    """
    both = keras.Model(model.input, [model.get_layer(layer).output if at is None else at, bare(model, task)])
    with tf.GradientTape() as tape:
        activation, logits = both(x, training=False)
        if toward is None:
            units = logits.shape[-1]
            chosen = tf.one_hot(tf.argmax(logits, -1), units) if units > 1 else tf.where(logits > 0, 1.0, -1.0)
        else:
            chosen = toward
        score = tf.reduce_sum(logits * chosen)
    importance = tf.reduce_mean(tape.gradient(score, activation), axis=(1, 2), keepdims=True)
    found = tf.nn.relu(tf.reduce_sum(activation * importance, axis=-1)).numpy()
    near = margin(model, layer, x)
    print(f"  {task} at {layer}, {found.shape}, largest {found.max(axis=(1, 2))}, zeros {(found == 0).mean():.2f}, margin {near:.1e}")
    assert near > MARGIN, "another engine may answer otherwise"
    assert (found.max(axis=(1, 2)) > 0).any(), "nothing would be shown"
    return {"task": task, "layer": layer, "toward": toward, "maps": array(found), "logits": array(logits)}


def model_a():
    model, _ = network(dropout=False)
    x = images("model a") / 255
    return [
        maps(model, "age", "age_conv2", 1, x),
        maps(model, "age", "age_conv2", -1, x),
        maps(model, "gender", "gender_conv2", None, x),
        maps(model, "age", "trunk_conv3", 1, x),
        maps(model, "gender", "trunk_conv3", -1, x),
    ]


def backbone():
    keras.backend.clear_session()
    trunk = applications.MobileNetV2(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    for layer in make_backbones.body(trunk):
        for weight in layer.weights:
            low, high = make_backbones.bounds(layer, weight, 1)
            weight.assign(uniform(f"gradcam/{name_of(layer, weight)}", tuple(weight.shape), low, high))
    outputs = []
    for task, units in LABELS.items():
        x = layers.GlobalAveragePooling2D()(trunk.output)
        x = layers.Dense(16, "relu", name=f"{task}_dense1")(x)
        outputs.append(layers.Dense(units, "softmax" if units > 1 else "sigmoid", name=task)(x))
    model = keras.Model(trunk.input, outputs)
    for layer in model.layers[len(trunk.layers):]:
        for weight in layer.weights:
            shape = tuple(weight.shape)
            weight.assign(uniform(f"gradcam/{layer.name}/{weight.name}", shape, *bounds(weight.name, shape)))
    x = applications.mobilenet_v2.preprocess_input(images("backbone"))
    return [
        maps(model, "defect", "out_relu", None, x),
        maps(model, "grade", "out_relu", None, x),
        maps(model, "grade", "out_relu", [0.0, 1.0, 0.0], x),
        maps(model, "defect", "block_15_add", 1, x),
        maps(model, "grade", "block_13_expand_relu", None, x),
    ]


def views(gray_for):
    """One task uses the image and the other its grayscale version. The trunk is called for `age` first."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    gray = layers.Conv2D(3, 1, trainable=False, name="image_grayscale1")
    trunk = [
        layers.Conv2D(6, 3, strides=3, activation="relu", name="trunk_conv1"),
        layers.BatchNormalization(name="trunk_bn1"),
        layers.Conv2D(5, 3, strides=2, activation="relu", name="trunk_conv2"),
    ]
    seen, outputs = {}, []
    for task, activation in (("age", None), ("gender", "sigmoid")):
        x = gray(image) if task == gray_for else image
        for layer in trunk:
            x = seen[task, layer.name] = layer(x)
        x = seen[task, f"{task}_conv1"] = layers.Conv2D(4, 3, activation="relu", name=f"{task}_conv1")(x)
        outputs.append(layers.Dense(1, activation, name=task)(layers.Flatten(name=f"{task}_flatten1")(x)))
    model = keras.Model(image, outputs)
    fill(model, "gradcam views 1")
    luma = np.array([0.2989, 0.5870, 0.1140], "float32").reshape(1, 1, 3, 1)
    gray.set_weights([np.repeat(luma, 3, axis=3), np.zeros(3, "float32")])
    x = images("model a") / 255
    return [
        {"grayFor": gray_for, **maps(model, task, layer, None if task == "gender" else 1, x, at=output)}
        for (task, layer), output in seen.items()
        if layer != "trunk_bn1"  # same number of values as the layer before it
    ]


def make():
    both = [case for gray_for in ("gender", "age") for case in views(gray_for)]
    return {"images": IMAGES, "model a": model_a(), "backbone": backbone(), "views": both}
