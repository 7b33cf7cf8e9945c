/**
 * An error with all that lies behind it, which the runtime's own report leaves out.
 *
 * @module
 */

/** Every error's stack: its causes, and for one of a disposal both that it stands for. */
export function tellWhole(error: unknown, label = ""): string {
  if (!(error instanceof Error)) return `${label}${Deno.inspect(error)}`;
  const lines = [`${label}${error.stack ?? error.message}`];
  if (error instanceof SuppressedError) {
    lines.push(tellWhole(error.suppressed, "It failed with: "));
    lines.push(tellWhole(error.error, "Clearing up failed with: "));
  }
  if (error instanceof AggregateError) {
    lines.push(...error.errors.map((one) => tellWhole(one, "One of them: ")));
  }
  if (error.cause !== undefined) lines.push(tellWhole(error.cause, "Because: "));
  return lines.join("\n");
}
