"""Checks ONNX files of exportOnnx with ONNX's checker and against expected outputs: check_export.py FOLDER."""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5  # relative to the largest output, or to 1

folder = pathlib.Path(sys.argv[1])
files = sorted(folder.glob("*.onnx"))
assert files, f"no .onnx file in {folder}"
for file in files:
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    domains = {opset.domain for opset in model.opset_import}
    assert domains == {""}, f"{file.name}: operations of {domains}"
    expected = json.loads(file.with_suffix(".json").read_text())
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    images = np.array(expected["images"], np.float32).reshape(expected["shape"])
    names = [output.name for output in session.get_outputs()]
    assert names == list(expected["answers"]), names
    assert "tfjs-multitask" in session.get_modelmeta().custom_metadata_map
    worst = 0.0
    for count in (1, 2, 3):  # The batch size is free.
        for name, output in zip(names, session.run(names, {"image": images[:count]})):
            target = np.array(expected["answers"][name], np.float32)[:count]
            worst = max(worst, np.abs(output - target).max() / max(1.0, np.abs(target).max()))
    print(f"{file.name}: checker passed, {', '.join(names)} within {worst:.1e} of TensorFlow.js")
    assert worst < TOLERANCE, worst
