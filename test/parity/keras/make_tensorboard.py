"""Output of Keras's TensorBoard callback: folders, tags and steps of the scalars, for two epochs of three
batches.

Needs the package tensorboard, which TensorFlow uses to write scalars.
"""
import base64
import pathlib
import tempfile

import keras
import numpy as np
import tensorboard
import tensorflow as tf

EPOCHS, BATCHES, SIZE = 2, 3, 4


def scalars(folder):
    """Returns {"train": {"epoch_loss": [steps]}}, which does not depend on the number of files."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*/events.out.tfevents.*")):
        tags = found.setdefault(path.parent.name, {})
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    tags.setdefault(value.tag, []).append(event.step)
    return found


def run(update_freq):
    keras.utils.set_random_seed(1)
    image = keras.Input([2], name="image")
    model = keras.Model(image, {name: keras.layers.Dense(1, name=name)(image) for name in ("age", "size")})
    model.compile(keras.optimizers.SGD(1e-3), {"age": "mse", "size": "mse"}, metrics={"age": ["mae"], "size": ["mae"]})
    x = np.ones([BATCHES * SIZE, 2], "float32")
    y = {name: np.ones([len(x), 1], "float32") for name in ("age", "size")}
    with tempfile.TemporaryDirectory() as folder:
        callback = keras.callbacks.TensorBoard(folder, update_freq=update_freq, write_graph=False)
        model.fit(x, y, batch_size=SIZE, epochs=EPOCHS, validation_data=(x, y), verbose=0, callbacks=[callback])
        return scalars(folder)


def records():
    """Returns the bytes of an event file by TensorFlow: the version, then two scalars at step 300."""
    scalar = tf.compat.v1.Summary.Value
    values = [scalar(tag="epoch_loss", simple_value=0.1), scalar(tag="epoch_age_mae", simple_value=float("nan"))]
    events = [
        tf.compat.v1.Event(wall_time=1700000000.25, file_version="brain.Event:2"),
        tf.compat.v1.Event(wall_time=1700000001.5, step=300, summary=tf.compat.v1.Summary(value=values)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "events"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for event in events:
                writer.write(event.SerializeToString())
        return base64.b64encode(path.read_bytes()).decode("ascii")


def make():
    written = {str(frequency): run(frequency) for frequency in ("epoch", "batch", 2)}
    return {"tensorboard": tensorboard.__version__, "written": written, "records": records()}
