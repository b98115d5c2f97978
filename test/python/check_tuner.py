"""Compares the output of tuner.mts with KerasTuner's plans and Optuna's TPE: its medians may be MARGIN above
Optuna's.
"""
import json
import math
import pathlib
import statistics
import sys

import optuna

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity" / "keras"))
from make_tuner import plan  # noqa: E402

SEEDS, TRIALS = 20, 60
MARGIN = 1.25  # The median of twenty searches varies this much from one set of seeds to another.


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    return (y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def mixed(trial):
    rate, dropout = trial.suggest_float("rate", 1e-5, 1, log=True), trial.suggest_float("dropout", 0, 0.5, step=0.1)
    units, layers = trial.suggest_int("units", 8, 64, step=8), trial.suggest_int("layers", 1, 4)
    activation = trial.suggest_categorical("activation", ["relu", "elu", "tanh"])
    adam = trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "adam"
    last = 0.4 if adam else 2 * (trial.suggest_float("momentum", 0, 0.99) - 0.9) ** 2
    activation_loss = {"relu": 0, "elu": 0.6, "tanh": 1}[activation]
    return (math.log10(rate) + 3) ** 2 / 4 + 4 * (dropout - 0.3) ** 2 + ((units - 32) / 24) ** 2 + (layers - 2) ** 2 / 4 + activation_loss + last


def best(objective, seed):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=TRIALS)
    return study.best_value


optuna.logging.set_verbosity(optuna.logging.ERROR)
results = json.loads(pathlib.Path(sys.argv[1]).read_text())
for epochs, brackets in results["plans"].items():
    assert brackets == plan(int(epochs), 3), f"Hyperband's plan for {epochs} epochs"
print(f"Hyperband's plan equals KerasTuner's for {', '.join(results['plans'])} epochs")
for name, objective in [("branin", branin), ("mixed", mixed)]:
    optuna_median = statistics.median(best(objective, seed) for seed in range(SEEDS))
    median = statistics.median(results[name])
    print(f"{name}: median of {SEEDS} seeds after {TRIALS} trials: {median:.3f}, Optuna {optuna.__version__} {optuna_median:.3f}")
    assert median <= MARGIN * optuna_median, name
