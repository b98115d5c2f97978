"""Measures Model A in PyTorch (channels last) on request: torch_model_a.py SIZE BATCH [IMAGES]. See protocol.py.

With IMAGES it trains on a dataset of that many images in memory: bytes, which are converted batch by batch.
Runs on the CPU. PyTorch chooses the number of threads.
"""
import platform
import sys

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from protocol import cycle_batches, serve

L2 = 1e-3


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)  # Keras's defaults: its momentum of 0.99 weighs the old value


def branch(filters):
    return nn.Sequential(
        *(nn.Conv2d(128, 64, 3), nn.ReLU(), nn.MaxPool2d(2), norm(64)),
        *(nn.Conv2d(64, 128, 2), nn.ReLU(), nn.MaxPool2d(2), norm(128)),
        *(nn.Conv2d(128, filters, 2), nn.ReLU(), nn.Flatten()),
        *(nn.LazyLinear(128), nn.ReLU(), nn.Dropout(0.3)),
        *(nn.Linear(128, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1)),
    )


class ModelA(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2), norm(64)),
            *(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2)),
        )
        self.age = branch(128)
        self.gender = branch(64)

    def forward(self, images):
        features = self.trunk(images)
        return self.age(features), self.gender(features)

    def regularized_kernels(self):
        """Returns the kernels of the hidden dense layers, which have an L2 penalty."""
        dense = [layer for layer in self.modules() if isinstance(layer, nn.Linear) and layer.out_features > 1]
        return [layer.weight for layer in dense]


def main(size, batch, images=None):
    torch.manual_seed(1)
    count = images or batch
    data = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
    data = data.to(memory_format=torch.channels_last)
    age = torch.randint(0, 80, (count, 1)).float()
    gender = torch.randint(0, 2, (count, 1)).float()
    first_batch = data[:batch].float() / 255
    model = ModelA()
    model.eval()(first_batch[:1])  # infers the input size of the lazy layers
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)
    slices = cycle_batches(count, batch)

    def train(_):
        rows = next(slices)
        pixels = first_batch if images is None else data[rows].float() / 255
        model.train()
        optimizer.zero_grad()
        years, logit = model(pixels)
        loss = mse_loss(years, age[rows]) + 50 * binary_cross_entropy_with_logits(logit, gender[rows])
        loss = loss + L2 * sum(weight.square().sum() for weight in model.regularized_kernels())
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def predict(n):
        years, logit = model.eval()(first_batch[:n])
        return years.tolist(), logit.sigmoid().tolist()

    serve(
        {
            "device": "CPU",
            "threads": str(torch.get_num_threads()),
            "operations": ["train", "predict"],
            "versions": {"PyTorch": torch.__version__, "Python": platform.python_version()},
        },
        {"train": train, "predict": predict},
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
