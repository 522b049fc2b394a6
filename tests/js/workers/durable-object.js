// The object that durable-object.test.js asks: each path is one thing to do in it.

import { DurableObject } from "cloudflare:workers";

import { durableObjectHost } from "../../../wasm/package/hosts/durable-object.js";
import { EventLog, EventReader, init } from "../../../wasm/package/js/slim.js";
import { instantiate } from "../conformance/module/conformance.js";
import { runConformance } from "../conformance/run.js";
import { life } from "../support/life.js";
import conformance from "../conformance/module/conformance.wasm";
import eventfold from "../../../wasm/package/module/eventfold.wasm";

init(eventfold);

const LOG = "app.jsonl";
const event = (n, length) => ({ type: "counted", data: { n, text: "x".repeat(length) }, ts: n });

class Asks {
  constructor(storage) {
    this.storage = storage;
    this.host = durableObjectHost(storage);
  }

  conformance() {
    return runConformance({
      module: conformance,
      instantiate,
      makePlace: (number) =>
        durableObjectHost(this.storage, { table: `place_${number}` }).open("write"),
    });
  }

  life() {
    return life({ EventLog, EventReader }, durableObjectHost(this.storage, { table: "life" }));
  }

  /** Appends events, numbered from where the log ends, and says how many there are then. */
  async append(count, length) {
    this.log ??= await EventLog.open(this.host);
    this.next ??= [...this.log.read()].length;
    for (let left = count; left > 0; left -= 1) this.log.append(event(this.next++, length));
    return this.next;
  }

  /** How many events a reader finds, and where they stop being numbered 0, 1, 2 and so on. */
  async read() {
    const reader = await EventReader.open(this.host);
    const numbers = [...reader.read()].map(({ data }) => data.n);
    await reader.close();
    return { count: numbers.length, wrong: numbers.findIndex((number, at) => number !== at) };
  }

  async rotate() {
    this.log ??= await EventLog.open(this.host);
    return this.log.rotate();
  }

  longestRow() {
    const [{ longest }] = this.storage.sql.exec("SELECT max(length(bytes)) AS longest FROM eventfold");
    return longest;
  }

  /** Bytes of several rows, cut in the midst of one, and read over all of them. */
  pieces() {
    const files = durableObjectHost(this.storage, { table: "pieces" }).open("write");
    const bytes = Uint8Array.from({ length: 3_500_000 }, (_, at) => (at * 7) % 251);
    const read = (offset, length) => {
      const into = new Uint8Array(length);
      return into.subarray(0, files.readAt(LOG, offset, into));
    };
    const isPart = (part, from) => part.every((byte, at) => byte === bytes[from + at]);
    files.append(LOG, bytes);
    const found = [files.len(LOG), read(1_000_000, 2_000_000).length];
    const whole = isPart(read(0, 4_000_000), 0) && isPart(read(2_097_151, 3), 2_097_151);
    files.truncate(LOG, 2_500_000);
    found.push(files.len(LOG));
    files.append(LOG, bytes.subarray(2_500_000));
    found.push(read(0, 4_000_000).length);
    const again = isPart(read(0, 4_000_000), 0);
    files.replace(LOG, bytes.subarray(0, 1_200_000));
    found.push(read(0, 4_000_000).length);
    files.close();
    return { found, whole, again };
  }

  /** What a second writer is told, and whether one may come after the first is closed. */
  async twoWriters() {
    // SQLite tells no case in names.
    const [first, same, shouted] = ["two_writers", "two_writers", "Two_Writers"].map((table) =>
      durableObjectHost(this.storage, { table }),
    );
    const log = await EventLog.open(first);
    log.append(event(0, 10));
    const refused = [];
    for (const host of [same, shouted]) {
      refused.push(await EventLog.open(host).catch(({ code, message }) => ({ code, message })));
    }
    await log.close();
    const next = await EventLog.open(shouted);
    next.append(event(1, 10));
    await next.close();
    const again = await EventLog.open(same);
    const numbers = [...again.read()].map(({ data }) => data.n);
    await again.close();
    return { refused, numbers };
  }

  /** An append that the caller's own transaction takes back, and what the log says after that. */
  async rolledBack() {
    const host = durableObjectHost(this.storage, { table: "rolled_back" });
    const log = await EventLog.open(host);
    log.append(event(0, 10));
    try {
      this.storage.transactionSync(() => {
        log.append(event(1, 10));
        throw new Error("changed my mind");
      });
    } catch {
      // As wanted.
    }
    let code;
    try {
      log.append(event(2, 10));
    } catch (error) {
      ({ code } = error);
    }
    await log.close();
    const again = await EventLog.open(host);
    again.append(event(3, 10));
    const numbers = [...again.read()].map(({ data }) => data.n);
    await again.close();
    return { code, numbers };
  }

  /**
   * What a view holds whose log was closed after the caller's own transaction took back events that
   * it had folded, once others of their length took their place, the last of them the same.
   */
  async rolledBackView() {
    const host = durableObjectHost(this.storage, { table: "rolled_back_view" });
    const views = { sum: { initial: 0, reduce: (sum, { data }) => sum + data.n } };
    const log = await EventLog.open(host, { views });
    log.append(event(1, 10));
    try {
      this.storage.transactionSync(() => {
        log.append(event(900, 10));
        log.append(event(7, 10));
        log.view("sum");
        throw new Error("changed my mind");
      });
    } catch {
      // As wanted.
    }
    // It may say that the log is no longer its own.
    await log.close().catch(() => {});
    const next = await EventLog.open(host, { views });
    next.append(event(200, 10));
    next.append(event(7, 10));
    await next.close();
    const again = await EventLog.open(host, { views });
    const numbers = [...again.read()].map(({ data }) => data.n);
    const sum = again.view("sum");
    await again.close();
    return { numbers, sum };
  }
}

export class Log extends DurableObject {
  async fetch(request) {
    const [, ask, ...given] = new URL(request.url).pathname.split("/");
    try {
      this.asks ??= new Asks(this.ctx.storage);
      return Response.json((await this.asks[ask](...given.map(Number))) ?? null);
    } catch (error) {
      return Response.json({ code: error.code, stack: error.stack }, { status: 500 });
    }
  }
}

export class WithoutSql extends Log {}

export default {
  fetch(request, env) {
    const of = request.url.endsWith("?without-sql") ? env.WITHOUT_SQL : env.LOG;
    return of.get(of.idFromName("log")).fetch(request);
  },
};
