// The life of a log on a host, in any runtime: everything that the package does with one.

const views = { sum: { initial: 0, reduce: (sum, { data }) => sum + data.n } };
const event = (n) => ({ type: "counted", data: { n, text: "x".repeat(n % 50) }, ts: n });

/**
 * @param {{ EventLog: any, EventReader: any }} api
 * @param {import("../../../wasm/hosts/host").Host} host an empty one
 * @returns {Promise<number>} how many events there were in the end
 */
export async function life({ EventLog, EventReader }, host) {
  let log = await EventLog.open(host, { views });
  let count = 0;
  const expected = () => Array.from({ length: count }, (_, n) => n);
  const numbers = (source) => [...source.read()].map(({ data }) => data.n);
  const append = () => log.append(event(count++));

  equal((await failure(() => EventLog.open(host))).code, "locked");
  while (count < 10) append();
  const batch = log.appendBatch([event(10), event(11), event(12)]);
  count = 13;
  equal(log.appendIf(event(count++), log.end()).position, batch[2].nextPosition);
  equal((await failure(() => log.appendIf(event(0), batch[0]))).code, "conflict");
  equal(numbers(log), expected());

  equal(log.view("sum"), sum(count));
  log.save();
  log.rotate();
  append();
  equal(numbers(log), expected());
  equal(log.view("sum"), sum(count));
  const [middle] = log.read(batch[1].position);
  equal(middle.toJSON(), event(11));

  await log.durable();
  const reader = await EventReader.open(host);
  equal(numbers(reader), expected());
  const tail = reader.tail({ position: log.end().position });
  const next = tail.next();
  append();
  equal((await next).value.data.n, count - 1);
  await tail.return();
  await reader.close();

  await log.close();
  equal((await failure(async () => append())).code, "closed");
  count -= 1;
  log = await EventLog.open(host, { views });
  equal(log.recovery.text, "nothing to repair");
  equal(numbers(log), expected());
  equal(log.view("sum"), sum(count));
  append();
  log.rotate();
  equal(numbers(log), expected());
  await log.close();
  return count;
}

const sum = (count) => (count * (count - 1)) / 2;

async function failure(act) {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error(`it did not fail: ${act}`);
}

function equal(found, expected) {
  const [is, should] = [found, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${is} should be ${should}`);
}
