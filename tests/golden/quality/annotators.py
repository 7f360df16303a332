"""Makes annotators.json: what agreement and consensus of several annotators must agree with.

    pip install scikit-learn==1.9.1 krippendorff==0.9.0 statsmodels==0.15.0 crowd-kit==1.4.2 numpy==2.4.6 && python annotators.py

agreement   Random tables, annotators × items, −1 where an answer is missing. `kappa`: for each pair of annotators
            [first, second, Cohen's kappa (sklearn.metrics.cohen_kappa_score) or null, its large-sample standard error
            (statsmodels.stats.inter_rater.cohens_kappa, where the error is of use) or null]. `alpha`: Krippendorff's
            (krippendorff.alpha, nominal) or null.
consensus   Random answers, drawn from annotators with random confusion matrices, as [item, annotator, answer];
            crowdkit.aggregation.DawidSkene(n_iter, tol): posteriors (items × classes, rounded to 1e-9), errors
            (annotators × truth × answer), priors and the number of iterations.
"""

import json
import math
import pathlib
import warnings

import krippendorff
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")


def finite(value):
    return float(value) if math.isfinite(value) else None


def kappa(first, second, classes):
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return None, None
    first, second = first[both], second[both]
    value = finite(cohen_kappa_score(first, second, labels=None))
    counts = np.zeros((classes, classes))
    np.add.at(counts, (first, second), 1)
    used = (counts.sum(0) + counts.sum(1)) > 0
    if value is None or used.sum() < 2:
        return value, None
    variance = cohens_kappa(counts[used][:, used]).var_kappa
    return value, finite(math.sqrt(variance)) if variance > 1e-12 else None


def alpha(table):
    data = np.where(table < 0, np.nan, table.astype(float))
    try:
        return finite(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))
    except ValueError:
        return None


def agreement(random, annotators, items, classes, missing, accuracy):
    truth = random.integers(0, classes, items)
    noise = random.integers(0, classes, (annotators, items))
    table = np.where(random.random((annotators, items)) < accuracy, truth, noise)
    table[random.random((annotators, items)) < missing] = -1
    pairs = [
        [a, b, *kappa(table[a], table[b], classes)] for a in range(annotators) for b in range(a + 1, annotators)
    ]
    return {"table": table.tolist(), "kappa": pairs, "alpha": alpha(table)}


def consensus(random, annotators, items, classes, missing, skill, n_iter, tol):
    prior = random.dirichlet(np.full(classes, 3.0))
    truth = random.choice(classes, items, p=prior)
    confusion = np.stack(
        [[random.dirichlet(np.full(classes, 1.0) + skill * np.eye(classes)[k]) for k in range(classes)]
         for _ in range(annotators)]
    )
    answers = []
    for item in range(items):
        who = np.flatnonzero(random.random(annotators) >= missing)
        # An item nobody answered isn't in the data.
        for annotator in who if len(who) else [int(random.integers(annotators))]:
            answers.append([item, int(annotator), int(random.choice(classes, p=confusion[annotator, truth[item]]))])
    frame = pd.DataFrame(answers, columns=["task", "worker", "label"])
    used = sorted(frame.label.unique())
    assert used == list(range(classes)), "each class occurs"
    model = DawidSkene(n_iter=n_iter, tol=tol).fit(frame)
    posteriors = model.probas_.sort_index()[used]
    errors = model.errors_
    matrices = [
        [[float(errors[k].get((a, label), 0.0)) for label in used] for k in used] for a in range(annotators)
    ]
    return {
        "classes": classes,
        "iterations_allowed": n_iter,
        "tolerance": tol,
        "answers": answers,
        "posteriors": [[round(float(p), 9) for p in row] for row in posteriors.to_numpy()],
        "errors": [[[round(p, 9) for p in row] for row in matrix] for matrix in matrices],
        "priors": [float(p) for p in model.priors_.sort_index()],
        "iterations": len(model.loss_history_),
    }


def main():
    random = np.random.default_rng(4)
    shapes = [
        (2, 12, 2, 0.0, 0.8), (2, 30, 3, 0.2, 0.6), (3, 25, 4, 0.3, 0.7), (4, 40, 5, 0.4, 0.5), (5, 30, 2, 0.5, 0.9),
        (5, 60, 6, 0.6, 0.7), (3, 10, 2, 0.9, 0.9), (3, 8, 1, 0.2, 1.0), (4, 20, 3, 0.3, 1.0), (2, 15, 4, 0.1, 0.0),
        (6, 50, 8, 0.7, 0.8), (3, 40, 2, 0.1, 0.0),
    ]
    sets = [
        (3, 40, 2, 0.0, 3.0, 100, 1e-5), (5, 60, 3, 0.3, 4.0, 100, 1e-5), (4, 60, 4, 0.5, 6.0, 100, 1e-5),
        (6, 80, 5, 0.4, 5.0, 100, 1e-5), (8, 90, 6, 0.5, 8.0, 100, 1e-5), (5, 50, 2, 0.2, 1.0, 100, 1e-5),
        (4, 50, 3, 0.2, 3.0, 7, 0.0), (5, 60, 3, 0.6, 2.0, 1000, 1e-9), (3, 30, 2, 0.3, 5.0, 1, 1e-5),
        # Each of these iterations, whatever the bound does.
        (4, 40, 3, 0.3, 3.0, 60, -1e9),
    ]
    golden = {
        "agreement": [agreement(random, *shape) for shape in shapes],
        "consensus": [consensus(random, *each) for each in sets],
    }
    (HERE / "annotators.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
