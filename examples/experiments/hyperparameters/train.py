from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import cross_val_score

import tane


@tane.main
def train(alpha=0.0005, l1_ratio=0.9, random_state=3):
    model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=random_state)
    return cross_val_score(model, *load_diabetes(return_X_y=True), cv=5).mean()


if __name__ == "__main__":
    train()
