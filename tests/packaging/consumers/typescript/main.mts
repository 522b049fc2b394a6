// What a program in TypeScript may write, and what it may not.

import {
  type Appended,
  ConflictError,
  CorruptError,
  EventfoldError,
  EventLog,
  EventReader,
  type Host,
  LogEvent,
  memoryHost,
  type NewEvent,
  type View,
} from "eventfold";
import * as slim from "eventfold/slim";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>) => {};

interface Todos {
  open: Record<string, string>;
}

type TodoEvent =
  | LogEvent<{ title: string }, "todo.added">
  | LogEvent<null, "todo.done">;

const todos: View<Todos> = {
  initial: { open: {} },
  reduce(state, event: TodoEvent) {
    if (event.type === "todo.added") state.open[event.position] = event.data.title;
    // @ts-expect-error: this event has no title
    else event.data.title;
    return state;
  },
};

const host: Host = memoryHost();

export async function views() {
  const log = await EventLog.open(host, {
    views: {
      todos,
      count: { initial: 0, reduce: (count) => count + 1, version: 2 },
      byType: {
        initial: {} as Record<string, number>,
        reduce(counts, event) {
          counts[event.type] = (counts[event.type] ?? 0) + 1;
          // @ts-expect-error: what an event holds is not known
          event.data.title;
          return counts;
        },
      },
    },
    maxLogSize: 1 << 20,
  });
  same<ReturnType<typeof log.view<"count">>, number>(true);
  same<ReturnType<typeof log.view<"todos">>, Todos>(true);
  same<ReturnType<typeof log.view<"byType">>, Record<string, number>>(true);
  const count: number = log.view("count");
  const open: Record<string, string> = log.view("todos").open;
  // @ts-expect-error: a number
  const text: string = log.view("count");
  // @ts-expect-error: there is no such view
  log.view("counts");
  // @ts-expect-error: a log without views has none
  (await EventLog.open(host)).view("count");

  const reader = await EventReader.open(host, { views: { todos } });
  same<ReturnType<typeof reader.view<"todos">>, Todos>(true);
  // @ts-expect-error: readers rotate nothing
  reader.rotate();

  // Logs with views are logs.
  const any: EventLog = log;
  const anyReader: EventReader = reader;
  return [count, open, text, any, anyReader];
}

export async function noViews() {
  // @ts-expect-error: a view needs a reducer
  await EventLog.open(host, { views: { count: { initial: 0 } } });
  // @ts-expect-error: a view needs an initial state
  await EventLog.open(host, { views: { count: { reduce: (count: number) => count + 1 } } });
  await EventLog.open(host, {
    // @ts-expect-error: a reducer returns the state
    views: { count: { initial: 0, reduce: (count: number) => String(count) } },
  });
  // @ts-expect-error: the state is not what the reducer takes
  await EventLog.open(host, { views: { count: { initial: "", reduce: (n: number) => n + 1 } } });
  // @ts-expect-error: a host is an object
  await EventLog.open("directory");
  // @ts-expect-error: no such option
  await EventLog.open(host, { maxSize: 1 });
  // @ts-expect-error: logs are opened
  new EventLog();
  // @ts-expect-error: readers have no such option
  await EventReader.open(host, { maxLogSize: 1 });
}

export function appends(log: EventLog) {
  const first: Appended = log.append({ type: "a", data: { any: ["thing", 1, null] } });
  const event: NewEvent<number> = {
    type: "a", data: 1, ts: 1, id: "i", actor: "me", meta: null,
  };
  const all: Appended[] = log.appendBatch([event, event], { durability: "buffered" });
  log.appendBatch(new Set([event]));
  const { nextPosition: position, hash } = first;
  log.appendIf(event, { position, hash });
  log.appendIf(event, log.end(), { durability: "synced" });
  log.append({ type: "a", data: 1, id: undefined }, undefined);
  const moved: number = log.rotate().bytes + log.rotate().archived + log.logLength;
  const text: string = log.recovery.text;
  const rotation: "finished" | "undone" | "kept" | undefined = log.recovery.rotation;
  // @ts-expect-error: an event has data
  log.append({ type: "a" });
  // @ts-expect-error: a type is a string
  log.append({ type: 1, data: 1 });
  // @ts-expect-error: there is no such field
  log.append({ type: "a", data: 1, when: 1 });
  // @ts-expect-error: ts is a number of seconds
  log.append({ type: "a", data: 1, ts: new Date() });
  // @ts-expect-error: there is no such durability
  log.append(event, { durability: "none" });
  // @ts-expect-error: an append says position and nextPosition; which one is meant is to be said
  log.appendIf(event, 44);
  const appended = log.append(event);
  // @ts-expect-error: a copy has no hash
  log.appendIf(event, { ...appended, position: appended.nextPosition });
  log.appendIf(event, { ...appended.toJSON(), position: appended.nextPosition });
  // @ts-expect-error: positions are the log's
  first.position = 0;
  return [all, moved, text, rotation];
}

export async function reads(reader: EventReader, signal: AbortSignal) {
  for (const event of reader.read()) {
    same<typeof event.data, unknown>(true);
    const place: number = event.position + event.nextPosition + event.ts;
    const id: string | undefined = event.id ?? event.actor;
    // @ts-expect-error: there may be none
    const sure: string = event.id;
    // @ts-expect-error: events are read, not written
    event.ts = 1;
    // @ts-expect-error: a copy has no fields
    console.log({ ...event }.type, { ...event.toJSON() }.type);
    console.log(place, id, sure, event.meta);
  }
  for (const { data } of reader.read<{ n: number }>(0)) data.n.toFixed();
  for await (const { data } of reader.tail<string>({ position: 0, signal })) data.trim();
  for await (const event of reader.tail({ position: reader.startOfLast(1) })) return event instanceof LogEvent;
  // @ts-expect-error: a position is a number
  reader.read("0");
  // @ts-expect-error: a tail is waited for
  for (const event of reader.tail()) console.log(event);
  // @ts-expect-error: events are read
  new LogEvent();
  const [first] = [...reader.read()];
  const again: NewEvent | undefined = first?.toJSON();
  return again;
}

export async function ends() {
  using reader = await EventReader.open(host);
  await using log = await EventLog.open(host);
  await log.durable();
  log.sync();
  log.save();
  const closed: Promise<void> = reader.close();
  return closed;
}

export function errors(error: unknown) {
  if (error instanceof ConflictError) {
    same<typeof error.code, "conflict">(true);
    const { position, hash }: { position: number; hash: string } = error;
    return [position, hash];
  }
  if (error instanceof CorruptError) return error.position;
  if (error instanceof EventfoldError) return error.code;
  return undefined;
}

export async function module(bytes: Uint8Array) {
  slim.init(bytes);
  slim.init(new ArrayBuffer(8));
  // @ts-expect-error: a promise is awaited first
  slim.init(Promise.resolve(bytes));
  // @ts-expect-error: there has to be one
  slim.init();
  // Both entries have one API.
  const log: EventLog = await slim.EventLog.open(memoryHost());
  // @ts-expect-error: the default entry has its module
  (await import("eventfold")).init(bytes);
  return log;
}
