"""Images that are used for validation: by generators from a data frame, by fit, and by directory."""
import pathlib
import tempfile

import numpy as np
import pandas as pd
from common import hashes
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from keras.src.trainers.data_adapters.array_slicing import train_validation_split
from keras.utils import image_dataset_from_directory
from PIL import Image

# Sizes and fractions whose product differs from decimal arithmetic, and some random ones.
PAIRS = [(10, 0.2), (10, 0.25), (11, 0.2), (100, 0.07), (10, 0.3), (10, 0.9), (100, 0.29), (2, 0.5), (3, 0.25), (3, 0.9), (50, 0.1)]
PAIRS += [(3 + int(a) % 200, (1 + int(b) % 98) / 100) for a, b in hashes("splits", 160).reshape(-1, 2)]


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros([2, 2, 3], "uint8")).save(path)


def subsets(share, flow):
    return {subset: list(flow(ImageDataGenerator(validation_split=share), subset).filenames) for subset in ("training", "validation")}


def frame(share=0.25, rows=11, missing=3):
    """The first rows name files that do not exist."""
    names = [f"{i:02d}.png" for i in range(rows)]
    with tempfile.TemporaryDirectory() as folder:
        for name in names[missing:]:
            image(pathlib.Path(folder) / name)
        table = pd.DataFrame({"file": names, "age": [float(i) for i in range(rows)]})

        def flow(generator, subset):
            return generator.flow_from_dataframe(
                table, folder, x_col="file", y_col="age", class_mode="raw", subset=subset, shuffle=False, target_size=(2, 2)
            )

        return {"share": share, "rows": names, "files": names[missing:], **subsets(share, flow)}


def first():
    """Returns how many of n images `flow` uses for validation."""
    for n, share in PAIRS:
        x = np.arange(n, dtype="float32").reshape(n, 1, 1, 1)
        try:
            rows = {
                subset: [int(v) for v in np.ravel(ImageDataGenerator(validation_split=share).flow(x, subset=subset, shuffle=False).x)]
                for subset in ("training", "validation")
            }
            yield {"n": n, "share": share, **rows}
        except ValueError as error:
            yield {"n": n, "share": share, "error": str(error)}


def last():
    for n, share in PAIRS:
        try:
            (train,), (validation,) = train_validation_split((np.arange(n),), share)
            yield {"n": n, "share": share, "training": np.asarray(train).tolist(), "validation": np.asarray(validation).tolist()}
        except ValueError as error:
            yield {"n": n, "share": share, "error": str(error)}


def compact(rows):
    """Both parts are ranges, so their ends are sufficient."""
    for row in rows:
        for subset in ("training", "validation"):
            if subset in row:
                numbers = row[subset]
                assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else True
                row[subset] = [numbers[0], numbers[-1]] if numbers else None
        yield row


def directories(share=0.2):
    names = [f"{kind}/{i}.png" for kind in ("a", "b", "c") for i in range(7)]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in names:
            image(root / name)

        def dataset(subset):
            made = image_dataset_from_directory(folder, validation_split=share, subset=subset, shuffle=False, verbose=False)
            return [str(pathlib.Path(path).relative_to(root)) for path in made.file_paths]

        def flow(generator, subset):
            return generator.flow_from_directory(folder, subset=subset, shuffle=False)

        return {
            "share": share, "files": names,
            "dataset": {subset: dataset(subset) for subset in ("training", "validation")},
            "generator": subsets(share, flow),
        }


def make():
    return {"frame": frame(), "first": list(compact(first())), "last": list(compact(last())), "directories": directories()}
