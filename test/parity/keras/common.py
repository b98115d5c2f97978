"""Functions for all fixture makers: numbers that both languages can compute, arrays as JSON, and writing of files."""
import base64
import json
import pathlib

import numpy as np

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


def array(values):
    """Encodes a float32 array as {"shape": [...], "f32": base64 of little-endian float32}."""
    values = np.asarray(values, dtype="<f4")
    return {"shape": list(values.shape), "f32": base64.b64encode(values.tobytes()).decode("ascii")}


def write(name, payload):
    """Writes fixtures/NAME.json in a compact form with stable diffs."""
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / f"{name}.json").write_text(json.dumps(payload, indent=1, sort_keys=True) + "\n")


def hashes(name, count):
    """Returns the first `count` 32-bit hashes of the stream `name`. `hashes` in noise.ts returns the same."""
    salt = 0x811C9DC5
    for letter in name.encode("ascii"):
        salt = ((salt ^ letter) * 0x01000193) & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(salt)
    h = h.astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def uniform(name, shape, low=-1.0, high=1.0):
    """Returns float32 numbers from `low` to `high`, which are a pure function of `name` and position."""
    h = hashes(name, int(np.prod(shape)))
    return (low + (high - low) * (h / 4294967296.0)).astype(np.float32).reshape(shape)


def image_bytes(name, shape):
    """Returns bytes from 0 to 255."""
    return (hashes(name, int(np.prod(shape))) >> np.uint32(24)).astype(np.uint8).reshape(shape)


def fill(model, prefix):
    """Sets every weight of a model to values that are determined by its name. `fill` in same.ts sets the same."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            fill(layer, prefix)
            continue
        for weight in layer.weights:
            low, high = bounds(weight.name, tuple(weight.shape))
            weight.assign(uniform(f"{prefix}/{name_of(layer, weight)}", tuple(weight.shape), low, high))


def name_of(layer, weight):
    """Returns a weight's name in TensorFlow.js, `trunk_conv1/kernel`, which differs for depthwise kernels."""
    depthwise = type(layer).__name__ == "DepthwiseConv2D" and weight.name == "kernel"
    return f"{layer.name}/{'depthwise_kernel' if depthwise else weight.name}"


def bounds(kind, shape):
    """Returns the range of a weight: Glorot's for kernels, around 1 for scales and variances, small for the rest."""
    if kind in ("gamma", "moving_variance"):
        return 0.5, 1.5
    if not kind.endswith("kernel"):
        return -0.1, 0.1
    window = int(np.prod(shape[:-2]))
    limit = float(np.sqrt(6 / (window * (shape[-2] + shape[-1]))))
    return -limit, limit


def faces(name, count, shape, block=1):
    """Creates images (0 to 1) of uniform squares, ages from 0 to 80 and genders 0 or 1. `faces` in same.ts creates
    the same.
    """
    height, width, channels = shape
    squares = image_bytes(f"{name}/image", [count, height // block, width // block, channels])
    pixels = squares.repeat(block, axis=1).repeat(block, axis=2)
    images = (pixels * np.float64(1 / 255)).astype(np.float32)
    ages = uniform(f"{name}/age", [count, 1], 0, 80)
    genders = (hashes(f"{name}/gender", count) >> np.uint32(31)).astype(np.float32).reshape(count, 1)
    return images, ages, genders
