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
import warnings

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, brier_score_loss, confusion_matrix, f1_score,
                             log_loss, precision_recall_fscore_support, roc_auc_score)
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


def metric_case(name, y, logits, decimals=6):
    """Probabilities as Hone has them, f32; the metrics are those of exactly these numbers, in f64."""
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    p = np.round(p, decimals)
    p[:, -1] = np.round(1 - p[:, :-1].sum(1), decimals)
    exact = p.astype(np.float32).astype(np.float64)
    predicted = exact.argmax(1)
    labels = np.arange(p.shape[1])
    auc = roc_auc_score(y, exact[:, 1]) if len(labels) == 2 else roc_auc_score(y, exact, multi_class="ovr")
    precision, recall, f1, _ = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    assert exact.min() > 0  # below f32's resolution Hone and scikit-learn clip the log-loss differently
    return {
        "name": name, "targets": y.tolist(), "probabilities": p.tolist(),
        "accuracy": accuracy_score(y, predicted), "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "macro_f1": f1_score(y, predicted, average="macro"),
        "log_loss": log_loss(y, exact, labels=labels),
        "brier": brier_score_loss(y, exact, labels=labels, scale_by_half=False), "roc_auc": auc,
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
        "confusion": confusion_matrix(y, predicted, labels=labels).tolist(),
    }


def metrics():
    random = np.random.default_rng(3)

    def draw(rows, weights, lift, scale=1):
        y = random.choice(len(weights), rows, p=weights)
        logits = random.normal(size=(rows, len(weights))) * scale
        logits[np.arange(rows), y] += lift
        return y, logits

    return [
        metric_case("four classes", *draw(120, [.25] * 4, 1)),
        metric_case("two classes", *draw(90, [.6, .4], 1)),
        metric_case("many ties", *draw(80, [.5, .3, .2], .4, .35), decimals=1),
        metric_case("two classes, ties", *draw(60, [.5, .5], .3, .5), decimals=1),
        metric_case("a rare class that is never hit", *draw(100, [.52, .42, .06], .2)),
    ]


def digits():
    data = load_digits()
    rows = np.random.default_rng(5).permutation(len(data.target))[:360]
    return "\n".join(",".join(map(str, [data.target[row], *data.data[row].astype(int)])) for row in rows) + "\n"


def write(name, text):
    (HERE / name).write_text(text)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "The y_prob values do not sum to one")  # f32 rows do within 1e-7
    write("logistic.json", json.dumps(logistic(), separators=(",", ":")))
    write("metrics.json", json.dumps(metrics(), separators=(",", ":")))
    write("digits.csv", digits())
