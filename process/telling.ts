/**
 * What a service says on its standard streams.
 *
 * @module
 */

/** Writes for a person or a program that may have gone; a service does not end for that. */
export function tell(stream: typeof Deno.stdout, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads it, or there is no room for it.
  }
}
