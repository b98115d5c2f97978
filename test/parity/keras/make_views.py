"""A trunk called on the image and on its grayscale version: training, moving statistics, and Keras's grayscale."""
import keras
import numpy as np
from common import array, faces, fill, uniform
from keras import layers

SHAPE = [6, 6, 3]


def network(gray_for, age_convs, gender_convs, frozen=False):
    """Branches of several depths: the calls of the trunk are in the order of their depth below the outputs."""
    image = keras.Input(SHAPE, name="image")
    gray = layers.Conv2D(3, 1, trainable=False, name="image_grayscale1")
    conv = layers.Conv2D(5, 2, activation="relu", name="trunk_conv1", trainable=not frozen)
    norm = layers.BatchNormalization(name="trunk_bn1", momentum=0.7, trainable=not frozen)
    ends = {}
    for task in ("age", "gender"):
        view = "gray" if task in gray_for else "image"
        if view not in ends:
            ends[view] = norm(conv(gray(image) if view == "gray" else image))

    def branch(task, convs):
        x = ends["gray" if task in gray_for else "image"]
        for i in range(convs):
            x = layers.Conv2D(4, 2, activation="relu", name=f"{task}_conv{i + 1}")(x)
        return layers.Flatten(name=f"{task}_flatten1")(x)

    age = layers.Dense(1, name="age")(branch("age", age_convs))
    gender = layers.Dense(1, activation="sigmoid", name="gender")(branch("gender", gender_convs))
    model = keras.Model(image, [age, gender])
    fill(model, "views")
    if gray_for:
        kernel = np.array([0.2989, 0.5870, 0.1140], "float32").reshape(1, 1, 3, 1)
        gray.set_weights([np.repeat(kernel, 3, axis=3), np.zeros(3, "float32")])
    return model


def run(*args, **options):
    model = network(*args, **options)
    model.compile(
        optimizer=keras.optimizers.SGD(1e-4),
        loss={"age": "mean_squared_error", "gender": "binary_crossentropy"},
        loss_weights={"age": 1.0, "gender": 50.0},
        metrics={"age": [keras.metrics.MeanAbsoluteError(name="mae")], "gender": [keras.metrics.BinaryAccuracy(name="accuracy")]},
    )
    x, age, gender = faces("train", 10, SHAPE)
    y = {"age": age, "gender": gender}
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, validation_data=(x, y)).history
    weights = {f"{layer.name}/{weight.name}": array(weight) for layer in model.layers for weight in layer.weights}
    predicted = [array(output) for output in model(x, training=False)]
    return {"history": history, "weights": weights, "predicted": predicted, "parameters": model.count_params()}


def make():
    pixels = uniform("views/pixels", [2, 3, 4, 3], 0, 1)
    return {
        "gray": array(keras.ops.image.rgb_to_grayscale(pixels, data_format="channels_last")),
        "neither": run([], 1, 1),
        "gender": run(["gender"], 1, 1),
        "gender, deeper": run(["gender"], 1, 2),
        "age": run(["age"], 1, 1),
        "age, gender shallower": run(["age"], 2, 1),
        "both": run(["age", "gender"], 1, 2),
        "gender, frozen trunk": run(["gender"], 1, 1, frozen=True),
    }
