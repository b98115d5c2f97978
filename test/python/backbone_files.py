"""Files of backbone weights as Keras writes and wrote them, and what Keras answers: backbone_files.py FOLDER."""
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


def official(model, file):
    """The layout of the published files, of Keras 2: strings of fixed length, names that end in :0."""
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


def legacy(model, file):
    """As Keras 3 writes it: strings of variable length, no :0."""
    with h5py.File(file, "w") as root:
        legacy_h5_format.save_weights_to_hdf5_group(root, model)


for name, (make, preprocess) in BACKBONES.items():
    for top in (False, True):
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        model = make(weights=None, include_top=top, input_shape=(SIZE, SIZE, 3))
        for layer in model.layers:  # statistics that a mistaken order would show
            if type(layer).__name__ in ("BatchNormalization", "Normalization"):
                random = np.random.default_rng(len(layer.name))
                layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
            if type(layer).__name__ == "Normalization":
                layer.finalize_state()  # it computes with a copy of them
        stem = folder / f"{name}{'' if top else '_notop'}"
        official(model, f"{stem}_official.h5")
        legacy(model, f"{stem}_legacy.h5")
        model.save_weights(f"{stem}.weights.h5")
        answer = model(preprocess(images.astype(np.float32)), training=False)
        pathlib.Path(f"{stem}.bin").write_bytes(np.asarray(answer, np.float32).tobytes())
print(f"backbone files of Keras {keras.__version__} in {folder}")
