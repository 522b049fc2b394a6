import { BadArgumentError } from "./errors.js";
import { checkCount, checkSignal, describe, optionsOf } from "./given.js";
import { call, load } from "./module.js";
import { Scan } from "./scan.js";
import { Session } from "./session.js";
import { checkViews, noView, View } from "./view.js";

export class EventReader {
  /** For subclasses of this package. */
  _session;
  #views = new Map();

  static async open(host, options) {
    return new this(...(await opened(host, "read", options)));
  }

  constructor(session, views) {
    this._session = session;
    for (const name of Object.keys(views)) {
      this.#views.set(name, new View(session, name, views[name]));
    }
  }

  read(position = 0) {
    const session = this._session;
    session.check();
    return events(session, new Scan(session, position));
  }

  tail(options) {
    const session = this._session;
    session.check();
    const { position = 0, signal } = optionsOf(options);
    checkSignal(signal);
    return eventsToCome(session, new Scan(session, position), signal);
  }

  startOfLast(lines) {
    checkCount("lines", lines);
    const { glue, files } = this._session;
    return this._session.run(() => glue.startOfLast(files, lines));
  }

  async refresh() {
    this._session.check();
    await this._session.refresh();
  }

  view(name) {
    const view = this.#views.get(name);
    if (view) return view.state();
    throw noView(name, this.#views);
  }

  /** For subclasses of this package. */
  get _views() {
    return this.#views.values();
  }

  close() {
    return this._session.close();
  }
}

function* events(session, scan) {
  try {
    for (let batch; (batch = session.hold(() => scan.next())); ) {
      for (let index = 0; index < batch.length; index++) {
        session.check();
        yield batch.event(index);
      }
    }
  } finally {
    scan.free();
  }
}

async function* eventsToCome(session, scan, signal) {
  const unwatch = session.watch();
  try {
    while (!session.closed && !signal?.aborted) {
      const batch = session.hold(() => scan.next());
      if (!batch) await session.changed(signal);
      for (let index = 0; index < (batch?.length ?? 0); index++) {
        if (session.closed || signal?.aborted) return;
        yield batch.event(index);
      }
    }
  } finally {
    scan.free();
    unwatch();
  }
}

/** What a log or a reader is made of: its session and its views. */
export async function opened(host, access, options) {
  const { views = {} } = optionsOf(options);
  if (typeof host?.open !== "function") {
    throw new BadArgumentError("a log opens on a host, such as memoryHost(): host.open is missing");
  }
  const glue = await load();
  checkViews(views);
  const names = Object.keys(views);
  for (const name of names) call(() => glue.checkViewName(name));
  const files = await host.open(access, { views: names });
  if (!["len", "readAt", "close"].every((method) => typeof files?.[method] === "function")) {
    throw new BadArgumentError(`${host.name} opened as ${describe(files)}, which is no log's files`);
  }
  return [new Session(glue, files, host.name), views];
}

for (const symbol of [Symbol.dispose, Symbol.asyncDispose]) {
  if (!symbol) continue;
  Object.defineProperty(EventReader.prototype, symbol, {
    value() {
      return this.close();
    },
  });
}
