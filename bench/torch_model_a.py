"""Model A in PyTorch, channels last, timed on request: torch_model_a.py SIZE BATCH [IMAGES]. See turns.py for what it speaks.

With IMAGES it trains on a dataset of so many in memory, as bytes that are converted a batch at a time.
Runs on the CPU, with as many threads as PyTorch chooses.
"""
import platform
import sys

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from turns import cycle, serve

L2 = 1e-3


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)  # Keras's: momentum there is 0.99, of the old


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

    def penalised(self):
        """Kernels of the dense layers before the answers."""
        dense = [part for part in self.modules() if isinstance(part, nn.Linear) and part.out_features > 1]
        return [layer.weight for layer in dense]


def main(size, batch, images=None):
    torch.manual_seed(1)
    count = images or batch
    data = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
    data = data.to(memory_format=torch.channels_last)
    age = torch.randint(0, 80, (count, 1)).float()
    gender = torch.randint(0, 2, (count, 1)).float()
    ready = data[:batch].float() / 255
    model = ModelA()
    model.eval()(ready[:1])  # the lazy layers learn their size
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)
    places = cycle(count, batch)

    def train(_):
        now = next(places)
        numbers = ready if images is None else data[now].float() / 255
        model.train()
        optimizer.zero_grad()
        years, logit = model(numbers)
        loss = mse_loss(years, age[now]) + 50 * binary_cross_entropy_with_logits(logit, gender[now])
        loss = loss + L2 * sum(weight.square().sum() for weight in model.penalised())
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def predict(n):
        years, logit = model.eval()(ready[:n])
        return years.tolist(), logit.sigmoid().tolist()

    serve(
        {
            "device": "CPU",
            "threads": str(torch.get_num_threads()),
            "does": ["train", "predict"],
            "versions": {"PyTorch": torch.__version__, "Python": platform.python_version()},
        },
        {"train": train, "predict": predict},
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
