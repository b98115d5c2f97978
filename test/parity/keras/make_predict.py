"""Predictions and evaluation of a network with dropout and random flips, neither of which may have an effect."""
import keras
from common import array, faces, fill
from keras import layers

SHAPE = [4, 4, 3]


def make():
    keras.utils.set_random_seed(1)
    image = keras.Input(SHAPE, name="image")
    x = layers.RandomFlip(name="flip")(image)
    x = layers.Flatten(name="trunk_flatten1")(x)
    x = layers.Dropout(0.5, name="trunk_dropout1")(layers.Dense(6, "relu", name="trunk_dense1")(x))
    age = layers.Dropout(0.5, name="age_dropout1")(layers.Dense(4, "relu", name="age_dense1")(x))
    gender = layers.Dense(3, "relu", name="gender_dense1")(x)
    outputs = {"age": layers.Dense(1, name="age")(age), "gender": layers.Dense(1, "sigmoid", name="gender")(gender)}
    model = keras.Model(image, outputs)
    fill(model, "predict")
    x, ages, genders = faces("predict", 7, SHAPE)
    predicted = model.predict(x, batch_size=3, verbose=0)
    model.compile(
        loss={"age": "mean_squared_error", "gender": "binary_crossentropy"},
        metrics={"age": ["mae"], "gender": ["accuracy"]}, run_eagerly=True,
    )
    evaluated = model.evaluate(x, {"age": ages, "gender": genders}, batch_size=3, verbose=0, return_dict=True)
    return {
        "age": array(predicted["age"]), "gender": array(predicted["gender"]), "evaluated": evaluated,
        "called in training": array(model(x, training=True)["gender"]),
    }
