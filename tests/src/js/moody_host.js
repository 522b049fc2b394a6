// Hosts that mostly do their work, and now and then answer what they like. A seed decides.

/** Numbers below a limit, the same for the same seed. */
function random(seed) {
  return (limit) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

const throws = () => {
  throw new Error("thrown while being looked at");
};

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Everything a host could throw, and much that it could answer. */
const odd = [
  () => new Error("quota exceeded"),
  () => new DOMException("gone", "InvalidStateError"),
  () => Object.assign(new Error(), { message: { toString: throws } }),
  () => Object.assign(new Error(), { toString: throws }),
  () => Object.defineProperty(new Error(), "message", { get: throws }),
  () => Object.defineProperty(new Error(), "name", { get: throws }),
  () => Object.defineProperty(new Error(), "stack", { get: throws }),
  () => Object.assign(new Error(), { toString: () => 7 }),
  () => new Proxy(new Error("behind a proxy"), { get: throws, getPrototypeOf: throws }),
  () => new Proxy({}, { get: throws, ownKeys: throws, has: throws }),
  () => revoked(),
  () => Object.create(null),
  () => ({ toJSON: throws, toString: throws, valueOf: throws, [Symbol.toPrimitive]: throws }),
  () => ({ get [Symbol.toStringTag]() { return throws(); } }),
  () => Object.assign(() => {}, { toString: throws }),
  () => Object.defineProperty(function () {}, "name", { get: throws }),
  () => { const self = []; self.push(self); return self; },
  () => [Symbol("inside")],
  () => [[revoked()]],
  () => Symbol("symbol"),
  () => Symbol(),
  () => 10n ** 30n,
  () => 7n,
  () => undefined,
  () => null,
  () => true,
  () => "12",
  () => "\ud800",
  () => "x".repeat(100_000),
  () => new Number(3),
  () => new Uint8Array(3),
  () => new Date(NaN),
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => -1,
  () => 0.5,
  () => 2 ** 53,
  () => 2 ** 64,
  () => Number.MAX_VALUE,
  () => Promise.resolve(0),
  () => ({ then: throws }),
];

/**
 * The same host, whose every answer is broken once in `rate` times: it throws or answers
 * something that is no answer, before the work, after it, or with a part of it done.
 * `look` is called in the middle of a call, as a host may that shows its files to somebody.
 */
export function moodyHost(host, seed, rate, look) {
  const below = random(seed);
  const oddity = () => odd[below(odd.length)]();
  const fail = (isAnswer) => {
    const value = oddity();
    if (below(2) || isAnswer(value)) throw value;
    return value;
  };
  const moody = (method, isAnswer) => (...args) => {
    if (below(rate)) return host[method](...args);
    const bytes = args[args.length - 1];
    switch (below(6)) {
      case 0:
        host[method](...args);
        return fail(isAnswer);
      case 1:
        if (method === "append") host.append(args[0], bytes.subarray(0, below(bytes.length + 1)));
        return fail(isAnswer);
      case 2:
        look();
        return host[method](...args);
      case 3:
        // Memory of WebAssembly cannot be taken away, and trying throws.
        if (bytes instanceof Uint8Array) structuredClone(null, { transfer: [bytes.buffer] });
        return fail(isAnswer);
      default:
        return fail(isAnswer);
    }
  };
  const none = (value) => value === undefined;
  const never = () => false;
  return {
    len: moody("len", never),
    readAt: moody("readAt", never),
    append: moody("append", none),
    truncate: moody("truncate", none),
    sync: moody("sync", none),
    replace: moody("replace", none),
    remove: moody("remove", none),
  };
}

/** Answers that a host could give, with no work or other work behind them. */
const lies = {
  len: [
    (host, name) => host.len(name) + 1,
    (host, name) => Math.max(0, host.len(name) - 1),
    (host, name) => 2 * host.len(name),
    (host, name) => host.len(name) + 2 ** 20,
    (host, name) => host.len(name) + 2 ** 40,
    (host, name) => host.len(name) >> 1,
    () => 2 ** 53 - 1,
    () => 0,
  ],
  readAt: [
    (host, name, offset, into) => Math.max(0, host.readAt(name, offset, into) - 1),
    (host, name, offset, into) => host.readAt(name, offset, into) >> 1,
    (host, name, offset, into) => host.readAt(name, offset + 1, into),
    (host, name, offset, into) => (host.readAt(name, offset, into), into.length),
    (host, name, offset, into) => into.fill(10).length,
    (host, name, offset, into) => into.length,
    () => 0,
  ],
  append: [
    () => {},
    (host, name, data) => host.append(name, data.subarray(1)),
    (host, name, data) => (host.append(name, data), host.append(name, data)),
  ],
  truncate: [() => {}, (host, name) => host.truncate(name, 0)],
  sync: [(host, name) => host.remove(name)],
  replace: [() => {}, (host, name, data) => host.replace(name, data.subarray(1))],
  remove: [() => {}],
};

/** The same host, which lies once in `rate` times about one thing, the same way or any way. */
export function lyingHost(host, seed, rate, same) {
  const below = random(seed);
  const methods = Object.keys(lies);
  const method = methods[below(methods.length)];
  const choose = () => lies[method][below(lies[method].length)];
  const always = choose();
  return {
    ...host,
    [method](...args) {
      if (below(rate)) return host[method](...args);
      return (same ? always : choose())(host, ...args);
    },
  };
}
