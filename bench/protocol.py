"""Python counterpart of protocol.ts: reads requests as lines of JSON, and writes one line of JSON per request."""
import json
import sys
import time


def serve(info, actions):
    """Responds to requests until the input ends.

    `actions` contains a function for each operation, such as `train` and `predict`. It receives the batch size.
    An action that fails ends the process: its error is the response.
    """
    info = {**info, "operations": list(actions)}
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "info":
            respond({"info": info})
            continue
        start = time.perf_counter()
        try:
            actions[request["what"]](request["batch"])
        except Exception as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            respond({"error": ": ".join([type(error).__name__, *lines[:1]])})
            sys.exit(1)
        respond({"ms": (time.perf_counter() - start) * 1e3})


def respond(answer):
    print(json.dumps(answer), flush=True)


def cycle_batches(count, batch):
    """Yields endless slices of `batch` examples from a dataset of `count` examples, starting again at its end."""
    while True:
        for start in range(0, max(count - batch, 0) + 1, batch):
            yield slice(start, start + batch)
