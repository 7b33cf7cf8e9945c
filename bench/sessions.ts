/**
 * Many sessions: renewing a thousand of them, and the memory that an idle one takes.
 *
 * @module
 */
import { NodeProcesses } from "./node_processes.ts";
import { printAim, printNote, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";

const PAIRS = 16;
const RENEWALS = 1_000;
const RENEWALS_QUICK = 64;
const IDLE_SESSIONS = 1_000;
const IDLE_SESSIONS_QUICK = 100;
const KIB = 1_024;

async function secondsToRenew(processes: NodeProcesses, renewals: number): Promise<number> {
  const startMs = performance.now();
  const each = Math.ceil(renewals / PAIRS);
  const count = await processes.a.call<number>("callAll", { first: 0, each });
  return (performance.now() - startMs) / 1_000 * renewals / count;
}

async function bytesOfIdleSession(sessions: number): Promise<number> {
  const program = new URL("./programs/idle_sessions.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "-A",
      "--v8-flags=--expose-gc",
      program,
      String(sessions),
    ],
    stderr: "inherit",
  }).output();
  const bytes = Number(new TextDecoder().decode(stdout));
  if (!success || !(bytes > 0)) throw new Error("The program with the idle sessions failed");
  return bytes;
}

async function run({ rounds, isQuick }: Settings): Promise<void> {
  const renewals = isQuick ? RENEWALS_QUICK : RENEWALS;
  const idle = isQuick ? IDLE_SESSIONS_QUICK : IDLE_SESSIONS;
  const seconds: number[] = [];
  await using processes = await NodeProcesses.start({ count: PAIRS, isDurable: true });
  await secondsToRenew(processes, PAIRS);
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    seconds.push(await secondsToRenew(processes, renewals));
  }
  const bytes: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    bytes.push(await bytesOfIdleSession(idle));
  }
  printTitle("sessions", "many of them");
  printAim(`renewal of ${renewals} sessions on standby pairs`, seconds, {
    unit: "s",
    digits: 2,
    aim: { atMost: 5 * renewals / RENEWALS },
  });
  printAim("memory of one idle session", bytes.map((value) => value / KIB), {
    unit: "KiB",
    digits: 1,
    aim: { atMost: 20 },
  });
  printNote(
    "keys, counters and windows in the core, the session, its spent pair, four standby pairs",
  );
}

/** Renewals, and memory. */
export const sessions: Benchmark = { name: "sessions", run };
