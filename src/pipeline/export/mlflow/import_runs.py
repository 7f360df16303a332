#!/usr/bin/env python3
"""Pushes the runs in plan.json to an MLflow tracking server. Needs Python 3.9 or newer and nothing else.

May be run again: a run that is there already (told by its tag hone.run_id) is brought up to date, never pushed twice.
"""

import argparse
import base64
import json
import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

FORMAT, VERSION = "hone-mlflow", 1
ARTIFACTS_SCHEME = "mlflow-artifacts"


class Refused(Exception):
    """The server answered, and said no."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Server:
    """An MLflow tracking server's REST interface."""

    def __init__(self, uri, authorization):
        self.uri, self.authorization = uri.rstrip("/"), authorization

    def send(self, method, path, body=None, mime="application/json"):
        request = urllib.request.Request(self.uri + path, data=body, method=method, headers={"Content-Type": mime})
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                text = response.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            try:
                answer = json.loads(text)
                raise Refused(error.code, answer.get("error_code", ""), answer.get("message", text)) from None
            except ValueError:
                raise Refused(error.code, "", f"HTTP {error.code}: {text[:200]}") from None
        try:
            return json.loads(text or "{}")
        except ValueError:
            raise Refused(200, "", "the answer is not JSON; is this an MLflow tracking server?") from None

    def get(self, call, **query):
        return self.send("GET", f"/api/2.0/mlflow/{call}?{urllib.parse.urlencode(query)}")

    def call(self, call, body, method="POST"):
        return self.send(method, f"/api/2.0/mlflow/{call}", json.dumps(body).encode("utf-8"))


def open_experiment(server, name):
    try:
        experiment = server.get("experiments/get-by-name", experiment_name=name)["experiment"]
    except Refused as refused:
        if refused.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return server.call("experiments/create", {"name": name})["experiment_id"]
    if experiment.get("lifecycle_stage") == "deleted":
        server.call("experiments/restore", {"experiment_id": experiment["experiment_id"]})
        print(f"The experiment “{name}” had been deleted on the server; it was restored.")
    return experiment["experiment_id"]


def runs_there(server, experiment, project):
    """The project's runs on the server, by Hone's id."""
    found, page = {}, None
    while True:
        body = {
            "experiment_ids": [experiment],
            "filter": f"tags.\"hone.project\" = '{project}'",
            "run_view_type": "ACTIVE_ONLY",
            "max_results": 1000,
        }
        if page:
            body["page_token"] = page
        answer = server.call("runs/search", body)
        for run in answer.get("runs", []):
            tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
            if "hone.run_id" in tags:
                found[tags["hone.run_id"]] = {"info": run["info"], "content": tags.get("hone.content")}
        page = answer.get("next_page_token")
        if not page:
            return found


def create_run(server, experiment, plan, run, parent):
    tags = [{"key": "hone.run_id", "value": run["run_id"]}, {"key": "hone.project", "value": plan["project"]}]
    if parent:
        tags.append({"key": "mlflow.parentRunId", "value": parent})
    body = {"experiment_id": experiment, "run_name": run["name"], "start_time": run["start_time"], "tags": tags}
    return server.call("runs/create", body)["run"]["info"]


def bytes_of(artifact, folder):
    if artifact.get("base64") is not None:
        return base64.b64decode(artifact["base64"])
    path = (folder / artifact["file"]).resolve()
    if folder not in path.parents:
        raise Refused(0, "", f"{artifact['file']} is outside the plan's folder")
    return path.read_bytes()


def upload(server, info, run, folder):
    root = urllib.parse.urlparse(info["artifact_uri"])
    if run["artifacts"] and root.scheme != ARTIFACTS_SCHEME:
        raise Refused(0, "", f"the server takes no files itself (they belong to {info['artifact_uri']}); start it with --serve-artifacts")
    for artifact in run["artifacts"]:
        path = urllib.parse.quote(f"{root.path.strip('/')}/{artifact['path']}")
        server.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", bytes_of(artifact, folder), artifact["mime"])


def model_version(server, plan, run_id, info):
    """The registered model's version of this run: found, or made."""
    name = plan["registered_model"]
    try:
        server.call("registered-models/create", {"name": name})
    except Refused as refused:
        if refused.code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = server.get("model-versions/search", filter=f"run_id = '{info['run_id']}'")
    for version in found.get("model_versions", []):
        if version["name"] == name:
            return version["version"]
    tags = [{"key": "hone.run_id", "value": run_id}, {"key": "hone.project", "value": plan["project"]}]
    body = {"name": name, "source": info["artifact_uri"], "run_id": info["run_id"], "tags": tags}
    return server.call("model-versions/create", body)["model_version"]["version"]


