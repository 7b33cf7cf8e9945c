/**
 * One process of the local network.
 *
 * @module
 */
import * as v from "valibot";
import { sanitizeLine } from "../../protocol/safe_text.ts";
import { withTimeout } from "./timeout.ts";

const KEPT_LOG_LINES = 40;
const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 20_000;

const readySchema = v.object({ url: v.string(), id: v.string() });
/** What a process says on standard output when it answers. */
export type Ready = v.InferOutput<typeof readySchema>;

export interface ChildOptions {
  readonly name: string;
  /** Program and its arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets every line the process writes to its log, made safe for a terminal. */
  readonly onLog: (line: string) => void;
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}

/** A running process that says `ready {"url":…,"id":…}` on standard output. */
export class Child {
  readonly name: string;
  /** Settles when the process has ended, however it did. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #logLines: string[] = [];
  readonly #ready = Promise.withResolvers<Ready>();
  readonly #output: Promise<unknown>;

  get pid(): number {
    return this.#process.pid;
  }

  /** Starts the process. */
  constructor(options: ChildOptions) {
    const [program = "", ...args] = options.command;
    this.name = options.name;
    this.#process = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ready.promise.catch(() => {});
    const keep = (line: string) => {
      const safe = sanitizeLine(line);
      this.#logLines.push(safe);
      if (this.#logLines.length > KEPT_LOG_LINES) this.#logLines.shift();
      options.onLog(safe);
    };
    this.#output = Promise.allSettled([
      readLines(this.#process.stdout, (line) => this.#takeLine(line)),
      readLines(this.#process.stderr, keep),
    ]);
    this.ended = this.#process.status.then(async (status) => {
      await this.#output;
      this.#ready.reject(new Error(`${this.name} ended with exit code ${status.code}`));
      return status;
    });
  }

  /**
   * Waits until the process answers.
   * @throws {Error} When it ended, or took too long, with its last log lines.
   */
  async untilReady(): Promise<Ready> {
    const what = `${this.name} to start`;
    try {
      return await withTimeout(this.#ready.promise, { timeoutMs: READY_TIMEOUT_MS, what });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : "";
      throw new Error(`Cannot start ${this.name}: ${why}\n${this.logTail()}`, { cause });
    }
  }

  /** The last lines of its log, indented. */
  logTail(): string {
    return this.#logLines.map((line) => `    ${line}`).join("\n");
  }

  /** Asks the process to stop; ends it if it does not. */
  async stop(): Promise<void> {
    this.#signal("SIGTERM");
    const stopped = withTimeout(this.ended, { timeoutMs: STOP_TIMEOUT_MS, what: this.name });
    await stopped.catch(() => this.kill());
  }

  /** Ends the process at once. */
  async kill(): Promise<void> {
    this.sendKill();
    await this.ended;
  }

  /** Ends the process at once, without waiting for it. */
  sendKill(): void {
    this.#signal("SIGKILL");
  }

  #signal(name: "SIGTERM" | "SIGKILL"): void {
    try {
      this.#process.kill(name);
    } catch (error) {
      // It has ended already: Deno 2.4 says so with a TypeError, later ones with NotFound.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #takeLine(line: string): void {
    if (!line.startsWith("ready ")) return;
    try {
      this.#ready.resolve(v.parse(readySchema, JSON.parse(line.slice("ready ".length))));
    } catch (cause) {
      this.#ready.reject(new Error(`${this.name} said something else than ready`, { cause }));
    }
  }
}
