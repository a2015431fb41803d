from sklearn.datasets import load_diabetes
from sklearn.linear_model import SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import tane

x, x_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=3)
scaler = StandardScaler().fit(x)
model = SGDRegressor(learning_rate="constant", eta0=0.002, random_state=3)

with tane.start_run("by hand", params={"eta0": 0.002}, tags={"data": "diabetes"}):
    for epoch in range(20):
        model.partial_fit(scaler.transform(x), y)
        tane.log_metric("r2", model.score(scaler.transform(x_test), y_test), step=epoch)
    tane.log_dict("weights.json", dict(zip(load_diabetes().feature_names, model.coef_.tolist(), strict=True)))
