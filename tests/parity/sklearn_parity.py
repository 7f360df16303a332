"""Compares `hone train` + `hone evaluate` with scikit-learn's logistic regression: see README.md beside this file."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import scipy.sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

LABELS = ("label", "sentiment")
IGNORED = ("id", "domain")
MISSING = ("", "NA", "NaN", "?", "nan")
SPLITS = 5
csv.field_size_limit(1 << 30)


def read(path):
    """Header and labelled rows of a CSV."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    label = header.index(next(name for name in LABELS if name in header))
    return header, [row for row in rows if row[label]]


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def hone(program, folder, header, train, test):
    """Accuracy of the command line."""
    label = next(name for name in LABELS if name in header)
    write(folder / "train.csv", header, train)
    write(folder / "test.csv", header, test)
    ignored = [name for name in IGNORED if name in header]
    extra = ["--ignore", ",".join(ignored)] if ignored else []
    model = folder / "model.zip"
    run = lambda *arguments: subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    run("train", folder / "train.csv", "--label-column", label, "-o", model, *extra)
    return json.loads(run("evaluate", model, folder / "test.csv", "--label-column", label, "--json"))["accuracy"]["estimate"]


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return numpy.nan


def table_features(header, train, test):
    columns = [place for place, name in enumerate(header) if name not in LABELS + IGNORED]
    cells = lambda rows: numpy.array([["" if row[c] in MISSING else row[c] for c in columns] for row in rows], dtype=object)
    train, test = cells(train), cells(test)
    is_number = [all(cell == "" or not numpy.isnan(number(cell)) for cell in train[:, c]) for c in range(len(columns))]
    numeric = [c for c, yes in enumerate(is_number) if yes]
    named = [c for c, yes in enumerate(is_number) if not yes]
    to_numbers = lambda part: numpy.vectorize(number, otypes=[float])(part)
    parts = []
    for part in (train, test):
        parts.append((to_numbers(part[:, numeric]) if numeric else numpy.zeros((len(part), 0)), part[:, named].astype(str)))
    scale = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    outputs = []
    for fit, (numbers, names) in ((True, parts[0]), (False, parts[1])):
        blocks = []
        if numeric:
            blocks.append(scale.fit_transform(numbers) if fit else scale.transform(numbers))
        if named:
            blocks.append(one_hot.fit_transform(names) if fit else one_hot.transform(names))
        outputs.append(scipy.sparse.hstack([scipy.sparse.csr_matrix(block) for block in blocks]).tocsr())
    return outputs


EMBEDDER = []


def embedder():
    """The token embeddings from the installed package; its own loader would ask the network for the tokenizer."""
    if not EMBEDDER:
        import safetensors.numpy
        import tokenizers
        import wordllama
        from wordllama.inference import WordLlamaInference

        package = pathlib.Path(wordllama.__file__).parent
        (weights,) = safetensors.numpy.load_file(package / "weights/l2_supercat_256.safetensors").values()
        tokenizer = tokenizers.Tokenizer.from_file(str(package / "tokenizers/l2_supercat_tokenizer_config.json"))
        EMBEDDER.append(WordLlamaInference(weights.astype(numpy.float32), tokenizer))
    return EMBEDDER[0]


def text_features(header, train, test):
    place = header.index("text")
    hashed = FeatureUnion(
        [
            ("words", HashingVectorizer(ngram_range=(1, 2), n_features=1 << 18, norm=None, alternate_sign=False)),
            ("characters", HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=1 << 18, norm=None, alternate_sign=False)),
        ]
    )
    sublinear = TfidfTransformer(use_idf=False, sublinear_tf=True, norm="l2")
    outputs = []
    for rows in (train, test):
        texts = [row[place] for row in rows]
        counts = hashed.transform(texts)
        dense = embedder().embed(texts, norm=True)
        outputs.append(scipy.sparse.hstack([scipy.sparse.csr_matrix(dense), sublinear.fit_transform(counts)]).tocsr())
    return outputs


def scikit_learn(header, train, test, strength):
    label = header.index(next(name for name in LABELS if name in header))
    features = text_features if "text" in header else table_features
    x_train, x_test = features(header, train, test)
    y_train, y_test = ([row[label] for row in rows] for rows in (train, test))
    return LogisticRegression(C=strength, max_iter=5000).fit(x_train, y_train).score(x_test, y_test)


def splits(path):
    header, rows = read(path)
    if path.stem.endswith("-train"):
        yield header, rows, read(path.with_name(path.name.replace("-train", "-test")))[1]
        return
    label = header.index(next(name for name in LABELS if name in header))
    halves = StratifiedShuffleSplit(SPLITS, test_size=0.5, random_state=0)
    for train, test in halves.split(rows, [row[label] for row in rows]):
        yield header, [rows[i] for i in train], [rows[i] for i in test]


def main(program, *places):
    files = [file for place in map(pathlib.Path, places) for file in ([place] if place.is_file() else sorted(place.glob("*.csv")))]
    behind = []
    print("| data | hone | scikit-learn, C = 1 | scikit-learn, C = 10 |\n| --- | --- | --- | --- |")
    for path in files:
        header, _ = read(path) if not path.stem.endswith("-test") else ([], [])
        if not any(name in header for name in LABELS):
            continue
        scores = []
        with tempfile.TemporaryDirectory() as folder:
            for split in splits(path):
                ours = hone(program, pathlib.Path(folder), *split)
                scores.append([ours, *(scikit_learn(*split, strength) for strength in (1.0, 10.0))])
        ours, *theirs = numpy.mean(scores, axis=0)
        print(f"| {path.stem} | {ours:.4f} | " + " | ".join(f"{score:.4f}" for score in theirs) + " |", flush=True)
        if ours < theirs[0] - 0.01:
            behind.append(path.stem)
    if behind:
        sys.exit(f"more than one point behind scikit-learn on {', '.join(behind)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
