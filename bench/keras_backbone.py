"""Measures a frozen Keras backbone without its top on request: keras_backbone.py NAME SIZE BATCH. See protocol.py.

Needs: pip install keras tensorflow-cpu. TensorFlow chooses the number of threads.
"""
import os
import platform
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from protocol import serve

BACKBONES = {
    "resnet50": keras.applications.ResNet50,
    "mobileNetV2": keras.applications.MobileNetV2,
    "efficientNetB0": keras.applications.EfficientNetB0,
}

if __name__ == "__main__":
    name, size, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    base = BACKBONES[name](weights=None, include_top=False, input_shape=(size, size, 3))
    images = tf.constant(np.random.default_rng(1).random((batch, size, size, 3), dtype="float32") * 255)
    infer = tf.function(lambda x: base(x, training=False))
    serve(
        {
            "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU",
            "threads": "its own choice",
            "operations": ["predict"],
            "versions": {"Keras": keras.__version__, "TensorFlow": tf.__version__, "Python": platform.python_version()},
        },
        {"predict": lambda n: infer(images[:n]).numpy()},
    )
