"""ImageDataGenerator: the results of apply_transform on bytes, the draws of get_random_transform, and standardize."""
import numpy as np
from common import array, image_bytes
from keras.layers import RandomRotation, RandomZoom
from keras.src.legacy.preprocessing.image import ImageDataGenerator

STILL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1, "flip_horizontal": False, "flip_vertical": False}
ALL = {"theta": -17, "tx": 1.3, "ty": -0.7, "shear": 12, "zx": 0.8, "zy": 1.3}

TRANSFORMS = [
    ("square", [6, 6, 3], {"theta": 30, "zx": 1.2, "zy": 0.8}, "nearest"),
    ("wide", [4, 6, 3], {"theta": 30, "zx": 1.2, "zy": 0.8}, "nearest"),
    ("tall", [9, 5, 1], {"theta": 30, "zx": 1.2, "zy": 0.8}, "nearest"),
    *[(f"all, {fill}", [7, 8, 3], ALL, fill) for fill in ("nearest", "reflect", "wrap", "constant")],
    *[(f"all, far out, {fill}", [5, 5, 1], ALL | {"zx": 3.1, "zy": 4.3}, fill) for fill in ("nearest", "reflect", "wrap", "constant")],
    ("shear alone", [6, 6, 3], {"shear": 25}, "nearest"),
    ("a quarter turn", [6, 6, 1], {"theta": 90}, "nearest"),
    ("half a turn, not square", [4, 6, 1], {"theta": 180}, "nearest"),
    ("tx alone", [5, 5, 1], {"tx": 1}, "nearest"),
    ("ty alone", [5, 5, 1], {"ty": 1}, "nearest"),
    ("zx alone", [5, 5, 1], {"zx": 2}, "nearest"),
    ("zy alone", [5, 5, 1], {"zy": 2}, "nearest"),
    ("mirrored after the warp", [6, 6, 3], {"theta": 20, "zx": 0.9, "flip_horizontal": True}, "nearest"),
    ("both mirrors, nothing else", [3, 4, 3], {"flip_horizontal": True, "flip_vertical": True}, "nearest"),
    ("nothing", [3, 4, 3], {}, "nearest"),
]

CONSTANT = 40


def transforms():
    for name, shape, changed, fill in TRANSFORMS:
        parameters = STILL | changed
        image = image_bytes(name, shape).astype("float32")
        generator = ImageDataGenerator(fill_mode=fill, cval=CONSTANT)
        pixels = generator.apply_transform(image, parameters)
        yield {"name": name, "shape": shape, "parameters": parameters, "fill": fill, "value": CONSTANT, "pixels": array(pixels)}


def draws(count=10000):
    """Returns quantiles of the values that a generator with Model A's settings draws."""
    np.random.seed(3)
    generator = ImageDataGenerator(rotation_range=20, zoom_range=0.1, horizontal_flip=True)
    drawn = [generator.get_random_transform((8, 8, 3)) for _ in range(count)]
    column = lambda key: np.array([d[key] for d in drawn], dtype=float)
    levels = np.linspace(0, 1, 51)
    return {
        "count": count,
        "levels": levels.tolist(),
        **{key: np.quantile(column(key), levels).tolist() for key in ("theta", "zx", "zy")},
        "correlation": float(np.corrcoef(column("zx"), column("zy"))[0, 1]),
        "flips": float(column("flip_horizontal").mean()),
    }


def brightness():
    """Uses whole numbers, because Keras converts images with Pillow, which rounds."""
    image = image_bytes("brightness", [6, 6, 3]).astype("float32")
    generator = ImageDataGenerator()
    return [
        {"factor": factor, "pixels": array(generator.apply_transform(image, {"brightness": factor}))}
        for factor in (0.7, 1.3)
    ]


def standardize():
    image = image_bytes("standardise", [4, 4, 3]).astype("float32")
    rescaled = ImageDataGenerator(rescale=1 / 255).standardize(image.copy())
    first = ImageDataGenerator(rescale=1 / 255, preprocessing_function=lambda x: x + 1000)
    return {"rescaled": array(rescaled), "function first": array(first.standardize(image.copy()))}


def layers():
    """Keras 3's layers with fixed factors. Their center is that of the image, whatever its shape."""
    image = image_bytes("layers", [1, 4, 6, 3]).astype("float32")
    made = {
        "turn": RandomRotation((0.25, 0.25), fill_mode="nearest"),
        "turn by 20 degrees": RandomRotation((20 / 360, 20 / 360), fill_mode="reflect"),
        "zoom out": RandomZoom((0.5, 0.5), fill_mode="nearest"),
        "zoom in": RandomZoom((-0.5, -0.5), fill_mode="nearest"),
    }
    return {name: array(layer(image, training=True)[0]) for name, layer in made.items()}


def make():
    return {
        "transforms": list(transforms()),
        "draws": draws(),
        "brightness": brightness(),
        "standardize": standardize(),
        "layers": layers(),
    }
