/**
 * Processor time that processes have used.
 *
 * @module
 */

/** What Linux counts in, whatever its own clock does. */
const TICKS_PER_SECOND = 100;
/** Places of utime and stime behind the process' name in `/proc/<pid>/stat`. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** Seconds of processor time that a process and its threads have used, to 10 ms; `null` where nothing tells. */
export function cpuSecondsOf(pid: number): number | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && Deno.build.os !== "linux") return null;
    throw error;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) / TICKS_PER_SECOND;
}

/**
 * Runs something and tells how much processor time other processes used meanwhile.
 * @returns Seconds, `NaN` where nothing tells.
 */
export async function cpuSecondsDuring(
  pids: readonly number[],
  run: () => Promise<void>,
): Promise<number> {
  const before = pids.map(cpuSecondsOf);
  await run();
  return pids.reduce(
    (sum, pid, at) => sum + ((cpuSecondsOf(pid) ?? NaN) - (before[at] ?? NaN)),
    0,
  );
}
