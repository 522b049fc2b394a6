// What each consumer does with the package; it is copied into each of them. The outcome is one line
// of text, the same everywhere.

const views = {
  balances: {
    initial: {},
    reduce(balances, { data: { account, amount } }) {
      balances[account] = (balances[account] ?? 0) + amount;
      return balances;
    },
  },
};

const deposit = (account, amount) => ({ type: "deposited", data: { account, amount }, ts: 1 });

/**
 * @param {typeof import("eventfold")} eventfold
 * @param {import("eventfold").Host} host an empty one
 */
export async function program({ EventLog, EventReader, LockedError }, host) {
  const log = await EventLog.open(host, { views });
  const second = await EventLog.open(host).catch((error) => error);
  log.append(deposit("ada", 5));
  log.appendBatch([deposit("bob", 7), deposit("ada", 1)]);
  const { bytes } = log.rotate();
  const { hash } = log.append({ ...deposit("bob", 2), id: "last" });

  const reader = await EventReader.open(host, { views });
  const positions = Array.from(reader.read(), ({ position }) => position);
  for await (const { id } of reader.tail({ position: positions.at(-1) })) {
    if (id === "last") break;
  }
  const read = reader.view("balances");
  await reader.close();
  log.save();
  await log.close();

  const again = await EventLog.open(host, { views });
  const folded = again.view("balances");
  const { text } = again.recovery;
  await again.close();
  return JSON.stringify({
    second: second instanceof LockedError ? second.code : String(second),
    bytes, hash, positions, read, folded,
    // Where the runtime knows `using`.
    disposable: !Symbol.asyncDispose || Symbol.asyncDispose in log,
    text,
  });
}
