import { DurableObject } from "cloudflare:workers";

import * as eventfold from "eventfold";
import { durableObjectHost } from "eventfold/durable-object";

import { program } from "./program.js";

export class Log extends DurableObject {
  run() {
    return program(eventfold, durableObjectHost(this.ctx.storage));
  }
}

export default {
  async fetch(_request, { LOG }) {
    const outcomes = [
      await program(eventfold, eventfold.memoryHost()),
      await LOG.get(LOG.newUniqueId()).run(),
    ];
    return new Response(outcomes.join("\n"));
  },
};
