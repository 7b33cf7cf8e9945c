/**
 * Waiting between two looks.
 *
 * @module
 */
import type { CommandContext } from "./command.ts";
import type { OptionSpecs } from "./options.ts";

/** Resolves when the time is over, or the person has pressed Ctrl-C. */
export function pause(
  ms: number,
  { clock, signal }: Pick<CommandContext<OptionSpecs>, "clock" | "signal">,
): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.setTimer(ms, end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
