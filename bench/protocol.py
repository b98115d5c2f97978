"""Python counterpart of protocol.ts: reads requests as lines of JSON, and writes one line of JSON per request."""
import json
import sys
import time


def serve(info, actions):
    """Responds to requests until the input ends. `actions` contains the functions `train` and `predict`, which receive the batch size."""
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "info":
            print(json.dumps({"info": info}), flush=True)
            continue
        start = time.perf_counter()
        actions[request["what"]](request["batch"])
        print(json.dumps({"ms": (time.perf_counter() - start) * 1e3}), flush=True)


def cycle_batches(count, batch):
    """Yields endless slices of `batch` examples from a dataset of `count` examples, starting again at its end."""
    while True:
        for start in range(0, max(count - batch, 0) + 1, batch):
            yield slice(start, start + batch)
