"""Trains with Keras on flowers, and prints what Keras said beside what was logged. Run by `test_training_libraries`."""

import json
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
from sklearn.datasets import load_iris

import tane
from tane.integrations import keras as ours

X, y = load_iris(return_X_y=True)
ORDER = numpy.random.default_rng(0).permutation(len(X))
X, y = X[ORDER], y[ORDER]


def network():
    layers = [keras.layers.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    made = keras.Sequential(layers)
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


with tane.start_run() as run:
    said = network().fit(X, y, epochs=3, validation_split=0.2, verbose=0, callbacks=[ours.log_epochs()]).history
    logged = {name: each.values for name, each in run.metrics.items()}
    steps = {name: each.steps for name, each in run.metrics.items()}

with tane.start_run() as run:
    tane.autolog("keras")
    network_ = network()
    network_.fit(X, y, epochs=2, batch_size=16, verbose=0)
    tane.autolog(off=True)
    again = keras.saving.load_model(run.artifact("keras/model.keras").save("model.keras"))
    tane.log_model(network_, "pickled")
    expected = network_.predict(X, verbose=0)
    print(
        json.dumps(
            {
                "said": said,
                "logged": logged,
                "steps": steps,
                "params": run.params,
                "epochs": run.metrics["loss"].steps,
                "artifacts": list(run.artifacts),
                "same": bool(numpy.allclose(again.predict(X, verbose=0), expected)),
                "pickled": bool(numpy.allclose(run.artifact("pickled").load().predict(X, verbose=0), expected)),
            }
        )
    )
