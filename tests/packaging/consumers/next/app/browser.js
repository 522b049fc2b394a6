"use client";

import { useEffect } from "react";

import * as eventfold from "eventfold";
import { indexedDbHost } from "eventfold/indexeddb";

import { program } from "../program.js";

async function main() {
  return [
    await program(eventfold, eventfold.memoryHost()),
    await program(eventfold, indexedDbHost("log")),
  ].join("\n");
}

export function Browser() {
  useEffect(() => {
    globalThis.outcome = main();
  }, []);
  return null;
}
