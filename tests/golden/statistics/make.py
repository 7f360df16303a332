"""Makes the golden files of this folder with scipy, scikit-learn and mpmath: what the statistics must agree with.

    pip install scikit-learn==1.9.1 scipy==1.17.1 mpmath==1.3.0 && python make.py

temperature.json  Logits and targets; the temperature that minimises −Σ ln p + (ln T)²/2σ² for σ = ½ and without the
                  prior (scipy, to 1e-12), and scikit-learn's own (CalibratedClassifierCV(method="temperature")).
counts.json       Exact intervals (scipy.stats.binomtest; hypergeometric ones by trying every population), one-sided
                  bounds, tails, and e-values in 50 digits.
"""

import json
import pathlib
import warnings

import mpmath
import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax
from sklearn.calibration import _TemperatureScaling

HERE = pathlib.Path(__file__).parent
mpmath.mp.dps = 50


def optimum(logits, targets, deviation):
    """The zero of the objective's derivative by ln T."""
    rows = np.arange(len(targets))

    def slope(log_temperature):
        scaled = logits * np.exp(-log_temperature)
        mean = (softmax(scaled, axis=1) * scaled).sum(1)
        return (scaled[rows, targets] - mean).sum() + log_temperature / deviation**2

    def objective(log_temperature):
        scaled = logits * np.exp(-log_temperature)
        return (logsumexp(scaled, axis=1) - scaled[rows, targets]).sum() + log_temperature**2 / 2 / deviation**2

    grid = np.linspace(-np.log(20), np.log(20), 2001)
    best = grid[np.argmin([objective(point) for point in grid])]
    return float(np.exp(brentq(slope, best - .01, best + .01, xtol=1e-13)))


def temperature_case(name, rows, classes, spread, true, seed):
    random = np.random.default_rng(seed)
    logits = np.round(random.normal(size=(rows, classes)) * spread, 3).astype(np.float32).astype(np.float64)
    cumulative = softmax(logits / true, axis=1).cumsum(1)
    targets = (random.random((rows, 1)) > cumulative).sum(1).clip(0, classes - 1)
    scikit_learn = _TemperatureScaling().fit(logits, targets.astype(np.float64))
    return {
        "name": name, "logits": np.round(logits, 3).tolist(), "targets": targets.tolist(),
        "with_prior": optimum(logits, targets, .5), "without_prior": optimum(logits, targets, 1e9),
        "scikit_learn": float(1 / scikit_learn.beta_),
    }


def temperatures():
    return [
        temperature_case("three classes, too sure", 60, 3, 3, 2, 0),
        temperature_case("two classes", 50, 2, 2, 1, 1),
        temperature_case("six classes, too modest", 80, 6, 1, .4, 2),
        temperature_case("few rows", 12, 3, 2, 1.5, 5),
        temperature_case("far too sure", 70, 4, 10, 8, 4),
    ]


def hypergeometric_interval(right, total, population, confidence):
    """Every number of right items under which neither tail is below half the error."""
    tail = (1 - confidence) / 2
    kept = [count for count in range(right, population - (total - right) + 1)
            if stats.hypergeom.sf(right - 1, population, count, total) > tail
            and stats.hypergeom.cdf(right, population, count, total) > tail]
    return [min(kept) / population, max(kept) / population]


def evidence(audits, errors, alpha):
    alpha = mpmath.mpf(alpha)
    integral = mpmath.betainc(errors + 1, audits - errors + 1, 0, alpha)
    return float(integral / alpha / (alpha**errors * (1 - alpha)**(audits - errors)))


def finite_evidence(audits, errors, breaking, population):
    def likelihood(wrong):
        return mpmath.ff(wrong, errors) * mpmath.ff(population - wrong, audits - errors)
    return float(mpmath.fsum(likelihood(wrong) for wrong in range(breaking)) / breaking / likelihood(breaking))


def counts():
    shares = [(0, 10), (3, 10), (45, 60), (60, 60), (935, 1000), (7, 200_000), (123_456, 200_000)]
    finite = [(54, 60, 80), (54, 60, 500), (0, 20, 100), (20, 20, 100), (3, 7, 7), (280, 300, 2000)]
    upper = [(0, 59, .05), (2, 93, .05), (10, 1000, .1), (0, 100_000, .01)]
    tails = [(0, 59, .05), (3, 200, .05), (40, 200, .05), (95_000, 1_000_000, .1), (1, 5, .9)]
    finite_tails = [(0, 39, 6, 100), (3, 80, 20, 400), (9, 12, 10, 40), (20, 600, 100, 3000), (300, 5000, 4000, 60_000)]
    mixtures = [(1, 0, .05), (60, 0, .05), (93, 1, .05), (200, 30, .05), (16, 2, .5), (5000, 90, .02), (3000, 2000, .01)]
    finite_mixtures = [(60, 0, 6, 100), (80, 3, 26, 500), (40, 7, 11, 200), (900, 30, 201, 4000)]
    return {
        "clopper_pearson": [
            [right, total, *map(float, stats.binomtest(right, total).proportion_ci(.95, "exact"))]
            for right, total in shares],
        "hypergeometric_interval": [
            [right, total, population, *hypergeometric_interval(right, total, population, .95)]
            for right, total, population in finite],
        "upper_bound": [[errors, audits, tail, float(stats.beta.ppf(1 - tail, errors + 1, audits - errors))]
                        for errors, audits, tail in upper],
        "binomial_at_most": [[*case, float(stats.binom.cdf(*case))] for case in tails],
        "hypergeometric_at_most": [
            [found, drawn, marked, population, float(stats.hypergeom.cdf(found, population, marked, drawn))]
            for found, drawn, marked, population in finite_tails],
        "e_value": [[audits, errors, alpha, evidence(audits, errors, alpha)] for audits, errors, alpha in mixtures],
        "finite_e_value": [[*case, finite_evidence(*case)] for case in finite_mixtures],
    }


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write("temperature.json", temperatures())
    write("counts.json", counts())
