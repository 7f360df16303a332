"""Makes penguins-train.csv, penguins-test.csv and penguins.json: run with scikit-learn installed, from the repository's root,
as `python3 tests/golden/cli/make.py`. The penguins are the Palmer penguins of public/demo (CC0).

earlier-release.model.zip and earlier-release-scores.csv were made once, by the last commit that knew linear heads alone (840dcea), and
are never made again: `hone train penguins-train.csv --label-column label -o earlier-release.model.zip`, then
`hone score earlier-release.model.zip penguins-test.csv -o earlier-release-scores.csv`."""

import csv
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "parity"))
import sklearn_parity as parity  # noqa: E402

source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "public/demo/penguins.csv")
header, train, test = next(parity.splits(source))
parity.write(here / "penguins-train.csv", header, train)
parity.write(here / "penguins-test.csv", header, test)
accuracy = parity.scikit_learn(header, train, test, 1.0)
(here / "penguins.json").write_text(json.dumps({"scikit_learn_accuracy": accuracy, "test_items": len(test)}) + "\n")
