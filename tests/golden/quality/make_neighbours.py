"""Makes neighbours.json: near duplicates, outliers and class imbalance as cleanlab's Datalab sees them.

    python -m venv venv && venv/bin/pip install "cleanlab[datalab]==2.9.0" numpy==2.4.6
    venv/bin/python tests/golden/quality/make_neighbours.py

The rows are those of ../learn/digits.csv, then planted ones: copies with a few pixels changed, random pixels, and ink at
the edges. Datalab is given them less their mean, so that its cosine distances are those about the pool's centre; k = 10
and all thresholds are its defaults. Digits have no outliers by its rule, so these are sought among six groups with nine
rows that belong to none.
"""

import json
from pathlib import Path

import cleanlab
import numpy as np
from cleanlab import Datalab

HERE = Path(__file__).parent


def planted(digits, random):
    copies = digits[random.choice(len(digits), 40, replace=False)].copy()
    for changed, row in enumerate(copies):
        # From untouched (distance 0) to half of all pixels.
        pixels = random.choice(64, changed * 32 // 40, replace=False)
        row[pixels] = np.clip(row[pixels] + random.integers(-3, 4, len(pixels)), 0, 16)
    # Ink at the left and right edges, where digits have none.
    edges = np.zeros((4, 8, 8), dtype=int)
    edges[:, :, [0, 7]] = random.integers(0, 17, (4, 8, 2))
    return np.concatenate([copies, random.integers(0, 17, (8, 64)), edges.reshape(4, 64)])


def find(issue, rows):
    lab = Datalab({"x": list(range(len(rows)))}, verbosity=0)
    lab.find_issues(features=rows - rows.mean(axis=0), issue_types={issue: {}})
    return lab.get_issues(issue), lab.get_info(issue)


def main():
    random = np.random.default_rng(4)
    table = np.loadtxt(HERE / "../learn/digits.csv", delimiter=",", dtype=int)
    added = planted(table[:, 1:], random)
    rows = np.concatenate([table[:, 1:], added]).astype(float)
    near_duplicates, info = find("near_duplicate", rows)
    groups = random.integers(-30, 31, (6, 12))
    members = groups[np.arange(150) % 6] + random.integers(-6, 7, (150, 12))
    scattered = np.concatenate([members, random.integers(-30, 31, (9, 12))])
    outliers, outlier_info = find("outlier", scattered.astype(float))
    counts = [[96, 4], [95, 5], [50, 2, 48, 1], [50, 3, 48, 3], [1, 59, 60], [400, 5, 9, 3, 120]]
    imbalance = []
    for count in counts:
        labels = [k for k, n in enumerate(count) for _ in range(n)]
        one = Datalab({"y": labels}, label_name="y", verbosity=0)
        one.find_issues(issue_types={"class_imbalance": {}})
        flagged = one.get_issues("class_imbalance")["is_class_imbalance_issue"].to_numpy()
        imbalance.append({"labels": count, "rare": sorted({labels[i] for i in np.flatnonzero(flagged)})})
    golden = {
        "cleanlab": cleanlab.__version__, "numpy": np.__version__,
        "added": added.tolist(),
        "limit": info["threshold"] * info["median_distance_to_nearest_neighbor"],
        "near_duplicates": {
            str(i): sorted(map(int, near)) for i, near in enumerate(near_duplicates["near_duplicate_sets"]) if len(near)
        },
        "scattered": scattered.tolist(),
        "outlier_limit": outlier_info["issue_threshold"],
        "outliers": np.flatnonzero(outliers["is_outlier_issue"]).tolist(),
        "imbalance": imbalance,
    }
    (HERE / "neighbours.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print({k: v for k, v in golden.items() if k != "added"})


if __name__ == "__main__":
    main()
