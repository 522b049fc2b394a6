// Which lines are events, and what they say, is the same in JavaScript and in Rust.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { nodeHost } from "../../wasm/package/hosts/node.js";
import { EventReader } from "../../wasm/package/js/index.js";
import { quickDir } from "./support/dirs.js";
import { randomly } from "./support/random.js";
import { nativeActor } from "./support/runtimes.js";

const FIXTURE = readFileSync(new URL("../fixtures/football-matches.jsonl", import.meta.url), "utf8");

const KEYS = ["type", "data", "ts", "id", "actor", "meta", "\\u0069d", "t\\u0073", "x", "$", "__proto__"];

const VALUES = [
  '""', '"a.b"', '"é😀"', '"\\""', '"\\\\"', '"\\u0041"', '",\\"ts\\":7}"', '"\\ud83d\\ude00"',
  '"\\ud800"', '"\\udc00x"', '{"\\ud800":1}', "null", "true", "0", "-0", "00", "1", "-1", "1.0", "1e3", "12e",
  "1e308", "1e309", "-1E999", "1e-999", "18446744073709551615", "18446744073709551616", "1".repeat(308),
  "9".repeat(400), '{"id":"n","actor":"n","ts":5}', '[{"type":"n"},"ts",":1}"]', '{"b":1,"a":2,"b":3}', "{", "[1,]", "",
  `${"[".repeat(126)}${"]".repeat(126)}`, `${"[".repeat(127)}${"]".repeat(127)}`, '"7e9 [[[ $3 \\n"', '"\t"', ' [ 1 , 2 ] ',
];

const ENDS = [
  ',"ts":1}', ',"ts":1,"id":"i"}', ',"ts":1,"actor":"é😀"}', ',"ts":1,"id":"","actor":"b"}',
  ',"ts":1,"meta":{"b":1}}', ',"ts":1.0}', ',"ts":01}', ',"ts":18446744073709551615}', ',"ts":18446744073709551616}',
  ',"ts":1,"id":null}', ',"ts":1,"id":"\\u0041"}', ',"ts":1,"actor":"b","id":"i"}', ',"ts":1,"id":"\\ud800"}', "}", "} ", "",
];

/** Lines as the log writes them, and others, most of which are nearly so. */
function* lines({ below, chance }) {
  const one = (list) => list[below(list.length)];
  const written = FIXTURE.trimEnd().split("\n");
  for (const value of VALUES) for (const end of ENDS) yield Buffer.from(`{"type":"a","data":${value}${end}`);
  for (let n = 0; n < 6000; n++) {
    const field = () => `${JSON.stringify(one(KEYS)).replace("\\\\", "\\")}:${one(VALUES)}`;
    const fields = Array.from({ length: below(4) }, field);
    const line = Buffer.from(
      chance(0.5)
        ? `{"type":"é","data":${[one(VALUES), ...fields].join(",")}${one(ENDS)}`
        : chance(0.3)
          ? `{${fields.join(",")}${one(ENDS)}`
          : one(written),
    );
    for (let flips = below(3); flips > 0 && line.length > 0; flips--) {
      const at = below(line.length);
      line[at] = chance(0.5) ? line[at] ^ (1 << below(8)) : one([...Buffer.from('"\\{}[],:e0-')]);
    }
    yield line;
  }
}

test("a line is an event in JavaScript if it is one in Rust, and says the same", async (t) => {
  const dir = quickDir(t);
  const readable = (line) => !line.includes(10) && !line.includes(0);
  const all = [...lines(randomly(9))].filter(readable);
  writeFileSync(join(dir, "app.jsonl"), Buffer.concat([...all, '{"type":"end","data":0,"ts":0}'].flatMap((line) => [Buffer.from(line), Buffer.from("\n")])));

  const inRust = new Map();
  const actor = nativeActor(dir);
  t.after(() => actor.kill());
  actor.send("read-each");
  for (let said; (said = await actor.line()) !== "ok "; ) {
    const space = said.indexOf(" ");
    inRust.set(Number(said.slice(0, space)), JSON.parse(said.slice(space)));
  }

  const reader = await EventReader.open(nodeHost(dir));
  let events = 0;
  for (const event of reader.read()) {
    const { position } = event;
    let found;
    try {
      found = event.toJSON();
    } catch (error) {
      assert.equal(error.code, "corrupt");
      assert.equal(error.position, position);
    }
    const expected = inRust.get(position);
    assert.deepEqual(found && fields(found), expected && fields(expected), `at position ${position}`);
    events += Number(found !== undefined);
  }
  assert.equal(events, inRust.size);
  assert.ok(events > 1000 && events < all.length - 1000, `${events} of ${all.length} are events`);
  await reader.close();
});

const fields = ({ type, data, ts, id, actor, meta }) => ({ type, data, ts, id, actor, meta });
