"""The networks of networks.ts in Keras. All of them have the outputs `age` and `gender`."""
import math

import keras
from keras import layers, regularizers

L2 = 1e-3
DROPOUT = 0.3
RESIDUAL_BLOCKS = [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1)]


def create_network(network, train, size):
    """Returns the network. The layers that `train` does not select are frozen and run in inference mode."""
    image = layers.Input((size, size, 3))
    if network == "model-a":
        trunk, branches = model_a_trunk(image), (model_a_branch(128), model_a_branch(64))
    else:
        trunk = residual_trunk(image) if network == "residual" else backbone_trunk(network, train, image)
        branches = (dense_layers, dense_layers)
    trunk = trunk if network == "model-a" else layers.GlobalAveragePooling2D()(trunk)
    if train == "heads":
        for layer in keras.Model(image, trunk).layers:
            layer.trainable = False
    age, gender = (branch(trunk) for branch in branches)
    return keras.Model(
        image,
        {
            "age": layers.Dense(1, name="age")(age),
            "gender": layers.Dense(1, activation="sigmoid", name="gender")(gender),
        },
    )


def dense_layers(x):
    for units in (128, 16):
        x = layers.Dense(units, activation="relu", kernel_regularizer=regularizers.L2(L2))(x)
        x = layers.Dropout(DROPOUT)(x)
    return x


def model_a_trunk(x):
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(128, 3, activation="relu")(x)
    return layers.MaxPooling2D()(x)


def model_a_branch(filters):
    def branch(x):
        for channels, kernel in ((64, 3), (128, 2)):
            x = layers.Conv2D(channels, kernel, activation="relu")(x)
            x = layers.MaxPooling2D()(x)
            x = layers.BatchNormalization()(x)
        x = layers.Conv2D(filters, 2, activation="relu")(x)
        return dense_layers(layers.Flatten()(x))

    return branch


def residual_trunk(x):
    def norm_relu(x):
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    x = norm_relu(layers.Conv2D(32, 3, padding="same")(x))
    for filters, strides in RESIDUAL_BLOCKS:
        inner = norm_relu(layers.Conv2D(filters, 3, strides, padding="same")(x))
        inner = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(inner))
        if inner.shape != x.shape:
            x = layers.Conv2D(filters, 1, strides)(x)
        x = layers.Activation("relu")(layers.Add()([x, inner]))
    return x


# The backbones expect pixels in these ranges. The images are in 0..1. ResNet50 subtracts the mean of each channel; the order of its channels
# does not matter for the time.
PREPROCESSING = {
    "resnet50": lambda: layers.Rescaling(255.0, [-103.939, -116.779, -123.68]),
    "mobilenetv2": lambda: layers.Rescaling(2.0, -1.0),
    "efficientnetb0": lambda: layers.Rescaling(255.0),
}
BACKBONES = {
    "resnet50": keras.applications.ResNet50,
    "mobilenetv2": keras.applications.MobileNetV2,
    "efficientnetb0": keras.applications.EfficientNetB0,
}


def backbone_trunk(network, train, image):
    backbone = BACKBONES[network](weights=None, include_top=False, input_shape=image.shape[1:])
    if train == "conv5":
        for layer in backbone.layers:
            if layer.name.startswith("conv5"):
                break
            layer.trainable = False
    pixels = PREPROCESSING[network]()(image)
    # `training=False` disables dropout, too. Otherwise Keras passes the mode of the whole model.
    return backbone(pixels, training=False) if train == "heads" else backbone(pixels)


def count_parameters(model):
    """Returns the numbers of all parameters and of the trainable parameters, without those of the preprocessing."""
    preprocessing = [layer for layer in list_layers(model) if isinstance(layer, layers.Normalization)]
    total = model.count_params() - sum(layer.count_params() for layer in preprocessing)
    return {"total": total, "trainable": sum(math.prod(weight.shape) for weight in model.trainable_weights)}


def list_layers(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from list_layers(layer)
