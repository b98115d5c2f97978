"""Keras's callbacks, run for epochs with given values: hand-written and random cases."""
import math
import pathlib
import tempfile

import keras
import numpy as np
from common import hashes
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau

NAN = float("nan")


def drive(callback, values):
    """Records what the callback did. The model's only weight is the number of the epoch, counted from 1."""
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    model.stop_training = False
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        model.set_weights([np.array([[epoch + 1.0]])])
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    callback.on_train_end()
    return {"epochs": len(rates), "end": float(model.get_weights()[0][0, 0]), "rates": rates}


def given(values):
    """Replaces NaN and infinities, which JSON does not support."""
    return [value if math.isfinite(value) else str(value) for value in values]


STOPS = [
    ({"patience": 0}, [1, 0.9, 0.95, 0.8]),
    ({"patience": 1}, [1, 0.9, 0.95, 0.8]),
    ({"patience": 2}, [1, 0.9, 0.95, 0.92, 0.91, 0.8]),
    ({"patience": 3}, [1, 0.9, 0.95, 0.95, 0.95, 0.95]),
    ({"patience": 2, "min_delta": 0.1}, [1, 0.95, 0.91, 0.85]),
    ({"patience": 2, "min_delta": -0.1}, [1, 0.95, 0.91, 0.85]),
    ({"patience": 1, "start_from_epoch": 3}, [0.1, 0.2, 0.3, 0.9, 0.8, 0.85, 0.1]),
    ({"patience": 0, "start_from_epoch": 2}, [1, 2, 3, 4, 5]),
    ({"patience": 2}, [NAN, 1, 0.5, 0.4]),
    ({"patience": 2}, [1, NAN, 0.5, NAN, NAN, 0.1]),
    ({"patience": 2, "baseline": 0.5}, [1, 0.9, 0.8, 0.7]),
    ({"patience": 2, "baseline": 0.5}, [1, 0.9, 0.95, 0.96, 0.4]),
    ({"patience": 2, "baseline": 0.5}, [0.4, 0.45, 0.3, 0.5, 0.6]),
    ({"patience": 9}, [1, 0.5, 0.5, 0.6]),
    ({"patience": 2, "mode": "max"}, [0.1, 0.5, 0.5, 0.4, 0.9]),
    ({"patience": 1, "mode": "max", "min_delta": 0.2}, [0.1, 0.2, 0.4]),
]

FALLS = [
    ({"factor": 0.5, "patience": 2}, [1] * 7),
    ({"factor": 0.5, "patience": 2, "cooldown": 2}, [1] * 9),
    ({"factor": 0.5, "patience": 0}, [1] * 4),
    ({"factor": 0.5, "patience": 1, "cooldown": 1}, [1] * 6),
    ({"factor": 0.5, "patience": 2}, [1 - 5e-5 * i for i in range(8)]),
    ({"factor": 0.5, "patience": 2, "min_delta": 0}, [1 - 5e-5 * i for i in range(8)]),
    ({"factor": 0.1, "patience": 1, "min_lr": 0.02}, [1] * 6),
    ({"factor": 0.5, "patience": 1}, [NAN, 1, 1, NAN, 0.5, NAN]),
    ({"factor": 0.5, "patience": 2, "mode": "max"}, [0.1, 0.2, 0.2, 0.1, 0.3, 0.2, 0.2]),
]


def drawn(name, count, make):
    """Creates cases from hashes: values on a coarse grid, so that there are ties, and an occasional NaN."""
    for case in range(count):
        draw = iter(int(h) >> 8 for h in hashes(f"{name} {case}", 40))
        options = make(lambda n: next(draw) % n)
        values = [next(draw) % 11 for _ in range(14)]
        yield options, [NAN if value == 10 and case % 3 == 0 else value / 8 for value in values]


def stop_options(below):
    options = {"patience": below(9), "mode": ["min", "max"][below(2)]}
    if below(3) == 0:
        options["min_delta"] = below(4) / 8
    if below(3) == 0:
        options["start_from_epoch"] = below(5)
    if below(3) == 0:
        options["baseline"] = below(10) / 8
    return options


def fall_options(below):
    options = {"factor": [0.5, 0.25][below(2)], "patience": below(9), "mode": ["min", "max"][below(2)], "cooldown": below(4)}
    if below(2) == 0:
        options["min_delta"] = below(4) / 8
    if below(2) == 0:
        options["min_lr"] = 0.1
    return options


def stops():
    for options, values in [*STOPS, *drawn("stop", 60, stop_options)]:
        for restore in (True, False):
            callback = EarlyStopping(restore_best_weights=restore, **options)
            done = drive(callback, values)
            yield {"options": options, "restore": restore, "values": given(values), "epochs": done["epochs"], "end": done["end"]}


def falls():
    for options, values in [*FALLS, *drawn("fall", 60, fall_options)]:
        done = drive(ReduceLROnPlateau(**options), values)
        yield {"options": options, "values": given(values), "rates": done["rates"]}


def checkpoints():
    names = ["{epoch:02d}-{val_loss:.3f}", "{epoch}", "{epoch:04d}_{val_loss:.1f}", "best"]
    cases = [(name, "min", [1, 0.5, 0.5, 0.4, 0.9]) for name in names]
    cases += [(names[0], "max", [0.1, 0.1, 0.25, 0.0625, 12.3456])]
    cases += [(f"{{val_loss:.{digits}f}}", "max", [0.0625, 0.125, 0.25, 0.375, 0.5, 0.625, 1.5, 2.5, 2.675, math.inf]) for digits in range(4)]
    cases += [("{val_loss:.1f}", "min", [-0.05, -0.25, -0.75, -math.inf])]
    cases += [(names[0], "min", [NAN, 1, 0.5]), (names[0], "min", [1, NAN, 0.5])]
    cases += [(names[0], "min", [value + 0.0005 for value in (3, 2, 1)])]
    cases += [(names[0], options["mode"], values) for options, values in drawn("checkpoint", 12, stop_options)]
    for name, mode, values in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / (name + ".weights.h5")
            drive(ModelCheckpoint(str(path), save_best_only=True, save_weights_only=True, mode=mode), values)
            files = sorted(file.name.removesuffix(".weights.h5") for file in pathlib.Path(folder).iterdir())
        yield {"name": name, "mode": mode, "values": given(values), "files": files}


def make():
    return {"stops": list(stops()), "falls": list(falls()), "checkpoints": list(checkpoints())}
