"""Makes the golden files of numeric targets: what scores of labels and of predictions must agree with.

    pip install cleanlab==2.9.0 scikit-learn==1.9.1 numpy==2.4.6 && python regression_make.py

regression_suspects.json  Labels, predictions and cleanlab's label quality scores by both methods; synthetic, seeded.
regression_metrics.json   Labels, predictions and scikit-learn's MAE, RMSE and R²; synthetic, seeded.
"""

import json
import pathlib

import numpy as np
from cleanlab.regression.rank import get_label_quality_scores
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

HERE = pathlib.Path(__file__).parent


def draw(random, rows):
    """Labels and predictions of one case: of any size and offset, some labels wrong, some rounded into ties."""
    scale, offset = 10.0 ** random.uniform(-2, 3), random.normal() * 10.0 ** random.uniform(-1, 3)
    truth = random.normal(size=rows)
    predictions = truth + random.normal(size=rows) * random.uniform(0.05, 1.0)
    labels = truth + (random.random(rows) < 0.1) * random.standard_t(2, size=rows) * 3
    labels, predictions = labels * scale + offset, predictions * scale + offset
    if random.random() < 0.3:
        labels, predictions = np.round(labels / scale) * scale, np.round(predictions / scale) * scale
    return [float(f"{x:.7g}") for x in labels], [float(f"{x:.7g}") for x in predictions]


def rounded(values):
    return [float(f"{x:.9g}") for x in values]


def suspects():
    random = np.random.default_rng(4)
    sizes = [2, 3, 4, 5, 7, 99, 100, 101, 102] + [int(n) for n in random.integers(6, 60, 46)]
    cases = [draw(random, rows) for rows in sizes]
    # Labels without spread, and predictions that are right to the last digit.
    cases += [([5.0] * 6, [5.0, 5.1, 4.9, 5.0, 7.0, 5.0]), ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])]
    return [
        {
            "labels": labels,
            "predictions": predictions,
            "outre": rounded(get_label_quality_scores(np.array(labels), np.array(predictions), method="outre")),
            "residual": rounded(get_label_quality_scores(np.array(labels), np.array(predictions), method="residual")),
        }
        for labels, predictions in cases
    ]


def metrics():
    random = np.random.default_rng(5)
    cases = [draw(random, rows) for rows in [10, 11, 25, 60, 100, 150]]
    return [
        {
            "labels": labels,
            "predictions": predictions,
            "mae": mean_absolute_error(labels, predictions),
            "rmse": root_mean_squared_error(labels, predictions),
            "r2": r2_score(labels, predictions),
        }
        for labels, predictions in cases
    ]


for name, cases in [("suspects", suspects()), ("metrics", metrics())]:
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    (HERE / f"regression_{name}.json").write_text(text)
