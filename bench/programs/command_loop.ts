/**
 * The other end of `bench/child.ts`: runs commands that come as lines on standard input.
 *
 * @module
 */
import { TextLineStream } from "../text_lines.ts";

/** The commands of a program, by name. */
export type Commands = Readonly<Record<string, (argument: never) => Promise<unknown> | unknown>>;

function answer(id: number, content: { result: unknown } | { error: string }): void {
  const bytes = new TextEncoder().encode(JSON.stringify({ id, ...content }) + "\n");
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function runOne(commands: Commands, line: string): Promise<void> {
  const { id, command, argument } = JSON.parse(line);
  try {
    const run = commands[command];
    if (run === undefined) throw new Error(`There is no command ${command}`);
    answer(id, { result: await run(argument as never) ?? null });
  } catch (error) {
    answer(id, { error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
}

/** Runs commands until standard input ends. */
export async function runCommands(commands: Commands): Promise<void> {
  for await (const line of Deno.stdin.readable.pipeThrough(new TextLineStream())) {
    void runOne(commands, line);
  }
}
