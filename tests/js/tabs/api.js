// What the tests of the tabs' API do in a page.

import { TabLog } from "/wasm/package/tabs/client.js";

const logs = new Map();
const counted = { folds: 0 };

const views = {
  sum: {
    initial: 0,
    reduce(sum, { type, data }) {
      counted.folds += 1;
      if (type === "breaks the view") throw new Error("no such thing");
      return sum + (data.n ?? 0);
    },
  },
};

const described = ({ name, code, message, position, hash, view, cause }) => ({
  attempted: true,
  error: { name, code, message, position, hash, view, cause: cause && String(cause) },
});

const attempted = async (work) => {
  try {
    return { attempted: true, result: await work() };
  } catch (error) {
    return described(error);
  }
};

export async function open(name, options = {}) {
  return attempted(async () => {
    const roles = [];
    const log = await TabLog.open(name, { views, onRole: (role) => roles.push(role), ...options });
    logs.set(name, { log, roles });
  });
}

/** Opens the log with views that count under these names, and with those of ours among them. */
export const openCounting = (name, names, { version, ...options } = {}) => {
  const reduce = (count) => ((counted.folds += 1), count + 1);
  const definitions = names.map((view) => [view, views[view] ?? { initial: 0, reduce, version }]);
  return open(name, { views: Object.fromEntries(definitions), ...options });
};

/** Calls a method of the log. */
export const call = (name, method, ...args) =>
  attempted(() => logs.get(name).log[method](...args));

export const state = (name) => {
  const { log, roles } = logs.get(name);
  return { role: log.role, roles, folds: counted.folds };
};

export const numbers = (name, position) =>
  attempted(async () => {
    const numbers = [];
    for await (const { data } of logs.get(name).log.read(position)) numbers.push(data.n);
    return numbers;
  });

/** Counts to `count` on the condition that nobody else was faster. */
export async function countTogether(name, count) {
  const { log } = logs.get(name);
  let conflicts = 0;
  for (let done = 0; done < count; ) {
    const end = await log.end();
    let n = 0;
    for await (const { data } of log.read()) n = data.n;
    try {
      await log.appendIf({ type: "next", data: { n: n + 1 } }, end);
      done += 1;
    } catch (error) {
      if (error.code !== "conflict") throw error;
      conflicts += 1;
    }
  }
  return conflicts;
}

/** What cannot leave the page: values that JSON does not know. */
export const appendOddities = (name) =>
  Promise.all(
    [undefined, Symbol("s"), () => {}, 1n, Infinity, [undefined]].map((data) =>
      attempted(() => logs.get(name).log.append({ type: "odd", data })),
    ),
  );

export async function appendDeep(name, levels) {
  let data = null;
  for (let level = 0; level < levels; level += 1) data = [data];
  return attempted(() => logs.get(name).log.append({ type: "deep", data }));
}

/** Appends so many events at once, and closes without waiting for them. */
export async function appendAndClose(name, count) {
  const { log } = logs.get(name);
  const appended = Array.from({ length: count }, (_, n) =>
    attempted(() => log.append({ type: "late", data: { n } })),
  );
  await log.close();
  return Promise.all(appended);
}

/** Closes in the middle of a reading and of a tail, and tells what each does then. */
export async function closeAmidReading(name) {
  const { log } = logs.get(name);
  const iterations = [log.read(), log.tail()];
  for (const iteration of iterations) await iteration.next();
  await log.close();
  return Promise.all(iterations.map((iteration) => attempted(async () => (await iteration.next()).done)));
}

/** Keeps every tab from leading. */
export const holdLock = (name) =>
  new Promise((held) => {
    navigator.locks.request(`eventfold:${name}`, () => {
      held();
      return new Promise((release) => (globalThis.release = release));
    });
  });

export const releaseLock = () => globalThis.release();

export function startSaving(name) {
  globalThis.saving = attempted(() => logs.get(name).log.save());
}

export const saving = () => Promise.race([globalThis.saving, Promise.resolve("unsettled")]);

export const saved = () => globalThis.saving;

/** Saves what cannot be saved, and sees afterwards whether the first error is still there. */
export async function failSaving(name) {
  const error = await logs.get(name).log.save().catch((error) => error);
  globalThis.failed ??= new WeakRef(error);
  return error.code;
}

export const keepsFailure = () => globalThis.failed.deref() !== undefined;

/** Opens the log so many times, and closes it at once each time. */
export async function openAndClose(name, times) {
  for (let time = 0; time < times; time += 1) await (await TabLog.open(name)).close();
}

/** Begins to save, closes at once, and tells what became of the saving. */
export async function closeAmidSaving(name) {
  startSaving(name);
  await logs.get(name).log.close();
  return globalThis.saving;
}

/** What opening and using a log with arguments of the wrong kind throws. */
export async function misuse(name) {
  const { log } = logs.get(name);
  const { sum } = views;
  const oddViews = [null, [sum], new Map([["sum", sum]]), { sum, SUM: sum }, { sum: { ...sum, initial: () => 0 } }];
  const uses = [
    () => TabLog.open(name, null),
    () => TabLog.open(name, { maxLogSize: Symbol("size") }),
    () => TabLog.open(name, { worker: "worker.js" }),
    () => TabLog.open(name, { onRole: null }),
    ...oddViews.map((odd) => () => TabLog.open(name, { views: odd })),
    () => log.appendBatch(undefined),
    () => log.tail(null).next(),
    () => log.tail({ signal: {} }).next(),
    () => log.view(5n),
    () => log.startOfLast(-1),
  ];
  return Promise.all(uses.map(attempted));
}

