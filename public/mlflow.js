// Pushes the experiment log to an MLflow tracking server. The page has a policy of its own: it alone may connect elsewhere.
//
// The plan of what to push (src/pipeline/export/mlflow.rs) comes from the app that opened this page, by messages within
// one origin, or from a file. `import_runs.py` beside that module does the same without a browser.

const FORMAT = "hone-mlflow";
const NEWEST_VERSION = 1;
const USUAL_SERVER = "http://127.0.0.1:5000";
const SERVER_KEY = "hone.mlflow.server";
const PATIENCE_MS = 120_000;
const OPENER_PATIENCE_MS = 5_000;

const element = (id) => document.getElementById(id);
const [source, form, result, problem, progress, pushButton] =
  ["source", "form", "result", "problem", "progress", "push"].map(element);

let plan = null;
let busy = false;

// ---- The server -------------------------------------------------------------------------------------------------

/** The server answered, and said no. */
class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** There was no answer, or none that a page may read. */
class Unreachable extends Error {}

class Server {
  constructor(uri, authorization) {
    this.uri = uri.replace(/\/+$/, "");
    this.authorization = authorization;
  }

  async send(method, path, body, mime = "application/json") {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = mime;
    if (this.authorization) headers.Authorization = this.authorization;
    let response, text;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      response = await fetch(this.uri + path, { method, headers, body, signal, credentials: "omit", cache: "no-store" });
      text = await response.text();
    } catch (error) {
      throw new Unreachable(error.message);
    }
    let answer;
    try {
      answer = JSON.parse(text || "{}");
    } catch {
      throw new Refused(response.status, "", response.ok ? "its answer is not MLflow's" : `HTTP ${response.status}: ${text.slice(0, 200)}`);
    }
    if (!response.ok) throw new Refused(response.status, answer.error_code ?? "", answer.message ?? `HTTP ${response.status}`);
    return answer;
  }

  get(call, query) {
    return this.send("GET", `/api/2.0/mlflow/${call}?${new URLSearchParams(query)}`);
  }

  call(call, body, method = "POST") {
    return this.send(method, `/api/2.0/mlflow/${call}`, JSON.stringify(body));
  }
}

