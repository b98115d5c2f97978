"""Measures a network in PyTorch (channels last) on request: torch_engine.py torch|torch-compile SETUP.

SETUP is the JSON of an EngineSetup in engineProcess.ts. With more images than a batch it trains on a dataset in memory: bytes, which are
converted batch by batch. Runs on the CPU. PyTorch chooses the number of threads.
"""
import json
import os
import platform
import signal
import sys
import tempfile

# A new cache for each process: the first step includes the compilation, and files of an interrupted compilation are not used again.
cache = tempfile.TemporaryDirectory(prefix="bench-torch-")
os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache.name
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # removes the cache

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from protocol import cycle_batches, serve
from torch_networks import Network, count_parameters

L2 = 1e-3


def main(engine, setup):
    torch.manual_seed(1)
    batch, count, size = setup["batch"], setup["images"], setup["size"]
    data = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
    data = data.to(memory_format=torch.channels_last)
    age = torch.randint(0, 80, (count, 1)).float()
    gender = torch.randint(0, 2, (count, 1)).float()
    first_batch = data[:batch].float() / 255
    model = Network(setup["network"], setup["train"])
    model.eval()(first_batch[:1])  # infers the input size of the lazy layers
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], 1e-3, eps=1e-7)
    kernels = model.regularized_kernels()
    slices = cycle_batches(count, batch)

    def compute_loss(pixels, years, is_female):
        predicted_years, logit = model(pixels)
        loss = mse_loss(predicted_years, years) + 50 * binary_cross_entropy_with_logits(logit, is_female)
        return loss + L2 * sum(weight.square().sum() for weight in kernels)

    infer = model
    if engine == "torch-compile":
        compute_loss, infer = torch.compile(compute_loss), torch.compile(model)

    def train(_):
        rows = next(slices)
        pixels = first_batch if count == batch else data[rows].float() / 255
        model.train()
        optimizer.zero_grad()
        loss = compute_loss(pixels, age[rows], gender[rows])
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def predict(n):
        model.eval()
        years, logit = infer(first_batch[:n])
        return years.numpy(), logit.sigmoid().numpy()

    serve(
        {
            "device": "CPU",
            "threads": str(torch.get_num_threads()),
            "versions": {"PyTorch": torch.__version__, "Python": platform.python_version()},
            "parameters": count_parameters(model),
        },
        {"train": train, "predict": predict},
    )


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
