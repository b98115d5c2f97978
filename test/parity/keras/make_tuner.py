"""KerasTuner 1.4.8: Hyperband's plan, and the values of a parameter by position. Needs keras-tuner."""
from keras_tuner.oracles import HyperbandOracle
from keras_tuner.src.engine import hyperparameters as hp

EPOCHS = [1, 2, 3, 9, 10, 27, 50, 81, 100, 243, 729]
FACTORS = [2, 3]
PLACES = [i / 16 for i in range(16)] + [0.3, 0.999999]
PARAMETERS = {
    "float": hp.Float("p", -2.0, 3.0),
    "float log": hp.Float("p", 1e-5, 1e-1, sampling="log"),
    "float step": hp.Float("p", 0.0, 0.5, step=0.125),
    "float step that does not end at max": hp.Float("p", 0.0, 1.0, step=0.3),
    "float log step": hp.Float("p", 1e-4, 1.0, step=10, sampling="log"),
    "int": hp.Int("p", 1, 7),
    "int log": hp.Int("p", 1, 1000, sampling="log"),
    "int step": hp.Int("p", 16, 64, step=16),
    "int log step": hp.Int("p", 1, 64, step=2, sampling="log"),
    "choice": hp.Choice("p", [32, 64, 128]),
    "boolean": hp.Boolean("p"),
}


def plan(epochs, factor):
    oracle = HyperbandOracle(max_epochs=epochs, factor=factor)
    return [
        [[oracle._get_size(bracket, round_), oracle._get_epochs(bracket, round_)] for round_ in range(oracle._get_num_rounds(bracket))]
        for bracket in reversed(range(oracle._get_num_brackets()))
    ]


def make():
    return {
        "plans": [{"maxEpochs": epochs, "factor": factor, "brackets": plan(epochs, factor)} for epochs in EPOCHS for factor in FACTORS],
        "places": PLACES,
        "values": {name: [parameter.prob_to_value(place) for place in PLACES] for name, parameter in PARAMETERS.items()},
    }
