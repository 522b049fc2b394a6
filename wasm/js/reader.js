import { BadArgumentError } from "./errors.js";
import { load } from "./module.js";
import { Scan, Session } from "./session.js";
import { checkViews, View } from "./view.js";

export class EventReader {
  /** For subclasses of this package. */
  _session;
  #views = new Map();

  static async open(host, options = {}) {
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
    const scan = session.hold(() => new Scan(session, position));
    return events(session, scan);
  }

  tail({ position = 0, signal } = {}) {
    const session = this._session;
    const scan = session.hold(() => new Scan(session, position));
    return eventsToCome(session, scan, signal);
  }

  async refresh() {
    const { files } = this._session.hold(() => this._session);
    await files.refresh?.();
  }

  view(name) {
    const view = this.#views.get(name);
    if (view) return view.state();
    const names = [...this.#views.keys()].map((known) => JSON.stringify(known)).join(", ");
    throw new BadArgumentError(
      `there is no view ${JSON.stringify(name)}: the views given to open are ${names || "none"}`,
    );
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
      for (let index = 0; index < batch.length; index++) yield batch.event(index);
    }
  } finally {
    scan.free();
  }
}

async function* eventsToCome(session, scan, signal) {
  try {
    while (!session.closed && !signal?.aborted) {
      const batch = session.hold(() => scan.next());
      if (!batch) await session.changed(signal);
      for (let index = 0; index < (batch?.length ?? 0); index++) {
        if (signal?.aborted) return;
        yield batch.event(index);
      }
    }
  } finally {
    scan.free();
  }
}

/** What a log or a reader is made of: its session and its views. */
export async function opened(host, access, { views = {} }) {
  if (typeof host?.open !== "function") {
    throw new BadArgumentError("a log opens on a host, such as memoryHost(): host.open is missing");
  }
  const glue = await load();
  checkViews(glue, views);
  const files = await host.open(access, { views: Object.keys(views) });
  return [new Session(glue, files, host.name), views];
}

for (const [symbol, dispose] of [
  [Symbol.dispose, "close"],
  [Symbol.asyncDispose, "close"],
]) {
  if (!symbol) continue;
  Object.defineProperty(EventReader.prototype, symbol, {
    value() {
      return this[dispose]();
    },
  });
}
