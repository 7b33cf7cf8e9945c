/**
 * The real directory in a process of its own.
 *
 * @module
 */
import { TextLineStream } from "./text_lines.ts";

const NO_LIMITS = [
  "address-per-minute",
  "identity-per-minute",
  "host-in-flight",
  "host-per-minute",
  "ids-per-host",
  "new-ids-per-address",
  "ids",
  "concurrent",
].flatMap((name) => [`--${name}`, "0"]);

/** How a directory is started; by default on a new data directory. */
export interface CentralOptions {
  /** A data directory that stays when the directory ends. */
  readonly data?: string;
  readonly args?: readonly string[];
}

/** A running `central.ts` without limits. */
export class CentralProcess implements AsyncDisposable {
  readonly url: string;
  readonly id: string;
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  /** To be removed at the end, if it is not the caller's. */
  readonly #data: string | null;

  private constructor(
    process: Deno.ChildProcess,
    options: { data: string | null; ready: { url: string; id: string } },
  ) {
    this.#process = process;
    this.#data = options.data;
    this.url = options.ready.url;
    this.id = options.ready.id;
    this.pid = process.pid;
  }

  /** @throws {Error} If it ends before it is ready. */
  static async start(options: CentralOptions = {}): Promise<CentralProcess> {
    const own = options.data === undefined
      ? await Deno.makeTempDir({ prefix: "openred-bench-" })
      : null;
    const data = options.data ?? own!;
    const file = new URL("../central.ts", import.meta.url).href;
    const words = ["run", "--json", "--listen", "127.0.0.1:0", "--data", data, "--allow-private"];
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "-A",
        file,
        ...words,
        ...NO_LIMITS,
        ...options.args ?? [],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = new Response(process.stderr).text();
    for await (const line of process.stdout.pipeThrough(new TextLineStream())) {
      if (!line.startsWith("ready ")) continue;
      return new CentralProcess(process, {
        data: own,
        ready: JSON.parse(line.slice("ready ".length)),
      });
    }
    throw new Error(`The directory did not start: ${await log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    if (this.#data !== null) await Deno.remove(this.#data, { recursive: true });
  }
}
