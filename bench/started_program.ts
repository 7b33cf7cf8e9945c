/**
 * A program from its start until it says that it is ready, and what it keeps resident after that.
 *
 * @module
 */
import { cpuSecondsOf } from "./process_cpu.ts";
import { TextLineStream } from "./text_lines.ts";

/** One start. */
export interface Start {
  /** Until the line `ready …`, by the clock. */
  readonly readyMs: number;
  /** The processor time until then, of all threads. */
  readonly cpuMs: number;
  /** What the program itself says of Argon2id; 0 where it has none. */
  readonly stretchMs: number;
  readonly residentMiB: number;
}

const MILLISECONDS = 1_000;
const KIB_PER_MIB = 1_024;

/** What a process keeps resident now. */
export function residentMiBOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / KIB_PER_MIB;
}

/** The sum of what the log says that keys cost to derive. */
async function readStretchMs(log: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<number> {
  let sum = 0;
  for await (const line of log.pipeThrough(new TextLineStream())) {
    if (line.includes('"keys_opened"')) sum += JSON.parse(line).stretch_ms;
  }
  return sum;
}

/**
 * Starts a program, waits until it is ready, lets it lie, and ends it.
 * @param words What follows `deno run`, or the binary.
 * @param options `binary`: its path, where it is not run from source; `restMs`: how long it lies before its memory is read; `whileReady` is given what the line says, before that.
 * @throws {Error} If it ends before it is ready.
 */
export async function startOnce(
  words: readonly string[],
  options: {
    readonly binary?: string;
    readonly restMs: number;
    readonly whileReady?: (said: Readonly<Record<string, string>>) => Promise<void>;
  },
): Promise<Start> {
  const startMs = performance.now();
  const process = new Deno.Command(options.binary ?? Deno.execPath(), {
    args: options.binary === undefined
      ? ["run", "--quiet", "--no-prompt", "-A", ...words]
      : [...words],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stretching = readStretchMs(process.stderr);
  const lines = process.stdout.pipeThrough(new TextLineStream()).getReader();
  let said: string | undefined;
  while (said === undefined) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`${words[0]} ended before it was ready`);
    if (value.startsWith("ready ")) said = value.slice("ready ".length);
  }
  const readyMs = performance.now() - startMs;
  const cpuMs = (cpuSecondsOf(process.pid) ?? NaN) * MILLISECONDS;
  if (options.whileReady !== undefined) {
    await options.whileReady(said.startsWith("{") ? JSON.parse(said) : {});
  }
  await new Promise((resolve) => setTimeout(resolve, options.restMs));
  const residentMiB = residentMiBOf(process.pid);
  process.kill("SIGTERM");
  await process.status;
  await lines.cancel();
  return { readyMs, cpuMs, stretchMs: await stretching, residentMiB };
}
