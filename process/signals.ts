/**
 * What signals mean to both programs.
 *
 * @module
 */

/** How a shell names the end by an interruption. */
const EXIT_INTERRUPTED = 130;

/**
 * Whether somebody sits before this program. When their terminal goes, it is told by a signal, and ends; `nohup` and
 * supervisors give it no terminal, and there the signal ends nothing.
 */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/** The first interruption asks for an end; the second one is the end, after `onExit`. */
export function stopOnSignals(stop: AbortController, onExit: () => void = () => {}): void {
  const end = () => {
    if (!stop.signal.aborted) return stop.abort();
    onExit();
    Deno.exit(EXIT_INTERRUPTED);
  };
  if (Deno.build.os === "windows") {
    for (const name of ["SIGINT", "SIGBREAK"] as const) Deno.addSignalListener(name, end);
    return;
  }
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, end);
  const isSeen = hasTerminal();
  Deno.addSignalListener("SIGHUP", () => isSeen && end());
}
