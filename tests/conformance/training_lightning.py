"""Trains with PyTorch Lightning on flowers, and prints what was logged. Run by `test_training_libraries`."""

import json
import logging
import warnings

import lightning
import torch
from sklearn.datasets import load_iris

import tane
from tane.integrations.lightning import TaneLogger

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
X, y = load_iris(return_X_y=True)
DATA = torch.utils.data.TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))


class Flowers(lightning.LightningModule):
    def __init__(self, hidden=8, optimizer=None):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 3))
        self.said = []

    def training_step(self, batch, index):
        loss = torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.said.append(float(loss))
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.optimizer["rate"])


def fit(logger, epochs=3):
    lightning.seed_everything(0, verbose=False)
    module = Flowers(optimizer={"rate": 0.01})
    trainer = lightning.Trainer(
        logger=logger,
        max_epochs=epochs,
        accelerator="cpu",
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, torch.utils.data.DataLoader(DATA, 50), torch.utils.data.DataLoader(DATA, 50))
    return module


def told(run):
    return {
        "status": str(run.status),
        "params": run.params,
        "steps": {name: each.steps for name, each in run.metrics.items()},
        "loss": run.metrics["loss"].values,
        "artifacts": list(run.artifacts),
    }


said = fit(TaneLogger("of its own", tags={"a": "b"})).said
own = told(tane.get_run("of its own"))
with tane.start_run("around") as around:
    fit(TaneLogger(prefix="first"))
    tane.autolog("lightning")
    fit(None)
    tane.autolog(off=True)
print(json.dumps({"said": said, "own": own, "around": told(around)}))
