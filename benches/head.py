"""scikit-learn's time to bring a head's objective within reach of the optimum; one JSON object on standard output.

Usage: python head.py FEATURES CLASSES C TARGET. FEATURES: rows × columns f32, centred; CLASSES: rows u32. One thread, as
`run.mjs` asks of the libraries below.
"""

import json
import sys
import time
import warnings

import numpy
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

ROUNDS = 5


def main(features_path, classes_path, c, target):
    warnings.simplefilter("ignore", ConvergenceWarning)
    classes = numpy.fromfile(classes_path, numpy.uint32)
    features = numpy.fromfile(features_path, numpy.float32).reshape(len(classes), -1)

    def fit(iterations):
        model = LogisticRegression(C=c, solver="lbfgs", tol=1e-12, max_iter=iterations)
        began = time.perf_counter()
        model.fit(features, classes)
        return 1000 * (time.perf_counter() - began), model

    def objective(model):
        logits = features.astype(float) @ model.coef_.T.astype(float) + model.intercept_
        logits -= logits.max(axis=1, keepdims=True)
        likelihood = numpy.log(numpy.exp(logits).sum(axis=1)) - logits[numpy.arange(len(classes)), classes]
        return likelihood.mean() + (model.coef_.astype(float) ** 2).sum() / (2 * c * len(classes))

    # The fewest iterations that reach the target: they are told in advance, so that it need not look.
    low, high = 1, 2
    while objective(fit(high)[1]) > target:
        low, high = high, high * 2
        if high > 1 << 14:
            raise SystemExit(f"scikit-learn does not reach {target}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if objective(fit(middle)[1]) <= target else (middle, high)
    times = [fit(high)[0] for _ in range(ROUNDS)]
    print(json.dumps({
        "times": times, "iterations": high, "loss": objective(fit(high)[1]), "version": sklearn.__version__,
    }))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
