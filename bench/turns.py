"""The process's side of contestant.ts, for Python: lines of JSON in, lines of JSON out."""
import json
import sys
import time


def serve(about, act):
    """Answers until nobody asks: `act` has a function of the batch size for `train` and for `predict`."""
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "about":
            print(json.dumps({"about": about}), flush=True)
            continue
        began = time.perf_counter()
        act[request["what"]](request["batch"])
        print(json.dumps({"ms": (time.perf_counter() - began) * 1e3}), flush=True)


def cycle(count, batch):
    """Slices of a dataset of `count` examples, a batch each, from its beginning again and again."""
    while True:
        for start in range(0, max(count - batch, 0) + 1, batch):
            yield slice(start, start + batch)
