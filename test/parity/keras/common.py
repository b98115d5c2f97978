"""What every fixture maker needs: arrays as JSON, and one place that writes files."""
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
