/**
 * What a module's thread runs around its realm: it makes the realm, is the only way out of it, and takes away from
 * itself what could be of use to somebody who broke out. The functions here are not called: their text is run there.
 *
 * @module
 */
import type { Realm, RealmHost } from "./system_module_realm.ts";

/** What the outer thread gives the inner one. */
export interface InnerOptions {
  readonly name: string;
  /** The module's text as `readModuleText` made it. */
  readonly script: string;
  readonly guest: string;
  /** The texts of the functions of `system_module_realm.ts`. */
  readonly realm: { readonly lock: string; readonly furnish: string; readonly open: string };
  readonly maxMessageBytes: number;
  /** Messages on their way to the house at a time. */
  readonly window: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  readonly maxTimers: number;
  /** How long the module may run without giving its thread free, promise jobs included. */
  readonly turnMs: number;
}

/** What the inner thread says besides the messages of its module, which are buffers. */
export type InnerSays =
  | { readonly kind: "loaded" }
  | { readonly kind: "alive"; readonly memoryBytes: number }
  | { readonly kind: "end"; readonly why: string; readonly detail: string };

/** What it hears besides messages. `taken`: the house has one message less to take. */
export type InnerHears = "ping" | "taken";

type Say = (message: InnerSays | ArrayBuffer, transfer?: ArrayBuffer[]) => void;

/** The part of `node:vm` that is needed. */
interface Machine {
  createContext(object: object, options: object): object;
  runInContext(text: string, context: object, options?: object): unknown;
  readonly Script: new (text: string) => { runInContext(context: object, options: object): void };
}

/** Runs the module's code for a limited time. */
interface Turns {
  /** @param job Calls into the realm, and nothing else. */
  take(job: () => void): void;
  /** Evaluates the module's script. */
  evaluate(realm: Realm): void;
}

/** Messages of the module that wait until the house takes them. */
export interface InnerQueue {
  post(bytes: unknown): boolean;
  end(why: string, detail: string): false;
  taken(): void;
}

/**
 * Copies out of the realm what is a plain byte array there.
 * @returns `null` for anything else, objects that pretend included.
 */
export function copyBytes(
  bytes: unknown,
  maxBytes: number,
): Uint8Array<ArrayBuffer> | "too long" | null {
  const proto = Object.getPrototypeOf(Uint8Array.prototype);
  const read = (name: PropertyKey) =>
    Reflect.apply(Object.getOwnPropertyDescriptor(proto, name)!.get!, bytes, []);
  try {
    if (read(Symbol.toStringTag) !== "Uint8Array") return null;
    const length: number = read("length");
    if (length > maxBytes) return "too long";
    const copy = new Uint8Array(length);
    copy.set(bytes as Uint8Array);
    return copy;
  } catch {
    return null;
  }
}

export function createQueue(options: InnerOptions, say: Say): InnerQueue {
  const { maxMessageBytes, maxQueuedMessages, maxQueuedBytes } = options;
  const waiting: ArrayBuffer[] = [];
  let waitingBytes = 0;
  let underWay = 0;
  let isOver = false;
  const send = (buffer: ArrayBuffer) => {
    underWay += 1;
    say(buffer, [buffer]);
    return true;
  };
  const end = (why: string, detail: string): false => {
    if (!isOver) say({ kind: "end", why, detail: detail.slice(0, 500) });
    isOver = true;
    return false;
  };
  const post = (bytes: unknown): boolean => {
    if (isOver) return false;
    const copy = copyBytes(bytes, maxMessageBytes);
    if (copy === null) return end("bad_message", "It posted something else than a Uint8Array");
    if (copy === "too long") return end("message_too_long", `The most is ${maxMessageBytes} bytes`);
    if (underWay < options.window) return send(copy.buffer);
    waiting.push(copy.buffer);
    waitingBytes += copy.length;
    const isFull = waiting.length > maxQueuedMessages || waitingBytes > maxQueuedBytes;
    return !isFull || end("flood", "It posted more than is taken from it");
  };
  const taken = () => {
    underWay -= 1;
    const next = waiting.shift();
    if (next === undefined || isOver) return;
    waitingBytes -= next.byteLength;
    send(next);
  };
  return { post, end, taken };
}

/** What the realm may call. Each member is called bare, and takes and gives plain values or bytes of the realm. */
export function createHost(
  queue: InnerQueue,
  say: Say,
  world: {
    work(): void;
    fire(timer: number): void;
    newBytes(length: number): Uint8Array<ArrayBuffer>;
  },
): RealmHost {
  const timers = new Map<number, ReturnType<typeof setTimeout>>();
  const { setTimeout, clearTimeout } = globalThis;
  const encoder = new TextEncoder();
  const lenient = new TextDecoder();
  const strict = new TextDecoder("utf-8", { fatal: true });
  return {
    work: () => world.work(),
    post: (bytes) => queue.post(bytes),
    fail(why, detail) {
      const isImport = why === "load_failed" && /^SyntaxError: .*\bimport\b/.test(detail);
      queue.end(isImport ? "import_refused" : why, detail);
    },
    loaded: () => say({ kind: "loaded" }),
    startTimer(id, delayMs) {
      const fire = () => {
        timers.delete(id);
        world.fire(id);
      };
      timers.set(id, setTimeout(fire, delayMs));
    },
    stopTimer(id) {
      clearTimeout(timers.get(id));
      timers.delete(id);
    },
    encode(text) {
      const encoded = encoder.encode(text);
      const bytes = world.newBytes(encoded.length);
      bytes.set(encoded);
      return bytes;
    },
    decode(bytes, fatal) {
      const copy = copyBytes(bytes, Infinity);
      try {
        return copy === null ? null : (fatal ? strict : lenient).decode(copy as Uint8Array);
      } catch {
        return null;
      }
    },
  };
}

