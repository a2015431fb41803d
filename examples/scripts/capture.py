"""The same with defaults as local variables, and functions that are given their arguments by name."""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import train_test_split

import tane


def defaults():
    alpha = 0.0005
    l1_ratio = 0.9
    random_state = 3
    test_size = 0.2


@tane.inject
def get_model(alpha, l1_ratio, random_state):
    print(alpha, l1_ratio, random_state)
    return ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=random_state)


@tane.inject
def get_data(test_size, random_state):
    return train_test_split(*load_diabetes(return_X_y=True), test_size=test_size, random_state=random_state)


@tane.main(defaults=defaults)
def main():
    x, x_test, y, y_test = get_data()
    return get_model().fit(x, y).score(x_test, y_test)


if __name__ == "__main__":
    main()
