/**
 * Load by `wrk`, which costs far less than a generator of ours and competes less with what it measures.
 *
 * @module
 */
import { cpuSecondsDuring } from "./process_cpu.ts";

const CONNECTIONS = 32;
const SCRIPT = new URL("./programs/wrk_requests.lua", import.meta.url).pathname;
const MICROSECONDS = 1_000_000;

/** What a run measured. */
export interface WrkSample {
  readonly perSecond: number;
  /** Of the server, microseconds a request. */
  readonly serverCpu: number;
}

/** A server under load. */
export interface WrkTarget {
  readonly pid: number;
  readonly port: number;
}

export interface WrkRun {
  /** Sent in turn, over and over. */
  readonly requests: readonly Uint8Array[];
  /** Whether answers are to be 2xx; otherwise none may be. */
  readonly isFound: boolean;
  readonly seconds: number;
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

async function writeRequests(file: string, requests: readonly Uint8Array[]): Promise<void> {
  const encoder = new TextEncoder();
  const parts = requests.flatMap((bytes) => [encoder.encode(`${bytes.length}\n`), bytes]);
  await Deno.writeFile(file, new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()));
}

async function runWrk(port: number, options: { file: string; seconds: number }): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("wrk", {
    args: [
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${options.seconds}s`,
      "-s",
      SCRIPT,
      `http://127.0.0.1:${port}`,
    ],
    env: { REQUESTS: options.file },
  }).output();
  if (code !== 0) throw new Error(`wrk failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/**
 * Has `wrk` load a server from 32 connections.
 * @throws {Error} Where an answer was not what was expected.
 */
export async function measureByWrk(target: WrkTarget, run: WrkRun): Promise<WrkSample> {
  const file = await Deno.makeTempFile({ prefix: "openred-bench-" });
  try {
    await writeRequests(file, run.requests);
    let text = "";
    const seconds = await cpuSecondsDuring([target.pid], async () => {
      text = await runWrk(target.port, { file, seconds: run.seconds });
    });
    const count = numberIn(text, /(\d+) requests in /);
    const refused = numberIn(text, /Non-2xx or 3xx responses: (\d+)/);
    if (count === 0 || /Socket errors/.test(text) || refused !== (run.isFound ? 0 : count)) {
      throw new Error(`Unexpected answers: ${text}`);
    }
    return {
      perSecond: numberIn(text, /Requests\/sec:\s+([\d.]+)/),
      serverCpu: seconds / count * MICROSECONDS,
    };
  } finally {
    await Deno.remove(file);
  }
}
