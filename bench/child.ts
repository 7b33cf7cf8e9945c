/**
 * A process of a benchmark that does what it is told, one JSON line at a time.
 *
 * @module
 */
import { TextLineStream } from "./text_lines.ts";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** What a program answers to one line. */
interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A running program of `bench/programs/`. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #lastId = 0;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    this.#ended = this.#readAnswers();
  }

  /** Starts a program of `bench/programs/` by its file name. */
  static start(program: string): Child {
    const file = new URL(`./programs/${program}`, import.meta.url);
    const flags = ["run", "--quiet", "--no-prompt", "-A"];
    return new Child(
      new Deno.Command(Deno.execPath(), {
        args: [...flags, file.href],
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      }).spawn(),
    );
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Has the program run one of its commands.
   * @throws {Error} What the command threw, or that the program has ended.
   */
  async call<T>(command: string, argument: unknown = null): Promise<T> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const line = JSON.stringify({ id, command, argument }) + "\n";
    await this.#writer.write(new TextEncoder().encode(line));
    return await promise as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#ended;
    await this.#process.status;
  }

  async #readAnswers(): Promise<void> {
    for await (const line of this.#process.stdout.pipeThrough(new TextLineStream())) {
      const { id, result, error } = JSON.parse(line) as Answer;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    }
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new Error("A process of the benchmark has ended"));
    }
  }
}
