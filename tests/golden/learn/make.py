"""Makes the golden files of this folder with scikit-learn: what the heads and the metrics must agree with.

    pip install scikit-learn==1.9.1 && python make.py

logistic.json  Features, targets and the probabilities of LogisticRegression(tol=1e-8): binary (breast cancer, UCI,
               CC BY 4.0, 90 rows standardised), five classes (synthetic), wide and sparse beside dense (synthetic),
               and class weights.
metrics.json   Probabilities, targets and scikit-learn's metrics of them.
digits.csv     360 of the UCI handwritten digits (CC BY 4.0): the class, then 64 pixels of 0 to 16. For the seeded
               simulation that herding beats random.
"""

import json
import pathlib

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, brier_score_loss, confusion_matrix, f1_score,
                             log_loss)
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent


def fit(name, x, y, c, weight=None, sparse=None):
    """One case; `sparse` is a CSR matrix beside the dense `x`."""
    x = np.round(x, 4)
    both = x if sparse is None else hstack([csr_matrix(x), sparse]).tocsr()
    model = LogisticRegression(C=c, tol=1e-8, max_iter=100_000, class_weight=weight).fit(both, y)
    rows = [] if sparse is None else [
        {"indices": row.indices.tolist(), "values": row.data.tolist()} for row in map(sparse.getrow, range(len(y)))]
    return {
        "name": name, "c": c, "balanced": weight is not None, "classes": int(y.max()) + 1,
        "sparse_columns": 0 if sparse is None else sparse.shape[1],
        "dense": x.tolist(), "sparse": rows, "targets": y.tolist(),
        "probabilities": np.round(model.predict_proba(both), 7).tolist(),
    }


def logistic():
    random = np.random.default_rng(0)
    cancer = load_breast_cancer()
    rows = random.permutation(len(cancer.target))[:90]
    binary = StandardScaler().fit_transform(cancer.data[rows][:, :10])
    five_x, five_y = make_classification(
        150, 8, n_informative=6, n_redundant=1, n_classes=5, n_clusters_per_class=1, weights=[.4, .3, .15, .1, .05],
        random_state=1)
    five_x = five_x * 3 + 5  # off centre and not of unit scale: centring must not change the optimum
    wide_y = random.integers(0, 3, 80)
    entries = []
    for row, target in enumerate(wide_y):
        columns = set(random.integers(0, 2000, 10)) | set(random.integers(target * 20, target * 20 + 30, 3))
        entries += [(row, int(column), round(float(random.normal()), 3)) for column in sorted(columns)]
    r, c, v = zip(*entries)
    wide = csr_matrix((v, (r, c)), shape=(80, 2000))
    wide.sort_indices()
    dense = random.normal(size=(80, 4)) + wide_y[:, None] * .3
    return [
        fit("binary, C = 1", binary, cancer.target[rows], 1.0),
        fit("binary, C = 100", binary, cancer.target[rows], 100.0),
        fit("five classes", five_x, five_y, 1.0),
        fit("five classes, balanced", five_x, five_y, 0.1, "balanced"),
        fit("sparse and wide", dense, wide_y, 10.0, None, wide),
    ]


def metrics():
    random = np.random.default_rng(3)
    y = random.integers(0, 4, 120)
    logits = random.normal(size=(120, 4))
    logits[np.arange(120), y] += 1
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    p = np.round(p, 6)
    p /= p.sum(1, keepdims=True)
    predicted = p.argmax(1)
    return {
        "classes": 4, "targets": y.tolist(), "probabilities": p.tolist(),
        "accuracy": accuracy_score(y, predicted), "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "macro_f1": f1_score(y, predicted, average="macro"), "log_loss": log_loss(y, p),
        "brier": brier_score_loss(y, p, scale_by_half=False),
        "confusion": confusion_matrix(y, predicted).tolist(),
    }


def digits():
    data = load_digits()
    rows = np.random.default_rng(5).permutation(len(data.target))[:360]
    return "\n".join(",".join(map(str, [data.target[row], *data.data[row].astype(int)])) for row in rows) + "\n"


def write(name, text):
    (HERE / name).write_text(text)


if __name__ == "__main__":
    write("logistic.json", json.dumps(logistic(), separators=(",", ":")))
    write("metrics.json", json.dumps(metrics(), separators=(",", ":")))
    write("digits.csv", digits())
