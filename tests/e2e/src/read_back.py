"""Prints all that MLflow's own client finds in an experiment, as JSON, by Hone's run ids. Arguments: server, experiment."""

import json
import pathlib
import sys
import tempfile

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

uri, name = sys.argv[1:]
client = MlflowClient(tracking_uri=uri, registry_uri=uri)
experiment = client.get_experiment_by_name(name)
hone_ids, runs, page = {}, [], None
while experiment is not None:
    found = client.search_runs([experiment.experiment_id], max_results=100, page_token=page)
    runs.extend(found)
    page = found.token
    if not page:
        break
for run in runs:
    hone_ids[run.info.run_id] = run.data.tags.get("hone.run_id")


def files(run_id):
    """Path → content, of texts as text and of the rest as hexadecimal."""
    found = {}
    if not client.list_artifacts(run_id):
        return found
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(download_artifacts(run_id=run_id, artifact_path="", dst_path=folder, tracking_uri=uri))
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            found[path.relative_to(root).as_posix()] = path.read_bytes().hex()
    return found


def described(run):
    tags = dict(run.data.tags)
    parent = tags.pop("mlflow.parentRunId", None)
    histories = [client.get_metric_history(run.info.run_id, key) for key in sorted(run.data.metrics)]
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "start_time": run.info.start_time,
        "end_time": run.info.end_time,
        "parent": hone_ids.get(parent),
        "params": run.data.params,
        "metrics": [[m.key, m.step, repr(m.value), m.timestamp] for history in histories for m in history],
        "tags": tags,
        "artifacts": files(run.info.run_id),
    }


def model(registered):
    versions = client.search_model_versions(f'name = "{registered.name}"')
    return {
        "versions": sorted(hone_ids.get(version.run_id) or "" for version in versions),
        "aliases": {
            alias: hone_ids.get(client.get_model_version(registered.name, version).run_id)
            for alias, version in registered.aliases.items()
        },
    }


print(json.dumps({
    "stage": experiment and experiment.lifecycle_stage,
    "runs": [[hone_ids[run.info.run_id], described(run)] for run in runs],
    "models": {registered.name: model(registered) for registered in client.search_registered_models()},
}))
