"""Every name in Keras that docs/parity.md must cover, from the installed Keras."""
import inspect

import keras

KINDS = {
    "layers": (keras.layers, keras.layers.Layer),
    "losses": (keras.losses, keras.losses.Loss),
    "metrics": (keras.metrics, keras.metrics.Metric),
    "callbacks": (keras.callbacks, keras.callbacks.Callback),
    "optimizers": (keras.optimizers, keras.optimizers.Optimizer),
    "schedules": (keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
    "initializers": (keras.initializers, keras.initializers.Initializer),
}


def names(module, base):
    """Lists each class once, under its own name, since many classes have several names."""
    found = {}
    for name, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, base) and member is not base:
            found.setdefault(member, []).append(name)
    return sorted(member.__name__ if member.__name__ in aliases else aliases[0] for member, aliases in found.items())


def make():
    return {kind: names(module, base) for kind, (module, base) in KINDS.items()}
