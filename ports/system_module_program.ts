/**
 * The text that a module's thread runs. The runtime lets a thread without permissions start from a text, but not from a
 * file; and a function's text is JavaScript by the time it is asked for.
 *
 * @module
 */
import {
  copyBytes,
  createHost,
  createQueue,
  createRealm,
  createTurns,
  type InnerOptions,
  main,
  strip,
} from "./system_module_inner.ts";
import { furnishRealm, lockRealm, openRealm } from "./system_module_realm.ts";

const FUNCTIONS = [copyBytes, createQueue, createHost, strip, createTurns, createRealm, main];

const PROGRAM = [
  `import { parentPort, workerData } from "node:worker_threads";`,
  `import machine from "node:vm";`,
  ...FUNCTIONS.map(String),
  // A bundler may have given it another name.
  `${main.name}(parentPort, workerData, machine);`,
].join("\n");

/** Where the thread's program is. */
export const INNER_URL = new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`);

/** The texts of the realm's functions. */
export const REALM_TEXTS: InnerOptions["realm"] = {
  lock: String(lockRealm),
  furnish: String(furnishRealm),
  open: String(openRealm),
};