def push_run(server, experiment, plan, run, there, folder):
    """Pushes one run and says in a word what was done."""
    known = there.get(run["run_id"])
    if known and known["content"] == run["content"]:
        return "already there"
    parent = there.get(run["parent"])
    info = known["info"] if known else create_run(server, experiment, plan, run, parent and parent["info"]["run_id"])
    there[run["run_id"]] = {"info": info, "content": None}
    for batch in run["batches"]:
        server.call("runs/log-batch", {"run_id": info["run_id"], **batch})
    upload(server, info, run, folder)
    end = {"run_id": info["run_id"], "status": run["status"], "run_name": run["name"]}
    if run["end_time"] is not None:
        end["end_time"] = run["end_time"]
    server.call("runs/update", end)
    if run["registers_model"]:
        model_version(server, plan, run["run_id"], info)
    server.call("runs/set-tag", {"run_id": info["run_id"], "key": "hone.content", "value": run["content"]})
    return "brought up to date" if known else "pushed"


def set_aliases(server, plan, there):
    name = plan["registered_model"]
    if not name or not any(run["registers_model"] for run in plan["runs"]):
        return
    model = None
    for alias in ("champion", "challenger"):
        run_id = plan["aliases"].get(alias)
        if run_id in there:
            version = model_version(server, plan, run_id, there[run_id]["info"])
            server.call("registered-models/alias", {"name": name, "alias": alias, "version": version})
            print(f"{alias}: version {version} of {name}")
            continue
        # No longer anybody's: taken back, if it was this project that gave it.
        model = model or server.get("registered-models/get", name=name)["registered_model"]
        given = {entry["alias"]: entry["version"] for entry in model.get("aliases", [])}
        if alias in given:
            version = server.get("model-versions/get", name=name, version=given[alias])["model_version"]
            if {"key": "hone.project", "value": plan["project"]} in version.get("tags", []):
                server.call("registered-models/alias", {"name": name, "alias": alias}, method="DELETE")


def push(server, plan, folder):
    """Pushes all; gives the number of runs that failed."""
    failed = 0
    experiment = open_experiment(server, plan["experiment"])
    there = runs_there(server, experiment, plan["project"])
    for run in plan["runs"]:
        try:
            print(f"{run['name']}: {push_run(server, experiment, plan, run, there, folder)}")
        except Refused as refused:
            failed += 1
            print(f"{run['name']}: failed: {refused}", file=sys.stderr)
    set_aliases(server, plan, there)
    for change in plan["changes"]:
        print(f"note: {change}")
    print(f"{len(plan['runs']) - failed} of {len(plan['runs'])} runs are at {server.uri}/#/experiments/{experiment}")
    return failed


def main():
    environment = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracking-uri", default=environment("MLFLOW_TRACKING_URI"), help="such as http://127.0.0.1:5000")
    parser.add_argument("--experiment", help="the experiment's name, if not the plan's")
    parser.add_argument("--registered-model", help="the registered model's name, if not the plan's")
    parser.add_argument("--user", default=environment("MLFLOW_TRACKING_USERNAME"))
    parser.add_argument("--password", default=environment("MLFLOW_TRACKING_PASSWORD"), help="better by MLFLOW_TRACKING_PASSWORD")
    parser.add_argument("--token", default=environment("MLFLOW_TRACKING_TOKEN"), help="better by MLFLOW_TRACKING_TOKEN")
    parser.add_argument("--plan", type=pathlib.Path, default=pathlib.Path(__file__).with_name("plan.json"))
    options = parser.parse_args()
    if not options.tracking_uri:
        parser.error("say where the server is: --tracking-uri http://127.0.0.1:5000")
    plan = json.loads(options.plan.read_text(encoding="utf-8"))
    if plan.get("format") != FORMAT or plan.get("format_version", 0) > VERSION:
        sys.exit(f"{options.plan} is no plan that this script can read")
    plan["experiment"] = options.experiment or plan["experiment"]
    plan["registered_model"] = options.registered_model or plan["registered_model"]
    authorization = None
    if options.token:
        authorization = f"Bearer {options.token}"
    elif options.user:
        pair = f"{options.user}:{options.password or ''}"
        authorization = "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
    try:
        failed = push(Server(options.tracking_uri, authorization), plan, options.plan.resolve().parent)
    except Refused as refused:
        sys.exit(f"The server refused: {refused}")
    except OSError as error:
        sys.exit(
            f"No answer from {options.tracking_uri} ({error}). Nothing is lost: start the server "
            "(mlflow server --host 127.0.0.1 --port 5000) and run this again."
        )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
