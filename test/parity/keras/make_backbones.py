"""Backbones of keras.applications: all layers, all sizes, and predictions with weights that are determined by names."""
import keras
import numpy as np
from common import array, hashes, image_bytes, name_of, uniform
from keras import applications

SIZES = [(32, 32), (64, 64), (97, 131), (224, 224)]
SAMPLES = 192

BACKBONES = {
    # Layers whose activations are compared, the size of the images, and the factor by which the last kernel
    # is smaller than He's, so that the softmax predicts neither a single class nor all classes equally.
    "resnet50": (
        applications.ResNet50, applications.resnet50.preprocess_input,
        ["conv1_relu", "conv2_block1_out", "conv5_block3_out", "predictions"], (64, 64), 1e-5,
    ),
    "mobileNetV2": (
        applications.MobileNetV2, applications.mobilenet_v2.preprocess_input,
        ["Conv1_relu", "block_6_depthwise_relu", "block_16_project_BN", "out_relu", "predictions"], (65, 98), 0.5,
    ),
    "efficientNetB0": (
        applications.EfficientNetB0, lambda x: x,
        ["stem_activation", "block3b_add", "block5c_se_expand", "top_activation", "predictions"], (65, 98), 8,
    ),
}


def initializer(config):
    """Spells out Keras's names for variance scaling: `1 fan_avg uniform`."""
    name, given = config["class_name"], config["config"]
    if name == "GlorotUniform":
        return "1 fan_avg uniform"
    assert name == "VarianceScaling", name
    return f"{round(given['scale'], 6):g} {given['mode']} {given['distribution'].removeprefix('truncated_')}"


def line(layer):
    """Describes a layer: `conv1_conv Conv2D 9472 | 7x7/2 valid bias linear, 1 fan_avg uniform | conv1_pad`."""
    c = layer.get_config()
    kind = type(layer).__name__
    detail = []
    if kind in ("Conv2D", "DepthwiseConv2D", "MaxPooling2D"):
        window, strides = c.get("kernel_size") or c["pool_size"], c["strides"]
        detail += [f"{window[0]}x{window[1]}/{strides[0]}", c["padding"]]
    if "use_bias" in c:
        detail += ["bias" if c["use_bias"] else "no bias", initializer(c.get("depthwise_initializer") or c["kernel_initializer"])]
    if "activation" in c:
        detail += [c["activation"].replace("silu", "swish")]
    if kind == "BatchNormalization":
        detail += [f"epsilon {c['epsilon']:g}", f"momentum {c['momentum']:g}"]
    if kind == "ReLU":
        detail += [f"up to {c['max_value']:g}"]
    if kind == "Dropout":
        detail += [f"rate {c['rate']:.6f}", "per image" if c["noise_shape"] else "per number"]
    inputs = [source.name for node in layer._inbound_nodes for source in (t._keras_history.operation for t in node.input_tensors)]
    return f"{layer.name} {kind} {layer.count_params()} | {', '.join(detail)} | {' '.join(inputs)}"


def shape(layer):
    """Describes an output shape: `49x66x64`, followed by the zeros that a padding adds at the top, bottom, left
    and right.
    """
    text = "x".join(map(str, layer.output.shape[1:]))
    if type(layer).__name__ != "ZeroPadding2D":
        return text
    return f"{text}({','.join(str(side) for pair in layer.padding for side in pair)})"


def body(model):
    """Returns the layers after the input and after the preprocessing layers that Keras includes."""
    return [layer for layer in model.layers if not layer.name.startswith(("input_layer", "rescaling", "normalization"))]


def sizes(make, size):
    found = {}
    for top in (False, True):
        keras.backend.clear_session()
        model = make(weights=None, include_top=top, input_shape=size + (3,))
        found["with top" if top else "without top"] = model
    with_top = found["with top"]
    layers = body(with_top)
    without = [line(layer) for layer in body(found["without top"])]
    assert without == [line(layer) for layer in layers][: len(without)]
    shapes = [shape(layer) for layer in layers]
    return found, layers, shapes


def totals(model):
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return {
        "layers": len(model.layers), "weights": len(model.weights), "parameters": model.count_params(), "trainable": trainable,
    }


def bounds(layer, weight, gain):
    """Returns the range of a weight: He's for kernels, which keeps activations alive; otherwise as `bounds` in
    common.py.
    """
    kind = weight.name
    if kind in ("gamma", "moving_variance"):
        return 0.5, 1.5
    if not kind.endswith("kernel"):
        return -0.1, 0.1
    depthwise = type(layer).__name__ == "DepthwiseConv2D"
    fan_in = int(np.prod(weight.shape[:2] if depthwise else weight.shape[:-1]))
    limit = float(np.sqrt(6 / fan_in)) * (gain if layer.name == "predictions" else 1)
    return -limit, limit


def forward(name):
    make, preprocess, chosen, size, gain = BACKBONES[name]
    keras.backend.clear_session()
    model = make(weights=None, input_shape=size + (3,))
    for layer in body(model):
        for weight in layer.weights:
            low, high = bounds(layer, weight, gain)
            weight.assign(uniform(f"{name}/{name_of(layer, weight)}", tuple(weight.shape), low, high))
    images = image_bytes(f"{name}/image", [2, *size, 3]).astype(np.float32)
    outputs = keras.Model(model.input, [model.get_layer(layer).output for layer in chosen])(preprocess(images.copy()), training=False)
    found = {}
    for layer, output in zip(chosen, map(np.asarray, outputs)):
        values = output.reshape(-1)
        places = hashes(f"{name}/{layer}/places", SAMPLES) % values.size
        found[layer] = {
            "shape": list(output.shape), "samples": array(values[places]), "largest": float(np.abs(values).max()),
            "mean of absolutes": float(np.abs(values.astype(np.float64)).mean()),
        }
        print(f"  {layer}: largest {np.abs(values).max():.4g}, mean of absolutes {np.abs(values).mean():.4g}, zeros {(values == 0).mean():.2f}")
    return {"size": list(size), "gain of predictions": gain, "activations": found}


def make():
    result = {}
    for name, (build, *_rest) in BACKBONES.items():
        shapes = {}
        for size in SIZES:
            models, layers, shapes[f"{size[0]}x{size[1]}"] = sizes(build, size)
        result[name] = {
            "totals": {which: totals(model) for which, model in models.items()},
            "layers": [line(layer) for layer in layers],
            "shapes": {size: " ".join(found) for size, found in shapes.items()},
            "forward": forward(name),
        }
    caffe = applications.resnet50.preprocess_input(np.array([[[[10, 20, 30]]]], np.float32))
    result["caffe of 10, 20, 30"] = [float(v) for v in caffe.reshape(-1)]
    return result