/**
 * Removes all that is not the language itself from the thread's own realm, and the ways from any function to code made
 * of text. Only somebody who got out of the module's realm could tell the difference.
 */
export function strip(languageNames: readonly string[]): void {
  const functions = [function () {}, async function () {}, function* () {}, async function* () {}];
  for (const one of functions) {
    Object.defineProperty(Object.getPrototypeOf(one), "constructor", { value: undefined });
  }
  // The runtime itself looks for the last one there, to hear messages.
  const kept = new Set([...languageNames, "queueMicrotask"]);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!kept.has(name) || name === "eval") Reflect.deleteProperty(globalThis, name);
  }
}

/**
 * Makes what limits the module's time. The engine itself stops code that goes on for too long; ending a thread from
 * outside may take it many seconds, or fail.
 */
export function createTurns(
  machine: Machine,
  options: InnerOptions,
  { context, queue }: { readonly context: object; readonly queue: InnerQueue },
): Turns & { work(): void } {
  const script = new machine.Script(`globalThis["openred turn"]()`);
  const timeout = options.turnMs;
  const nowMs = performance.now.bind(performance);
  const idle = () => {};
  let job = idle;
  /**
   * What was thrown is not looked at, as that could run the module's code again; only how long it took.
   * @returns Whether it is the engine that stopped the module.
   */
  const judge = (startedMs: number): boolean => {
    const isTimeout = nowMs() - startedMs >= timeout;
    if (isTimeout) queue.end("unresponsive", `It ran for more than ${timeout} ms at a stretch`);
    return isTimeout;
  };
  const take = (next: () => void) => {
    job = next;
    const startedMs = nowMs();
    try {
      script.runInContext(context, { timeout });
    } catch {
      if (!judge(startedMs)) queue.end("failed", "Its turn could not be brought to its end");
    } finally {
      job = idle;
    }
  };
  const evaluate = (realm: Realm) => {
    const startedMs = nowMs();
    let main: unknown;
    try {
      main = machine.runInContext(options.script, context, { filename: options.name, timeout });
    } catch (error) {
      if (!judge(startedMs)) take(() => realm.refuse(error));
      return;
    }
    take(() => realm.run(main));
  };
  // Once in a turn: whoever calls for it a second time would begin the same work anew.
  const work = () => {
    const now = job;
    job = idle;
    now();
  };
  return { take, evaluate, work };
}

/** Makes the realm, without the module in it. */
export function createRealm(
  run: (text: string) => unknown,
  options: InnerOptions,
  { queue, say, turns }: {
    readonly queue: InnerQueue;
    readonly say: Say;
    readonly turns: ReturnType<typeof createTurns>;
  },
) {
  const RealmBytes = run("Uint8Array") as Uint8ArrayConstructor;
  const evaluate = <T>(text: string) => run(`"use strict";(${text})`) as T;
  evaluate<() => void>(options.realm.lock)();
  let realm: Realm | null = null;
  const newBytes = (length: number) => new RealmBytes(length);
  const fireTimer = (timer: number) => turns.take(() => realm?.fire(timer));
  const host = createHost(queue, say, { work: turns.work, fire: fireTimer, newBytes });
  const { furnish, open } = options.realm;
  const fire = evaluate<(...values: unknown[]) => unknown>(furnish)(host, options.maxTimers);
  const guest = evaluate<unknown>(options.guest);
  realm = evaluate<(...values: unknown[]) => Realm>(open)(host, guest, fire);
  return { realm, newBytes };
}

/** The thread's end of the way to the Worker around it. */
interface ThreadPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  on(name: "message", hear: (message: InnerHears | ArrayBuffer) => void): void;
}

/** The whole thread. */
export function main(port: ThreadPort, options: InnerOptions, machine: Machine): void {
  const { memoryUsage } = Deno;
  // Older runtimes keep these in the global object, which is stripped below.
  const post = port.postMessage.bind(port);
  const say: Say = (message, transfer) => post(message, transfer ?? []);
  // Promise jobs are part of the turn that made them, so that they are timed with it.
  const context = machine.createContext(Object.create(null), {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: "afterEvaluate",
  });
  const run = (text: string) => machine.runInContext(text, context, { filename: "realm" });
  const queue = createQueue(options, say);
  const turns = createTurns(machine, options, { context, queue });
  const { realm, newBytes } = createRealm(run, options, { queue, say, turns });
  port.on("message", (message) => {
    if (message === "taken") return queue.taken();
    if (message === "ping") {
      const { heapUsed, external } = memoryUsage();
      return say({ kind: "alive", memoryBytes: heapUsed + external });
    }
    const bytes = newBytes(message.byteLength);
    bytes.set(new Uint8Array(message));
    turns.take(() => realm.deliver(bytes));
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    // The runtime would write it to the terminal.
    event.preventDefault();
    turns.take(() => realm.refuse(event.reason));
  });
  strip((run("Object.getOwnPropertyNames(globalThis).join()") as string).split(","));
  turns.evaluate(realm);
}
