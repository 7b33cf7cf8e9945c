/**
 * Questions to a person on a terminal.
 *
 * @module
 */

const MAX_ANSWER_BYTES = 4_096;
const LINE_FEED = 0x0a;

/**
 * Asks on standard error and reads a line of standard input, as the terminal lets it be edited.
 * @returns The line without its end, or what was typed before the end of the input; `null` unless both are a terminal.
 */
export async function askLine(question: string): Promise<string | null> {
  if (!Deno.stdin.isTerminal() || !Deno.stderr.isTerminal()) return null;
  Deno.stderr.writeSync(new TextEncoder().encode(question));
  const typed: number[] = [];
  const chunk = new Uint8Array(1);
  while (typed.length < MAX_ANSWER_BYTES) {
    const count = await Deno.stdin.read(chunk);
    if (count === null || chunk[0] === LINE_FEED) break;
    typed.push(chunk[0]!);
  }
  return new TextDecoder().decode(Uint8Array.from(typed)).replace(/\r$/, "");
}
