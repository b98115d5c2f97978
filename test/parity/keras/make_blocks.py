"""Every block in a small network: its prediction, its loss, and the gradient of every weight."""
import keras
import tensorflow as tf
from common import array, faces, fill, name_of
from keras import layers, regularizers
from keras.layers import Activation, Add, AveragePooling2D, BatchNormalization, Conv2D, DepthwiseConv2D, MaxPooling2D

SHAPE = [8, 7, 3]


def chain(*made):
    def through(x):
        for layer in made:
            x = layer(x)
        return x

    return through


def conv(filters, size, n=2, **options):
    return Conv2D(filters, size, name=f"trunk_conv{n}", **({"activation": "relu"} | options))


def residual(x, strides):
    y = conv(5 if strides > 1 else 4, 3, padding="same", strides=strides)(x)
    y = conv(5 if strides > 1 else 4, 3, 3, padding="same", activation=None)(y)
    if strides > 1:
        x = Conv2D(5, 1, strides=strides, name="trunk_shortcut1")(x)
    return Activation("relu")(Add()([x, y]))


def depthwise(size, **options):
    return DepthwiseConv2D(size, activation="relu", name="trunk_depthwise1", **options)


CASES = {
    "conv": conv(5, 3),
    "conv, same": conv(5, 3, padding="same"),
    "conv, same, even kernel": conv(5, 2, padding="same"),
    "conv, strides": conv(5, 3, strides=2),
    "conv, strides, same": conv(5, 3, strides=2, padding="same"),
    "conv, strides over the kernel, same": conv(5, 1, strides=3, padding="same"),
    "conv, dilated": conv(5, 2, dilation_rate=2),
    "conv, dilated, same": conv(5, 3, dilation_rate=2, padding="same"),
    "conv, linear without bias": conv(5, 3, activation=None, use_bias=False),
    "conv, L2": conv(5, 3, kernel_regularizer=regularizers.L2(0.5)),
    "depthwise": depthwise(3),
    "depthwise, two each, same": depthwise(3, depth_multiplier=2, padding="same"),
    "depthwise, strides, same": depthwise(3, strides=2, padding="same"),
    "depthwise, L2": depthwise(2, depthwise_regularizer=regularizers.L2(0.5)),
    "max": MaxPooling2D(2),
    "max, strides, same": MaxPooling2D(3, strides=2, padding="same"),
    "average": AveragePooling2D(2),
    "average, strides, same": AveragePooling2D(3, strides=2, padding="same"),
    "average, overlapping": AveragePooling2D(3, strides=2),
    "average, strides over the window, same": AveragePooling2D(2, strides=3, padding="same"),
    "max, strides over the window, same": MaxPooling2D(2, strides=3, padding="same"),
    "residual": lambda x: residual(x, 1),
    "residual, strides": lambda x: residual(x, 2),
    "batch normalization": chain(conv(5, 3), BatchNormalization(name="trunk_bn1")),
    "global average": layers.GlobalAveragePooling2D(),
    **{
        kind: chain(conv(5, 3, activation=None), Activation(kind))
        for kind in ("elu", "selu", "sigmoid", "tanh", "softplus", "swish")
    },
}


def case(block):
    image = keras.Input(SHAPE, name="image")
    x = block(conv(4, 3, 1, activation="linear")(image))
    if len(x.shape) > 2:
        x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(1, name="age")(x))
    fill(model, "blocks")
    x, age, _ = faces("blocks", 3, SHAPE)
    predicted = array(model(x, training=False))
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(keras.losses.mean_squared_error(age, model(x, training=True)))
        total = mean + (tf.add_n(model.losses) if model.losses else 0)
    gradients = tape.gradient(total, model.trainable_variables)
    names = {id(weight): name_of(layer, weight) for layer in model.layers for weight in layer.weights}
    return {
        "predicted": predicted, "total": float(total),
        "gradients": {names[id(v)]: array(g) for v, g in zip(model.trainable_variables, gradients)},
    }


def make():
    return {name: case(block) for name, block in CASES.items()}
