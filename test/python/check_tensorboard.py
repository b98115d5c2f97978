"""Reads this library's event files with TensorBoard's reader: check_tensorboard.py FOLDER."""
import json
import pathlib
import struct
import sys
import time

from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

folder = pathlib.Path(sys.argv[1])
rows = json.loads((folder / "rows.json").read_text())
STEPS = 5  # per epoch

multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0})  # the multiplexer that the page uses; 0: all points
multiplexer.AddRunsFromDirectory(str(folder / "logs"))
multiplexer.Reload()


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def tags(run):
    """Returns the points by tag. TensorBoard converts plain values to tensors when it loads them."""
    accumulator = multiplexer.GetAccumulator(run)
    return {tag: [(e.step, e.tensor_proto.float_val[0]) for e in accumulator.Tensors(tag)] for tag in accumulator.Tags()["tensors"]}


expected = {"train": {}, "validation": {}}
for row in rows:
    for column, value in row.items():
        if column == "epoch":
            continue
        run = "validation" if column.startswith("val_") else "train"
        point = (row["epoch"] - 1, float32(value))
        expected[run].setdefault(f"epoch_{column.removeprefix('val_')}", []).append(point)
        if run == "validation" and not column.startswith("val_unaugmented_"):
            tag = f"evaluation_{column.removeprefix('val_')}_vs_iterations"
            expected[run].setdefault(tag, []).append((row["epoch"] * STEPS, float32(value)))

assert len(rows) == 5 and sorted(multiplexer.Runs()) == ["train", "validation"], multiplexer.Runs()
found = {run: tags(run) for run in multiplexer.Runs()}
batch = {tag: found["train"].pop(tag) for tag in list(found["train"]) if tag.startswith("batch_")}
assert found == expected, (found, expected)

means = ("loss", "light_loss", "light_mae", "dark_loss", "dark_mae")
assert sorted(batch) == sorted(f"batch_{name}" for name in means), sorted(batch)
for name in means:
    points = batch[f"batch_{name}"]
    assert [step for step, _ in points] == list(range(1, 5 * STEPS + 1)), points
    # The running mean after the last step of an epoch is the mean of the epoch.
    assert [value for step, value in points if step % STEPS == 0] == [float32(row[name]) for row in rows]

for path in (folder / "logs").glob("*/events*"):
    events = list(LegacyEventFileLoader(str(path)).Load())
    assert events[0].file_version == "brain.Event:2" and not any(e.file_version for e in events[1:])
    assert all(0 <= time.time() - event.wall_time < 600 for event in events)
count = sum(len(points) for run in expected.values() for points in run.values()) + sum(map(len, batch.values()))
print(f"TensorBoard read {count} points of {sum(map(len, expected.values())) + len(batch)} tags in 2 runs")
