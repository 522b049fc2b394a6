import * as eventfold from "eventfold";
import { nodeHost } from "eventfold/node";

import { program } from "../../../program.js";

export const dynamic = "force-dynamic";

export async function GET() {
  return new Response(await program(eventfold, nodeHost(process.env.LOG)));
}
