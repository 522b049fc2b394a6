// The object that durable-object.test.js asks: each path is one thing to do in it.

import { DurableObject } from "cloudflare:workers";

import { durableObjectHost } from "../../../wasm/hosts/durable-object.js";
import { instantiate } from "../conformance/module/conformance.js";
import { runConformance } from "../conformance/run.js";
import module from "./conformance.wasm";

const asks = {
  conformance: (storage) =>
    runConformance({
      module,
      instantiate,
      makePlace: (number) => durableObjectHost(storage, { table: `place_${number}` }).open("write"),
    }),
};

export class Log extends DurableObject {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const ask = asks[pathname.slice(1)];
    try {
      return Response.json(await ask(this.ctx.storage, Number(searchParams.get("n"))));
    } catch (error) {
      return new Response(error.stack, { status: 500 });
    }
  }
}

export class WithoutSql extends Log {}

export default {
  fetch(request, env) {
    const of = new URL(request.url).searchParams.has("without-sql") ? env.WITHOUT_SQL : env.LOG;
    return of.get(of.idFromName("log")).fetch(request);
  },
};