/** Appends events of this size until one fails. */
export async function fill(name, size, most) {
  const { log } = logs.get(name);
  const data = { n: 1, text: "x".repeat(size) };
  for (let count = 0; count < most; count += 1) {
    const { error } = await attempted(() => log.append({ type: "big", data }));
    if (error) return { count, error };
  }
  return { count: most };
}

/** Follows the log until `count` events have come, or the log is closed. */
export function follow(name, count = Infinity) {
  const { log } = logs.get(name);
  const abort = new AbortController();
  const numbers = [];
  globalThis.following = attempted(async () => {
    for await (const { data } of log.tail({ signal: abort.signal })) {
      if (numbers.push(data.n) === count) setTimeout(() => abort.abort());
    }
    return numbers;
  });
}

export const followed = () => globalThis.following;

export async function openWithout(what, name) {
  const without = {
    storage: () => Object.defineProperty(navigator, "storage", { value: undefined }),
    channels: () => delete globalThis.BroadcastChannel,
    "synchronous files": () => {},
    "the worker": () => {},
    "a worker at all": () => {},
    "a worker of ours": () => {},
    "a worker that speaks": () => {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (act, milliseconds) => setTimeout(act, milliseconds / 100);
    },
  };
  without[what]();
  const script = 'delete FileSystemFileHandle.prototype.createSyncAccessHandle; await import("URL");';
  const url = new URL("/wasm/package/tabs/worker.js", location.href);
  const workerOf = (script) => () => {
    const blob = new Blob([script], { type: "text/javascript" });
    return new Worker(URL.createObjectURL(blob), { type: "module" });
  };
  const workers = {
    "synchronous files": workerOf(script.replace("URL", url)),
    "a worker of ours": workerOf('postMessage("of the program");'),
    "a worker that speaks": workerOf("onmessage = () => {};"),
    "a worker at all": () => "/wasm/package/tabs/worker.js",
    "the worker": () => new Worker("/no/such/worker.js", { type: "module" }),
  };
  return open(name, { worker: workers[what] });
}

/** Opens a log where a directory is in the way of its file. */
export async function openInTheWay(name) {
  const root = await navigator.storage.getDirectory();
  const logs = await root.getDirectoryHandle("eventfold", { create: true });
  const directory = await logs.getDirectoryHandle(name, { create: true });
  await directory.getDirectoryHandle("app.jsonl", { create: true });
  return open(name);
}

/** Opens with workers that the page can get at. */
export async function openHolding(name, names = ["sum"], options = {}) {
  globalThis.workers = [];
  return openCounting(name, names, {
    ...options,
    worker() {
      const worker = new Worker("/wasm/package/tabs/worker.js", { type: "module" });
      globalThis.workers.push(worker);
      return worker;
    },
  });
}

/** Opens the log while the page is left for a while, which ends the worker that has just begun. */
export async function openAmidLeaving(name) {
  const workers = [];
  const opening = open(name, {
    worker() {
      workers.push(new Worker("/wasm/package/tabs/worker.js", { type: "module" }));
      if (workers.length === 1) queueMicrotask(() => leaveForAWhile(0).then(comeBack));
      return workers.at(-1);
    },
  });
  return { ...(await opening), workers: workers.length };
}

/** Begins to close while the worker is asked for this view, and does not hear it until `goOn`. */
export function closeAmidFolding(name, view) {
  const { log } = logs.get(name);
  const worker = globalThis.workers.at(-1);
  const held = [];
  worker.postMessage = (message) => held.push(message);
  log.view(view);
  globalThis.closing = attempted(() => log.close());
  globalThis.goOn = () => {
    delete worker.postMessage;
    for (const message of held) worker.postMessage(message);
  };
}

/**
 * Closes while the worker says nothing of its leaving, the page is left and come back to, and
 * there is no other worker to be had. Tells whether it listens for that still.
 */
export async function closeWithoutWorker(name) {
  const { log } = logs.get(name);
  const worker = globalThis.workers.at(-1);
  const { Worker } = globalThis;
  const leaving = new Promise((left) => {
    worker.postMessage = (message) => message.t === "leave" && left();
  });
  const closing = attempted(() => log.close());
  await leaving;
  globalThis.Worker = undefined;
  for (const work of [() => leaveForAWhile(0), comeBack]) await work();
  const closed = await closing;
  globalThis.Worker = Worker;
  for (const work of [() => leaveForAWhile(0), comeBack]) await work();
  return closed;
}

/** Begins to close, and no other tab hears of it until `goOn`. */
export function closeUnheard(name) {
  const { prototype } = BroadcastChannel;
  const { postMessage } = prototype;
  prototype.postMessage = () => {};
  globalThis.closing = attempted(() => logs.get(name).log.close());
  globalThis.goOn = () => void (prototype.postMessage = postMessage);
}

export const goOn = () => globalThis.goOn();

export const closed = () => globalThis.closing;

/** As a module that panicked tells it. */
export function panic() {
  globalThis.workers.at(-1).onmessage({ data: { anew: true } });
}

/** Appends while the worker tells that it could not open the log, which another opened since. */
export function appendAmidFailure(name, event) {
  const appended = call(name, "append", event);
  const unable = { code: "storage", message: "it could not be opened" };
  globalThis.workers.at(-1).onmessage({ data: { unable, heard: "who led before" } });
  return appended;
}

/** Lets what is called at each change of the role throw. */
export function openThrowing(name) {
  addEventListener("error", (event) => event.preventDefault());
  const onRole = () => {
    throw new Error("of the program");
  };
  return openHolding(name, ["sum"], { onRole });
}

export const begun = () => globalThis.workers.length;

export function leaveForAWhile(milliseconds) {
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  return new Promise((later) => setTimeout(later, milliseconds));
}

export function comeBack() {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
}
