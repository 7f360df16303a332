"""Makes confident_learning.json: what cleanlab finds in random cases and in out-of-fold probabilities of real data.

    pip install "cleanlab==2.9.0" "scikit-learn==1.9.1" "numpy==2.4.6"
    python confident_learning.py > confident_learning.json

Random cases are drawn by a small integer generator (splitmix64) that the Rust test repeats, so only the answers are stored.

numpy's default sort leaves the order of equals to the processor it runs on, so cleanlab's answer to ties is not defined. The
answers stored are those with numpy's stable sort. Each case also says whether cleanlab as it is gave the very same ones
on the machine that made the file ("as_is"); only cases with ties that matter do not.
"""

import json
import pathlib

import cleanlab
import numpy as np
import sklearn
from cleanlab.count import compute_confident_joint, get_confident_thresholds, num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores, order_label_issues
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

assert cleanlab.__version__ == "2.9.0"

FILTERS = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
           "low_normalized_margin", "low_self_confidence"]
METHODS = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
CLASSES = [2, 3, 4, 5, 7, 10, 20, 50]
SHARES = [0.3, 0.5, 0.75, 0.9]
LEAST = [0, 1, 2, 3, 5]
MASK = (1 << 64) - 1


class Generator:
    """splitmix64"""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % bound


def random_case(number):
    random = Generator(number)
    classes = CLASSES[number % len(CLASSES)]
    rows = 20 + random.below(50)
    # Every seventh case has coarse probabilities and so ties; every fifth leaves classes without labels.
    bound = 5 if number % 7 == 3 else 1 << 20
    present = classes - classes // 3 if number % 5 == 0 else classes
    shift = random.below(classes)
    labels, probabilities = [], []
    for row in range(rows):
        truth = random.below(present)
        label = random.below(present) if random.below(4) == 0 else truth
        if row < 2:
            label = row
        strength = 1 + random.below(2 * classes)
        weights = [1 + random.below(bound) for _ in range(classes)]
        weights[(truth + shift) % classes] *= strength
        total = sum(weights)
        labels.append((label + shift) % classes)
        probabilities.append([weight / total for weight in weights])
    return np.array(labels), np.array(probabilities)


def bits(mask):
    return format(sum(1 << place for place, issue in enumerate(mask) if issue), "x")


def checksum(values):
    weights = [1 + (place * 7919 % 1009) / 1009 for place in range(len(values))]
    return float(f"{np.dot(values, weights):.12g}")


def answers(number, labels, probabilities):
    alternative = dict(frac_noise=SHARES[number % len(SHARES)], min_examples_per_class=LEAST[number % len(LEAST)])
    default = {name: find_label_issues(labels, probabilities, filter_by=name, n_jobs=1) for name in FILTERS}
    changed = [find_label_issues(labels, probabilities, filter_by=name, n_jobs=1, **alternative) for name in FILTERS[:3]]
    method = METHODS[number % len(METHODS)]
    wide = default["predicted_neq_given"]
    ranked = order_label_issues(wide, labels, probabilities, rank_by=method) if wide.any() else []
    joint = compute_confident_joint(labels, probabilities)
    errors = num_label_issues(labels, probabilities, estimation_method="off_diagonal_calibrated")
    return {
        "issues": [bits(mask) for mask in default.values()],
        "changed": [bits(mask) for mask in changed],
        "ranked": [int(place) for place in ranked],
        "joint": checksum(joint.flatten()),
        "errors": int(errors),
    }


def scores(labels, probabilities):
    of = [get_label_quality_scores(labels, probabilities, method=method) for method in METHODS]
    of += [get_label_quality_scores(labels, probabilities, method=method, adjust_pred_probs=True) for method in METHODS[:2]]
    of.append(get_confident_thresholds(labels, probabilities))
    return of


def case(number, labels, probabilities):
    as_is = answers(number, labels, probabilities)
    unstable = np.argsort
    np.argsort = lambda values, *rest, **options: unstable(values, *rest, **{**options, "kind": "stable"})
    try:
        stable = answers(number, labels, probabilities)
    finally:
        np.argsort = unstable
    stable["scores"] = [checksum(values) for values in scores(labels, probabilities)]
    stable["as_is"] = as_is == {name: stable[name] for name in as_is}
    return stable


def out_of_fold(name, features, truth, classes):
    """A fifth of the labels is drawn anew; probabilities are rounded to 1e-5, and stored so."""
    random = np.random.default_rng(7)
    labels = np.where(random.random(len(truth)) < 0.2, random.integers(0, classes, len(truth)), truth)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    probabilities = cross_val_predict(model, features, labels, cv=5, method="predict_proba")
    rounded = np.round(probabilities * 1e5).astype(int)
    probabilities = rounded / 1e5
    stored = {"name": name, "labels": labels.tolist(), "probabilities": rounded.flatten().tolist()}
    first = [values[:20].tolist() for values in scores(labels, probabilities)]
    return {**stored, **case(0, labels, probabilities), "first_scores": first}


def penguins():
    lines = pathlib.Path(__file__).parents[3].joinpath("public/demo/penguins.csv").read_text().splitlines()
    heading = lines[0].split(",")
    rows = [dict(zip(heading, line.split(","))) for line in lines[1:]]
    columns = [name for name in heading if name.endswith(("_mm", "_g"))]
    assert len(columns) == 4, heading
    rows = [row for row in rows if all(row[name] not in ("", "NA") for name in columns)]
    species = sorted({row["label"] for row in rows})
    features = np.array([[float(row[name]) for name in columns] for row in rows])
    return features, np.array([species.index(row["label"]) for row in rows])


def main():
    random = [case(number, *random_case(number)) for number in range(300)]
    digits, digit_labels = load_digits(return_X_y=True)
    cancer, cancer_labels = load_breast_cancer(return_X_y=True)
    real = [
        out_of_fold("penguins", *penguins(), 3),
        out_of_fold("breast cancer", cancer[:300], cancer_labels[:300], 2),
        out_of_fold("digits", digits[:250] + 0.0, digit_labels[:250], 10),
    ]
    versions = {"cleanlab": cleanlab.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    print(json.dumps({"made_with": versions, "random": random, "real": real}, separators=(",", ":")))


main()
