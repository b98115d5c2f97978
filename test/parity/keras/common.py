"""What every fixture maker needs: numbers both languages can make, arrays as JSON, and one place that writes files."""
import base64
import json
import pathlib

import numpy as np

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


def array(values):
    """A float32 array as {"shape": [...], "f32": base64 of little-endian float32}."""
    values = np.asarray(values, dtype="<f4")
    return {"shape": list(values.shape), "f32": base64.b64encode(values.tobytes()).decode("ascii")}


def write(name, payload):
    """Writes fixtures/NAME.json, small and stable under diff."""
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / f"{name}.json").write_text(json.dumps(payload, indent=1, sort_keys=True) + "\n")


def hashes(name, count):
    """The first `count` 32-bit hashes of the stream called `name`; `hashes` of noise.ts makes the same."""
    salt = 0x811C9DC5
    for letter in name.encode("ascii"):
        salt = ((salt ^ letter) * 0x01000193) & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(salt)
    h = h.astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def uniform(name, shape, low=-1.0, high=1.0):
    """float32 numbers from `low` to `high`, a pure function of `name` and place."""
    h = hashes(name, int(np.prod(shape)))
    return (low + (high - low) * (h / 4294967296.0)).astype(np.float32).reshape(shape)


def image_bytes(name, shape):
    """Bytes 0..255."""
    return (hashes(name, int(np.prod(shape))) >> np.uint32(24)).astype(np.uint8).reshape(shape)
