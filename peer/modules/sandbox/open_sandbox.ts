/**
 * A module from a file, as the contract sees it: what it registers is called in its thread.
 *
 * @module
 */
import type {
  BlockPermutation,
  MiddlewareChain,
  ModuleRouter,
  OpenRedModule,
  PeerFrame,
  PeerRouter,
  RouteAnswer,
  RouteRequest,
} from "../../../modules/api.ts";
import type { ModuleWorkers } from "../../../ports/module_workers.ts";
import type { Clock } from "../../../ports/ports.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ManifestInput } from "../../../protocol/module_manifest.ts";
import { within } from "../../timing/within.ts";
import type { OpenedFile, OpenFile } from "../opened_file.ts";
import { GUEST_TEXT } from "./guest.ts";
import type { Hello } from "./guest_messages.ts";
import type { Packed } from "./packing.ts";
import { Sandbox } from "./sandbox.ts";

const HEAP_MIB = 64;
/** A module has to say what it registers by then. */
const HELLO_MS = 12_000;
const CALL_MS = 10_000;
/** The owner may have asked for something that takes longer. */
const ROUTE_MS = 30_000;
const PERMUTE_MS = 1_000;

export interface SandboxParts {
  readonly clock: Pick<Clock, "monotonicMs" | "setTimer">;
  readonly moduleWorkers: ModuleWorkers;
}

/**
 * Loads a file in a thread of its own.
 * @throws {OpenRedError} `bad_request` for a file that does not load, with why; `overloaded` where it takes too long.
 */
export async function openSandbox(
  { clock, moduleWorkers }: SandboxParts,
  { name, code, busy }: Parameters<OpenFile>[0],
): Promise<OpenedFile> {
  const sandbox = new Sandbox(clock, {
    start: (onMessage) =>
      moduleWorkers.start({ name, code, guest: GUEST_TEXT, heapMiB: HEAP_MIB, onMessage }),
    busy,
  });
  try {
    const late = new OpenRedError("overloaded", "The module did not load in time");
    const hello = await within(clock, { ms: HELLO_MS, late }, sandbox.hello);
    return openedFile(sandbox, hello);
  } catch (error) {
    await sandbox.end("not_loaded");
    throw error;
  }
}

function openedFile(sandbox: Sandbox, hello: Hello): OpenedFile {
  return {
    module: moduleOf(sandbox, hello),
    ended: sandbox.ended,
    terminate: async (why = "stopped", detail = "") => void await sandbox.end(why, detail),
    async tell(hook) {
      const op = hook.hook === "moved" ? "peerMoved" : "peerForgotten";
      await sandbox.call(op, { ...hook }, { timeoutMs: CALL_MS });
    },
  };
}

function moduleOf(sandbox: Sandbox, hello: Hello): OpenRedModule {
  return {
    manifest: hello.manifest as ManifestInput,
    registerRoutes: (router) => registerRoutes(sandbox, hello, router),
    registerPeerHandlers: (peers) => registerPeerHandlers(sandbox, hello, peers),
    registerCryptoMethods: (methods) => {
      for (const name of hello.methods) methods.method(name, permutationOf(sandbox, name));
    },
    registerMiddleware: (chain) => registerMiddleware(sandbox, hello, chain),
    async start(context) {
      sandbox.use(context);
      const { own, options, storage: { restoredAtMs } } = context;
      await sandbox.call("start", { own, options, restoredAtMs }, { timeoutMs: CALL_MS });
    },
    stop: async () => void await sandbox.call("stop", {}, { timeoutMs: CALL_MS }),
    sessionConfirmed: (peer) => {
      // Whoever is gone meanwhile is told at its next start.
      sandbox.call("sessionConfirmed", { peer }, { timeoutMs: CALL_MS }).catch(() => undefined);
    },
  };
}

function registerRoutes(sandbox: Sandbox, hello: Hello, router: ModuleRouter): void {
  for (const [index, { method, pattern }] of hello.routes.entries()) {
    router.route(method, pattern, (request) => callRoute(sandbox, index, request));
  }
}

async function callRoute(
  sandbox: Sandbox,
  index: number,
  { body, signal, ...request }: RouteRequest,
): Promise<RouteAnswer> {
  const options = { timeoutMs: ROUTE_MS, parts: [body], signal };
  const { message, parts } = await sandbox.call("route", { index, ...request }, options);
  const answer = message.value as RouteAnswer;
  return { ...answer, ...(parts[0] === undefined ? {} : { body: parts[0].slice() }) };
}

function registerPeerHandlers(sandbox: Sandbox, hello: Hello, peers: PeerRouter): void {
  for (const name of hello.frames) {
    peers.frame(name, {
      receive: async (frame) =>
        (await callFrame(sandbox, "frame", name, frame)).message.value === true,
    });
  }
  for (const name of hello.calls) {
    peers.call(name, async (frame) => {
      const { message, parts } = await callFrame(sandbox, "call", name, frame);
      const header = objectOf(message.value);
      return { header, body: parts[0]?.slice() ?? new Uint8Array() };
    });
  }
}

function callFrame(
  sandbox: Sandbox,
  op: "frame" | "call",
  name: string,
  { body, ...frame }: PeerFrame,
): Promise<Packed> {
  return sandbox.call(op, { name, ...frame }, { timeoutMs: CALL_MS, parts: [body] });
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new OpenRedError("internal", "The module answered with a header of another form");
}

function permutationOf(sandbox: Sandbox, name: string): BlockPermutation {
  const permute = async (inverse: boolean, block: Uint8Array, key: Uint8Array) => {
    const options = { timeoutMs: PERMUTE_MS, parts: [block, key] };
    const { parts } = await sandbox.call("permute", { name, inverse }, options);
    return parts[0]?.slice() ?? new Uint8Array();
  };
  return {
    forward: (block, key) => permute(false, block, key),
    inverse: (block, key) => permute(true, block, key),
  };
}

function registerMiddleware(sandbox: Sandbox, hello: Hello, chain: MiddlewareChain): void {
  for (let index = 0; index < hello.middleware; index++) {
    chain.use(async (call) => {
      await sandbox.call("middleware", { index, call }, { timeoutMs: CALL_MS });
    });
  }
}
