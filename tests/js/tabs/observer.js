// Sees what the tabs tell, and who leads when.

import { channelOf } from "/wasm/package/tabs/messages.js";

const now = () => performance.timeOrigin + performance.now();

/** What became of each event, by `tab/n`. */
const outcomes = new Map();
const leads = [];
let channel;

new BroadcastChannel("told").onmessage = ({ data: { tab, n, ...outcome } }) => {
  outcomes.set(`${tab}/${n}`, outcome);
};

export function watch(name) {
  channel?.close();
  outcomes.clear();
  leads.length = 0;
  channel = new BroadcastChannel(channelOf(name));
  channel.onmessage = ({ data: { t, epoch } }) => {
    if (t === "leads" && leads.at(-1)?.epoch !== epoch) leads.push({ epoch, at: now() });
  };
}

/** Resolves to when a leader after the first `count` has shown. */
export async function leader(count) {
  for (const end = Date.now() + 20_000; leads.length <= count; ) {
    if (Date.now() > end) return undefined;
    await new Promise((later) => setTimeout(later, 5));
  }
  return leads[count].at;
}

export const leaders = () => leads.length;

export const acknowledged = () =>
  [...outcomes.values()].filter(({ what }) => what === "acknowledged").length;

export const told = () => [...outcomes].map(([event, outcome]) => ({ event, ...outcome }));
