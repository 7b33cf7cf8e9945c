/**
 * What code in a Worker tries that wants to break out.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { Worker as Thread } from "node:worker_threads";
import { heldCaches } from "./held_caches.ts";

// Not a literal, so that no loader puts the file into the Worker's module graph.
const localFile = new URL(["..", "contract", "crypto_core_world.ts"].join("/"), import.meta.url);

/** Where somebody really listens. */
const port = Number(new URL(self.location.href).searchParams.get("port"));

function connectNode(): Promise<void> {
  return new Promise((resolve, reject) => {
    connect({ host: "127.0.0.1", port }, resolve).on("error", reject);
  });
}

const attempts: Readonly<Record<string, () => unknown>> = {
  "fetch": () => fetch(`http://127.0.0.1:${port}/`),
  "Deno.connect": () => Deno.connect({ hostname: "127.0.0.1", port }),
  "Deno.listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  "Deno.resolveDns": () => Deno.resolveDns("localhost", "A"),
  "WebSocket": () => new WebSocket(`ws://127.0.0.1:${port}/`),
  "node:net": connectNode,
  "Deno.readTextFile": () => Deno.readTextFile(localFile),
  "node:fs": () => readFileSync(localFile),
  "Deno.writeTextFile": () => Deno.writeTextFile("/tmp/openred-probe", "x"),
  "Deno.stat": () => Deno.stat("/"),
  "Deno.env": () => Deno.env.get("HOME"),
  "Deno.hostname": () => Deno.hostname(),
  "Deno.Command": () => new Deno.Command("/bin/true").output(),
  "node:child_process": () => execFileSync("/bin/true"),
  "Deno.dlopen": () => Deno.dlopen("libc.so.6", {}),
  "dynamic import": () => import(localFile.href),
  "import of a package": () => import(["npm:", "openred-nobody-has-this-name", "@1.0.0"].join("")),
  "import of a text": () => import(["data:", "text/javascript,export default 1"].join("")),
  "the Cache API": () => caches.open("openred-probe"),
  "CacheStorage": () => CacheStorage.prototype.open.call(heldCaches, "openred-probe"),
  "a Worker": () => new Worker("data:application/javascript,", { type: "module" }),
  "node:worker_threads": () => new Thread(new URL("data:application/javascript,")),
  "a Worker with more permissions": () =>
    new Worker("data:application/javascript,", {
      type: "module",
      deno: { permissions: { net: true } },
    }),
};

/** Tries all of it. @returns The name of what each attempt threw, or `"succeeded"`. */
export async function probe(): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      outcomes[name] = "succeeded";
    } catch (error) {
      outcomes[name] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }
  return outcomes;
}
