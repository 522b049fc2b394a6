import { connection } from "next/server";

import * as eventfold from "eventfold";

import { program } from "../program.js";
import { Browser } from "./browser.js";

export default async function Page() {
  await connection();
  return (
    <main>
      <p>{await program(eventfold, eventfold.memoryHost())}</p>
      <Browser />
    </main>
  );
}
