/**
 * The Worker around a module's thread. Only a Web Worker can be started without permissions, which its own threads then
 * have neither; and only a thread of `node:worker_threads` has a limit for its heap. It lets pass what a module may say,
 * and ends the thread when it says anything else, or nothing for too long.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { Worker as Thread } from "node:worker_threads";
import { MAX_MODULE_MESSAGE_BYTES, type ModuleEndCode } from "./module_workers.ts";
import type { OuterHears, OuterSays, OuterStart } from "./module_worker_messages.ts";
import { readModuleText } from "./module_text.ts";
import type { InnerHears, InnerOptions, InnerSays } from "./system_module_inner.ts";
import { INNER_URL, REALM_TEXTS } from "./system_module_program.ts";

/** What a module may have under way, and what may wait behind it. */
const QUEUE = {
  maxMessageBytes: MAX_MODULE_MESSAGE_BYTES,
  window: 32,
  maxQueuedMessages: 1_024,
  maxQueuedBytes: 8 * MAX_MODULE_MESSAGE_BYTES,
  maxTimers: 1_024,
} as const;

/** What young objects may take, beside the heap proper. The stack's limit stays: a larger one kills the process. */
const YOUNG_MIB = 4;

const END_CODES: ReadonlySet<string> = new Set(
  [
    "import_refused",
    "load_failed",
    "failed",
    "bad_message",
    "message_too_long",
    "flood",
    "unresponsive",
  ] satisfies ModuleEndCode[],
);

/** The module's thread, as the Worker around it sees it: what it says is believed only as far as it is checked. */
class ModuleThread {
  readonly #thread: Thread;
  readonly #limits: OuterStart["limits"];
  readonly #startedMs = performance.now();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #answeredMs = performance.now();
  #underWay = 0;
  #isLoaded = false;
  #isOver = false;

  constructor(options: InnerOptions, { heapMiB, limits }: OuterStart) {
    this.#limits = limits;
    this.#thread = new Thread(INNER_URL, {
      workerData: options,
      env: {},
      resourceLimits: {
        maxOldGenerationSizeMb: heapMiB,
        maxYoungGenerationSizeMb: YOUNG_MIB,
      },
    });
    this.#thread.on("message", (message: unknown) => this.#receive(message));
    this.#thread.on("messageerror", () => this.end("bad_message", "It cannot be read"));
    this.#thread.on("error", (error: Error & { code?: string }) => {
      const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.end(isFull ? "heap_full" : "failed", `${error.message}`);
    });
    this.#thread.on("exit", () => this.end("exited", "Its thread ended"));
    this.#heartbeat = setInterval(() => this.#beat(), limits.heartbeatMs);
  }

  send(message: InnerHears | ArrayBuffer): void {
    if (this.#isOver) return;
    if (message === "taken") this.#underWay -= 1;
    this.#thread.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  }

  /** Ends the thread, and says so when it is gone. */
  async end(why: ModuleEndCode, detail: string): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    await this.#thread.terminate();
    say({ kind: "end", why, detail: detail.slice(0, 500) });
  }

  #beat(): void {
    const nowMs = performance.now();
    if (nowMs - this.#answeredMs > this.#limits.unresponsiveMs) {
      void this.end("unresponsive", `It did not answer for ${this.#limits.unresponsiveMs} ms`);
    } else if (!this.#isLoaded && nowMs - this.#startedMs > this.#limits.startMs) {
      void this.end("start_timeout", `It did not start within ${this.#limits.startMs} ms`);
    } else {
      this.send("ping");
    }
  }

  #receive(message: unknown): void {
    if (this.#isOver) return;
    if (message instanceof ArrayBuffer) return this.#pass(message);
    const said = message as Partial<InnerSays> | null;
    if (said?.kind === "loaded") {
      this.#isLoaded = true;
      say({ kind: "loaded" });
    } else if (said?.kind === "alive" && typeof said.memoryBytes === "number") {
      this.#answeredMs = performance.now();
      say({ kind: "alive", memoryBytes: said.memoryBytes });
    } else if (said?.kind === "end" && END_CODES.has(`${said.why}`)) {
      void this.end(said.why as ModuleEndCode, `${said.detail}`);
    } else {
      void this.end("bad_message", "It posted something else than bytes");
    }
  }

  /** The thread's own gate does all this, unless the module got out of its realm. */
  #pass(message: ArrayBuffer): void {
    this.#underWay += 1;
    if (message.byteLength > MAX_MODULE_MESSAGE_BYTES) {
      void this.end("message_too_long", `The most is ${MAX_MODULE_MESSAGE_BYTES} bytes`);
    } else if (this.#underWay > QUEUE.window) {
      void this.end("flood", "It posted more than is taken from it");
    } else {
      self.postMessage(message, [message]);
    }
  }
}

function say(message: OuterSays): void {
  self.postMessage(message);
}

function start(options: OuterStart): ModuleThread | null {
  const text = readModuleText(options.code);
  if ("why" in text) {
    say({ kind: "end", ...text });
    return null;
  }
  const { name, guest, limits } = options;
  const { turnMs } = limits;
  return new ModuleThread(
    { name, guest, script: text.script, realm: REALM_TEXTS, turnMs, ...QUEUE },
    options,
  );
}

function serve(): void {
  let thread: ModuleThread | null = null;
  self.onmessage = ({ data }: MessageEvent<OuterHears>) => {
    if (data === "stop") void thread?.end("stopped", "Its owner ended it");
    else if (data === "taken" || data instanceof ArrayBuffer) thread?.send(data);
    else thread = start(data);
  };
  say({ kind: "ready" });
}

serve();
