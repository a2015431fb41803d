from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import train_test_split

from tane import Pipeline


def data():
    return load_diabetes(return_X_y=True)


def parts(data, test_size: float = 0.2, seed: int = 3):
    return train_test_split(*data, test_size=test_size, random_state=seed)


def model(parts, alpha: float = 0.0005, l1_ratio: float = 0.9):
    x, _, y, _ = parts
    return ElasticNet(alpha=alpha, l1_ratio=l1_ratio).fit(x, y)


def r2(model, parts):
    _, x_test, _, y_test = parts
    return model.score(x_test, y_test)


pipeline = Pipeline([data, parts, model, r2])
