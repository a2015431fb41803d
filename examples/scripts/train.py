"""How well a model tells how far diabetes has advanced after a year."""

from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

import tane

MODELS = {"elastic_net": ElasticNet, "random_forest": RandomForestRegressor}


@tane.inject
def get_model(model):
    settings = dict(model)
    return MODELS[settings.pop("name")](**settings)


@tane.main(config="conf/config.yaml")
def train(cfg):
    print(*cfg.model.values())
    features, target = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        features, target, test_size=cfg.test_data_ratio, random_state=cfg.random_state
    )
    model = get_model().fit(x, y)
    return {"r2": r2_score(y_test, model.predict(x_test))}


if __name__ == "__main__":
    train()
