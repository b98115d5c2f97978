"""Writes backbone weights in the layouts of Keras 2 and 3, and Keras's predictions: backbone_files.py FOLDER."""
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import h5py
import keras
import numpy as np
from keras import applications
from keras.src.legacy.saving import legacy_h5_format

folder = pathlib.Path(sys.argv[1])
BACKBONES = {
    "resnet50": (applications.ResNet50, applications.resnet50.preprocess_input),
    "mobileNetV2": (applications.MobileNetV2, applications.mobilenet_v2.preprocess_input),
    "efficientNetB0": (applications.EfficientNetB0, lambda x: x),
}
SIZE = 64
images = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
(folder / "images.bin").write_bytes(images.tobytes())


def write_published_layout(model, file):
    """Writes the layout of the published files, which is that of Keras 2: strings of fixed length, names that end
    in :0.
    """
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers])
        root.attrs["backend"] = np.bytes_(b"tensorflow")
        root.attrs["keras_version"] = np.bytes_(b"2.2.4")
        for layer in model.layers:
            group = root.create_group(layer.name)
            depthwise = type(layer).__name__ == "DepthwiseConv2D"
            names = [f"{layer.name}/{'depthwise_kernel' if depthwise and w.name == 'kernel' else w.name}:0" for w in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names]) if names else np.array([])
            for name, weight in zip(names, layer.weights):
                group.create_dataset(name, data=np.asarray(weight))


def write_keras3_layout(model, file):
    """Writes the layout of Keras 3: strings of variable length, no :0."""
    with h5py.File(file, "w") as root:
        legacy_h5_format.save_weights_to_hdf5_group(root, model)


for name, (create_model, preprocess) in BACKBONES.items():
    for top in (False, True):
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        model = create_model(weights=None, include_top=top, input_shape=(SIZE, SIZE, 3))
        for layer in model.layers:  # Distinct statistics reveal a mistake in the order.
            if type(layer).__name__ in ("BatchNormalization", "Normalization"):
                random = np.random.default_rng(len(layer.name))
                layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
            if type(layer).__name__ == "Normalization":
                layer.finalize_state()  # The layer computes with a copy of its weights.
        stem = folder / f"{name}{'' if top else '_notop'}"
        write_published_layout(model, f"{stem}_official.h5")
        write_keras3_layout(model, f"{stem}_legacy.h5")
        model.save_weights(f"{stem}.weights.h5")
        output = model(preprocess(images.astype(np.float32)), training=False)
        pathlib.Path(f"{stem}.bin").write_bytes(np.asarray(output, np.float32).tobytes())
print(f"wrote backbone files of Keras {keras.__version__} to {folder}")
