/**
 * Shuts, in the Worker that holds the core, the ways out that its missing permissions leave open: run from source, the
 * runtime would fetch packages for `import("npm:…")`, and write what is put into the Cache API to the disk. Imported
 * before everything else there. Compiled programs fetch nothing, and older runtimes have no hook for imports.
 *
 * @module
 */
import * as nodeModule from "node:module";
import { Worker as Thread } from "node:worker_threads";

function refuse(): never {
  throw new Error("Nothing leaves the crypto worker");
}

/** Where code can come from that is neither part of the program nor of the runtime. */
const ELSEWHERE = /^(npm|jsr|https?|data|blob):/;

type Resolve = (specifier: string, context: unknown) => unknown;

interface Hooks {
  resolve(specifier: string, context: unknown, next: Resolve): unknown;
}

function refuseImports(): void {
  const { registerHooks } = nodeModule as { registerHooks?(hooks: Hooks): unknown };
  registerHooks?.({
    resolve: (specifier, context, next) =>
      ELSEWHERE.test(specifier) ? refuse() : next(specifier, context),
  });
}

/** A Worker of its own would begin without the hook. Every such constructor calls what it inherits from. */
function refuseWorkers(): void {
  for (const constructor of [globalThis.Worker, Thread]) {
    Object.setPrototypeOf(constructor, refuse);
    Object.preventExtensions(constructor);
  }
}

function refuseCaches(): void {
  for (const name of ["open", "has", "delete"] as const) {
    Object.defineProperty(CacheStorage.prototype, name, {
      value: refuse,
      writable: false,
      configurable: false,
    });
  }
  Reflect.deleteProperty(globalThis, "caches");
}

refuseImports();
refuseWorkers();
refuseCaches();
