"""Measures a network in Keras on request: keras_engine.py keras SETUP. SETUP is the JSON of an EngineSetup in engineProcess.ts.

With more images than a batch it trains on a dataset in memory: bytes, which are converted batch by batch.
Needs: pip install keras tensorflow-cpu, and scipy for epochs. TensorFlow chooses the number of threads.
"""
import json
import os
import platform
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras_networks import count_parameters, create_network
from protocol import cycle_batches, serve


def main(setup):
    batch, count = setup["batch"], setup["images"]
    size = setup["size"]
    model = create_network(setup["network"], setup["train"], size)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"age": "mse", "gender": "binary_crossentropy"},
        loss_weights={"age": 1, "gender": 50},
        metrics={"age": ["mae"], "gender": ["accuracy"]},
    )
    random = np.random.default_rng(1)
    data = random.integers(0, 256, (count, size, size, 3), dtype="uint8")
    labels = {
        "age": random.integers(0, 80, (count, 1)).astype("float32"),
        "gender": random.integers(0, 2, (count, 1)).astype("float32"),
    }
    first_batch = data[:batch].astype("float32") / 255
    infer = tf.function(lambda x: model(x, training=False))
    slices = cycle_batches(count, batch)

    def train(_):
        rows = next(slices)
        pixels = first_batch if count == batch else data[rows].astype("float32") / 255
        model.train_on_batch(pixels, {task: values[rows] for task, values in labels.items()})

    def predict(n):
        return [output.numpy() for output in infer(first_batch[:n]).values()]

    if setup["unit"] == "step":
        actions = {"train": train, "predict": predict}
    else:
        batches = create_augmented_batches(data, labels, batch, setup["augmentation"])
        actions = {"epoch": lambda _: model.fit(batches, verbose=0)}
    serve(
        {
            "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU",
            "threads": "its own choice",
            "versions": {
                "Keras": keras.__version__,
                "TensorFlow": tf.__version__,
                "Python": platform.python_version(),
            },
            "parameters": count_parameters(model),
        },
        actions,
    )


def create_augmented_batches(data, labels, batch, augmentation):
    """Returns the dataset of an epoch: Keras's ImageDataGenerator on arrays, with its defaults for workers."""
    from keras._tf_keras.keras.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        rotation_range=augmentation["rotation"],
        zoom_range=augmentation["zoom"],
        horizontal_flip=True,
        rescale=1 / 255,
    )
    images = generator.flow(data, np.concatenate(list(labels.values()), axis=1), batch_size=batch)

    class Batches(keras.utils.PyDataset):
        """The batches of the generator, with one array of labels per output."""

        def __len__(self):
            return len(images)

        def __getitem__(self, index):
            pixels, values = images[index]
            return pixels, {task: values[:, i : i + 1] for i, task in enumerate(labels)}

        def on_epoch_end(self):
            images.on_epoch_end()

    return Batches()


if __name__ == "__main__":
    main(json.loads(sys.argv[2]))
