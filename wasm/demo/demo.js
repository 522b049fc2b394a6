import { TabLog } from "../package/tabs/client.js";
import { exportDirectory, importDirectory } from "../package/hosts/opfs.js";
import { showEvents, showMinutes, showTeams } from "./pictures.js";
import { tar } from "./tar.js";

const NAME = "football";
const MAX_LOG_SIZE = 256 << 10;
/** How often a match is played, in milliseconds. */
const PACE = 150;

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const bytes = (length) => (length < 1000 ? `${length} B` : `${number.format(length / 1000)} KB`);

const teams = {
  initial: {},
  reduce(goals, event) {
    if (event.type !== "match.goal") return goals;
    const { team } = event.data;
    return { ...goals, [team]: (goals[team] ?? 0) + 1 };
  },
};

const minutes = {
  initial: [],
  reduce(bars, event) {
    if (event.type !== "match.goal") return bars;
    const bar = Math.floor((Math.max(1, event.data.minute ?? 1) - 1) / 5);
    return Array.from({ length: Math.max(bars.length, bar + 1) }, (_, n) => (bars[n] ?? 0) + (n === bar ? 1 : 0));
  },
};

const count = { initial: 0, reduce: (events) => events + 1 };

/** What nobody waits for is said where people look. */
function say(text) {
  at("status").textContent = text;
}

async function attempt(what, work) {
  try {
    await work();
  } catch (error) {
    say(`${what}: ${error.message}`);
  }
}

function showRole(role) {
  at("role").textContent = role === "leader" ? "writes" : "follows";
  at("role").dataset.role = role;
}

let log;
let shown = Promise.resolve();
let wanted = false;

/** Shows what is there now; asked often, it is done as often as it can be. */
function show() {
  if (wanted) return;
  wanted = true;
  shown = shown.then(async () => {
    wanted = false;
    showTeams(at("teams"), await log.view("teams"));
    showMinutes(at("minutes"), await log.view("minutes"));
    at("events").textContent = number.format(await log.view("count"));
    const { role, position, logBytes, archiveBytes, unable } = await log.status();
    showRole(role);
    at("position").textContent = number.format(position ?? 0);
    at("log-size").textContent = bytes(logBytes);
    at("archive-size").textContent = bytes(archiveBytes);
    if (unable) say(unable.message);
  });
  shown = shown.catch((error) => say(error.message));
}

async function follow() {
  const newest = [];
  let waiting;
  for await (const event of log.tail()) {
    newest.unshift(event);
    newest.length = Math.min(newest.length, 60);
    waiting ??= setTimeout(() => {
      waiting = undefined;
      showEvents(at("list"), newest);
      show();
    }, 100);
  }
}

let matches;
let next = 0;

/** The events of the fixture, round and round. */
async function played(many) {
  matches ??= (await (await fetch("../fixtures/football-matches.jsonl")).text()).trim().split("\n");
  const from = next;
  next += many;
  return Array.from({ length: many }, (_, n) => JSON.parse(matches[(from + n) % matches.length]));
}

async function timed(work) {
  const start = performance.now();
  await work();
  at("latency").textContent = `${(performance.now() - start).toFixed(1)} ms`;
}

let playing;

async function play() {
  at("play").setAttribute("aria-pressed", String(!playing));
  if (playing) {
    clearInterval(playing);
    playing = undefined;
    return say("Paused.");
  }
  say("Each event is appended when it is durable; watch the other tabs.");
  playing = setInterval(
    () => attempt("Not appended", async () => {
      const [event] = await played(1);
      await timed(() => log.append(event));
    }),
    PACE,
  );
}

/**
 * Ends the worker that writes in the middle of what it does, as a crash would; a page that the
 * browser freezes does the same. This tab comes back as a follower.
 */
function die() {
  if (log.role !== "leader") return;
  document.dispatchEvent(new Event("freeze"));
  showRole(log.role);
  say("The writer of this tab was killed. Whoever is next takes over.");
  setTimeout(() => document.dispatchEvent(new Event("resume")), 1500);
}

function listen() {
  const killing = new BroadcastChannel("eventfold-demo");
  killing.onmessage = die;
  const click = (id, what, work) => at(id).addEventListener("click", () => attempt(what, work));

  click("play", "Cannot play", play);
  click("batch", "Not appended", async () => {
    const events = await played(100);
    await timed(() => log.appendBatch(events));
    say("100 events in one write, made durable by one flush.");
  });
  click("rotate", "Not rotated", async () => {
    const { bytes: moved, archived } = await log.rotate();
    say(moved ? `${bytes(moved)} of lines became ${bytes(archived)} of archive; no position changed.` : "The log was empty.");
    show();
  });
  click("kill", "Not killed", async () => {
    if (log.role === "leader") return die();
    killing.postMessage("kill");
    say("The writer in another tab is killed.");
  });
  click("export", "Not exported", async () => {
    const files = await exportDirectory(log.name);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(tar(files));
    link.download = `${log.name}.tar`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say(`${files.size} files exported. A native program opens the directory in ${log.name}.tar as it is.`);
  });
  at("import").addEventListener("change", ({ target }) =>
    attempt("Not imported", async () => {
      const name = `import-${Date.now()}`;
      const files = await importDirectory(name, target.files);
      say(`${files.length} files imported.`);
      location.search = `?log=${name}`;
    }),
  );
  at("goal").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const form = new FormData(submitted.target);
    const team = form.get("team").trim();
    attempt("Not appended", async () => {
      const data = { team, scorer: "you", minute: Number(form.get("minute")) };
      let position;
      await timed(async () => ({ position } = await log.append({ type: "match.goal", data, actor: "you" })));
      say(`A goal for ${team}, at position ${number.format(position)}.`);
    });
  });
}

async function start() {
  const name = new URLSearchParams(location.search).get("log") ?? NAME;
  log = await TabLog.open(name, {
    views: { teams, minutes, count },
    maxLogSize: MAX_LOG_SIZE,
    onRole: (role) => {
      showRole(role);
      show();
    },
  });
  listen();
  showRole(log.role);
  const kept = await navigator.storage.persisted?.();
  at("durability").textContent =
    "An append resolves when the browser has flushed it to disk. " +
    (kept ? "The browser keeps this site's data." : "The browser may clear this site's data when room is short.");
  show();
  setInterval(show, 2000);
  await follow();
}

start().catch((error) => {
  at("role").textContent = "not opened";
  say(error.message);
});