/** Whether anything answers there at all: such a request may not be read, but it succeeds. */
async function answersAtAll(uri) {
  try {
    await fetch(`${uri}/health`, { mode: "no-cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(10_000) });
    return true;
  } catch {
    return false;
  }
}

// ---- The push ---------------------------------------------------------------------------------------------------

const hasCode = (code) => (error) => {
  if (!(error instanceof Refused) || error.code !== code) throw error;
  return null;
};

async function openExperiment(server, name, tell) {
  const missing = hasCode("RESOURCE_DOES_NOT_EXIST");
  const found = await server.get("experiments/get-by-name", { experiment_name: name }).catch(missing);
  if (found === null) return (await server.call("experiments/create", { name })).experiment_id;
  const experiment = found.experiment;
  if (!experiment) throw new Refused(200, "", "its answer is not MLflow's");
  if (experiment.lifecycle_stage === "deleted") {
    await server.call("experiments/restore", { experiment_id: experiment.experiment_id });
    tell(`The experiment “${name}” had been deleted on the server; it was restored.`);
  }
  return experiment.experiment_id;
}

/** The project's runs on the server, by Hone's id. */
async function runsThere(server, experiment, project) {
  const found = new Map();
  let page;
  do {
    const answer = await server.call("runs/search", {
      experiment_ids: [experiment],
      filter: `tags."hone.project" = '${project}'`,
      run_view_type: "ACTIVE_ONLY",
      max_results: 1000,
      ...(page && { page_token: page }),
    });
    for (const run of answer.runs ?? []) {
      const tags = new Map((run.data.tags ?? []).map((tag) => [tag.key, tag.value]));
      if (tags.has("hone.run_id")) found.set(tags.get("hone.run_id"), { info: run.info, content: tags.get("hone.content") });
    }
    page = answer.next_page_token;
  } while (page);
  return found;
}

async function createRun(server, experiment, run, parent) {
  const tags = [{ key: "hone.run_id", value: run.run_id }, { key: "hone.project", value: plan.project }];
  if (parent) tags.push({ key: "mlflow.parentRunId", value: parent.info.run_id });
  const body = { experiment_id: experiment, run_name: run.name, start_time: run.start_time, tags };
  return (await server.call("runs/create", body)).run.info;
}

function bytesOf(artifact) {
  if (artifact.base64 == null) {
    throw new Refused(0, "", `this plan keeps ${artifact.path} in a file beside it: push it with import_runs.py from the same zip`);
  }
  return Uint8Array.from(atob(artifact.base64), (letter) => letter.charCodeAt(0));
}

async function upload(server, info, run) {
  const root = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*?)\/*$/.exec(info.artifact_uri);
  if (run.artifacts.length > 0 && !root) {
    throw new Refused(0, "", `the server takes no files itself (they belong to ${info.artifact_uri}); start it with --serve-artifacts`);
  }
  for (const artifact of run.artifacts) {
    const path = `${root[1]}/${artifact.path}`.split("/").map(encodeURIComponent).join("/");
    await server.send("PUT", `/api/2.0/mlflow-artifacts/artifacts/${path}`, bytesOf(artifact), artifact.mime);
  }
}

/** The registered model's version of this run: found, or made. */
async function modelVersion(server, runId, info) {
  const name = plan.registered_model;
  await server.call("registered-models/create", { name }).catch(hasCode("RESOURCE_ALREADY_EXISTS"));
  const found = await server.get("model-versions/search", { filter: `run_id = '${info.run_id}'` });
  const known = (found.model_versions ?? []).find((version) => version.name === name);
  if (known) return known.version;
  const tags = [{ key: "hone.run_id", value: runId }, { key: "hone.project", value: plan.project }];
  const body = { name, source: info.artifact_uri, run_id: info.run_id, tags };
  return (await server.call("model-versions/create", body)).model_version.version;
}

/** Pushes one run and says in a word what was done. */
async function pushRun(server, experiment, run, there) {
  const known = there.get(run.run_id);
  if (known?.content === run.content) return "already there";
  const info = known?.info ?? (await createRun(server, experiment, run, there.get(run.parent)));
  there.set(run.run_id, { info });
  for (const batch of run.batches) await server.call("runs/log-batch", { run_id: info.run_id, ...batch });
  await upload(server, info, run);
  const end = run.end_time === null ? {} : { end_time: run.end_time };
  await server.call("runs/update", { run_id: info.run_id, status: run.status, run_name: run.name, ...end });
  if (run.registers_model) await modelVersion(server, run.run_id, info);
  // Last, so that a push that was cut off is done again.
  await server.call("runs/set-tag", { run_id: info.run_id, key: "hone.content", value: run.content });
  return known ? "brought up to date" : "pushed";
}

async function setAliases(server, there) {
  const name = plan.registered_model;
  if (!name || !plan.runs.some((run) => run.registers_model)) return;
  let model;
  for (const alias of ["champion", "challenger"]) {
    const run = there.get(plan.aliases[alias]);
    if (run) {
      const version = await modelVersion(server, plan.aliases[alias], run.info);
      await server.call("registered-models/alias", { name, alias, version });
      continue;
    }
    // No longer anybody's: taken back, if it was this project that gave it.
    model ??= (await server.get("registered-models/get", { name }).catch(hasCode("RESOURCE_DOES_NOT_EXIST")))?.registered_model ?? {};
    const given = (model.aliases ?? []).find((entry) => entry.alias === alias);
    if (!given) continue;
    const { model_version: version } = await server.get("model-versions/get", { name, version: given.version });
    if ((version.tags ?? []).some((tag) => tag.key === "hone.project" && tag.value === plan.project)) {
      await server.call("registered-models/alias", { name, alias }, "DELETE");
    }
  }
}

async function pushAll(server, name) {
  const remarks = [];
  const experiment = await openExperiment(server, name, (remark) => remarks.push(remark));
  const there = await runsThere(server, experiment, plan.project);
  let failed = 0;
  progress.max = plan.runs.length;
  for (const [place, run] of plan.runs.entries()) {
    showState(run, "pushing …");
    try {
      showState(run, await pushRun(server, experiment, run, there));
    } catch (error) {
      if (!(error instanceof Refused)) {
        showState(run, "not pushed");
        throw error;
      }
      failed += 1;
      showState(run, `failed: ${error.message}`, true);
    }
    progress.value = place + 1;
  }
  await setAliases(server, there);
  const done = plan.runs.length - failed;
  const where = `${server.uri}/#/experiments/${experiment}`;
  return { remarks, failed, sentence: `${done} of ${plan.runs.length} runs are on the server, in the experiment “${name}”.`, where };
}

// ---- The screen -------------------------------------------------------------------------------------------------

const cells = new Map();

function showState(run, state, bad = false) {
  const cell = cells.get(run.run_id);
  cell.textContent = state;
  cell.classList.toggle("bad", bad);
}

function paragraph(text, code) {
  const made = document.createElement("p");
  made.textContent = text;
  if (code) {
    const line = document.createElement("code");
    line.textContent = code;
    made.append(" ", line);
  }
  return made;
}

function startCommand(uri) {
  const { hostname, port, protocol } = new URL(uri);
  const place = ["127.0.0.1", "localhost"].includes(hostname) ? hostname : "0.0.0.0";
  const hosts = place === "0.0.0.0" ? ` --allowed-hosts ${hostname}${port && `:${port}`}` : "";
  return `mlflow server --host ${place} --port ${port || (protocol === "https:" ? 443 : 80)} --cors-allowed-origins ${location.origin}${hosts}`;
}

/** A page is not told why a request failed; this asks again in a way that tells the two causes apart. */
async function explainUnreachable(uri) {
  const answers = await answersAtAll(uri);
  const cause = answers
    ? `There is a server at ${uri}, but it did not let this page read its answer: most likely it does not allow the origin ${location.origin} (CORS).`
    : `No server answers at ${uri}: it is not running, the address is wrong, or the browser blocked the connection.`;
  const said = [
    paragraph(cause),
    paragraph(answers ? "Stop it and start it so that it allows this page:" : "Start it so that it allows this page:", startCommand(uri)),
    paragraph("Nothing is lost: the runs stay in Hone, and what was already pushed is not pushed twice. Then press Push again."),
  ];
  if (location.protocol === "https:" && uri.startsWith("http:")) {
    said.push(paragraph("This page came by https; many browsers then refuse an http server that is not on this computer."));
  }
  said.push(paragraph("If you can't change the server, use Hone's export “Runs for MLflow (zip)”: its script needs no permission for web pages."));
  problem.replaceChildren(...said);
}

function explainRefused(error) {
  const said = [paragraph(`The server refused: ${error.message}.`)];
  if (error.status === 401 || error.status === 403) said.push(paragraph("Give a user and password, or a token, that may write there."));
  said.push(paragraph("Nothing is lost: the runs stay in Hone. Change what is needed and press Push again."));
  problem.replaceChildren(...said);
}

function authorization() {
  const [user, password, token] = ["user", "password", "token"].map((id) => element(id).value);
  if (token) return `Bearer ${token}`;
  if (!user) return null;
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function setBusy(now) {
  busy = now;
  pushButton.setAttribute("aria-disabled", String(busy || plan === null));
  progress.hidden = !busy;
}

async function push() {
  const uri = element("server").value.trim().replace(/\/+$/, "");
  result.textContent = "Pushing …";
  problem.replaceChildren();
  progress.value = 0;
  setBusy(true);
  try {
    const outcome = await pushAll(new Server(uri, authorization()), element("experiment").value.trim());
    const link = document.createElement("a");
    link.href = outcome.where;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = "Open it in MLflow";
    result.replaceChildren([outcome.sentence, ...outcome.remarks].join(" "), " ", link);
    if (outcome.failed > 0) problem.replaceChildren(paragraph("Some runs failed; the table says why. Press Push to try these again."));
  } catch (error) {
    result.textContent = "The push did not finish.";
    if (error instanceof Unreachable) await explainUnreachable(uri);
    else if (error instanceof Refused) explainRefused(error);
    else problem.replaceChildren(paragraph(`Something unexpected happened (${error.message}). Nothing is lost; press Push to try again.`));
  } finally {
    setBusy(false);
  }
}

function remembered() {
  try {
    return localStorage.getItem(SERVER_KEY);
  } catch {
    return null;
  }
}

function remember(uri) {
  try {
    localStorage.setItem(SERVER_KEY, uri);
  } catch {
    // Storage may be forbidden; then it is typed again.
  }
}

function row(run) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = run.name;
  const [status, state] = [document.createElement("td"), document.createElement("td")];
  status.textContent = run.status.toLowerCase();
  state.textContent = "not pushed yet";
  cells.set(run.run_id, state);
  line.append(name, status, state);
  return line;
}

/** Takes a plan, or says why it is none. */
function takePlan(candidate, from) {
  if (busy) return;
  const readable =
    candidate?.format === FORMAT && Array.isArray(candidate.runs) && candidate.format_version <= NEWEST_VERSION &&
    /^[\w-]*$/.test(candidate.project);
  if (!readable) {
    const newer = candidate?.format === FORMAT && candidate.format_version > NEWEST_VERSION;
    source.textContent = newer ? `${from} was made by a newer Hone: update this page.` : `${from} is not a plan that Hone made for MLflow.`;
    return;
  }
  plan = candidate;
  cells.clear();
  element("runs").replaceChildren(...plan.runs.map(row));
  element("changes").replaceChildren(...plan.changes.map((text) => {
    const line = document.createElement("li");
    line.textContent = text;
    return line;
  }));
  element("changed").hidden = plan.changes.length === 0;
  element("changed-title").textContent = `Changed or left out for MLflow: ${plan.changes.length}`;
  element("experiment").value = plan.experiment;
  source.textContent = `${from}: ${plan.runs.length === 1 ? "1 run" : `${plan.runs.length} runs`}.`;
  result.textContent = "";
  problem.replaceChildren();
  setBusy(false);
}

async function takeFile(file) {
  try {
    takePlan(JSON.parse(await file.text()), file.name);
  } catch (error) {
    source.textContent = `${file.name} can't be read as a plan (${error.message}).`;
  }
}

function askOpener() {
  if (!window.opener) {
    source.textContent = "No runs yet: open this page from Hone, or choose a plan file.";
    return;
  }
  const giveUp = setTimeout(() => {
    if (plan === null) source.textContent = "Hone's tab did not answer: open this page from Hone again, or choose a plan file.";
  }, OPENER_PATIENCE_MS);
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== window.opener || event.data?.hone !== "plan") return;
    clearTimeout(giveUp);
    try {
      takePlan(typeof event.data.plan === "string" ? JSON.parse(event.data.plan) : event.data.plan, "From Hone");
    } catch (error) {
      source.textContent = `What Hone sent can't be read as a plan (${error.message}).`;
    }
  });
  window.opener.postMessage({ hone: "plan" }, location.origin);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (busy || plan === null) return;
  remember(element("server").value.trim());
  push();
});
element("choose").addEventListener("click", () => element("file").click());
element("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  // The same file may be chosen again after it was changed.
  if (file) takeFile(file).finally(() => (event.target.value = ""));
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.querySelector("main").classList.toggle("over", kind === "dragover");
    const file = kind === "drop" && event.dataTransfer.files[0];
    if (file) takeFile(file);
  });
}
element("server").value = remembered() ?? USUAL_SERVER;
askOpener();
