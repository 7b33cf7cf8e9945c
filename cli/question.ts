/**
 * Questions to the person at the terminal, which Ctrl-C ends at once.
 *
 * @module
 */
import type { CommandContext } from "./command.ts";
import { unlessStopped } from "./interruption.ts";
import type { OptionSpecs } from "./options.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

export type Asking = Pick<CommandContext<OptionSpecs>, "askLine" | "signal" | "err">;

/**
 * Asks for one line.
 * @param otherwise What to say where the command is stopped instead: nothing was done.
 * @returns The answer without blanks around it, or `null` where nobody can be asked.
 * @throws {CommandError} Exit code 130.
 */
export async function ask(
  { askLine, signal, err }: Asking,
  { question, otherwise }: { readonly question: string; readonly otherwise: string },
): Promise<string | null> {
  const answer = askLine(sanitizeLine(question));
  const typed = await unlessStopped(signal, otherwise, answer).catch(async (error) => {
    // The question is still without its line end.
    await err.line();
    throw error;
  });
  return typed?.trim() ?? null;
}

export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer);
}
