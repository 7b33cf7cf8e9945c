/**
 * `openred-node auth`: the owner's factors, from the shell.
 *
 * @module
 */
import type { FactorView } from "../protocol/sign_in_api.ts";
import { failure, usageError } from "./command_error.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import { switchOption } from "./options.ts";
import { type Cell, type Output } from "./output.ts";
import { ask, isYes } from "./question.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const NOTHING_CHANGED = "Nothing was changed";

const KINDS: Readonly<Record<FactorView["kind"], string>> = {
  passkey: "passkey",
  totp: "authenticator app",
  password: "password",
  recovery: "recovery codes",
};

const listCommand = defineCommand({
  name: "auth list",
  summary: "show the factors, and the browsers that are signed in",
  details: "Factors are enrolled in the console: openred-node open.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).authentication();
    if (options.json) return await out.json(view);
    if (view.factors.length === 0) {
      await out.line("No factor is enrolled; the link of 'open' signs in");
    } else await listFactors(out, view.factors);
    if (view.sessions.length === 0) return;
    const rows = view.sessions.map(({ role, started_at, seen_at, agent }): Cell[] => [
      { text: role },
      { text: out.instant(started_at) },
      { text: out.instant(seen_at) },
      { text: agent },
    ]);
    await out.table(["SIGNED IN", "SINCE", "SEEN", "BROWSER"], rows);
  },
});

async function listFactors(out: Output, factors: readonly FactorView[]): Promise<void> {
  const rows = factors.map(({ kind, name, created_at, used_at }): Cell[] => [
    { text: KINDS[kind] },
    { text: out.instant(created_at) },
    { text: used_at === null ? "never" : out.instant(used_at) },
    { text: name },
  ]);
  await out.table(["FACTOR", "ENROLLED", "USED", "NAME"], rows);
}

const resetCommand = defineCommand({
  name: "auth reset",
  summary: "take all factors away, and sign all browsers out",
  details:
    "For an owner who has lost them. The next link of 'openred-node open' signs in by itself.\n" +
    "It is noted in the audit log.",
  words: [],
  options: { ...TIME_OPTIONS, yes: switchOption({ flag: "yes", summary: "ask nothing" }) },
  async run(context) {
    const { options, out, openNode } = context;
    const node = await openNode();
    if (!options.yes) {
      const question = "Take all factors away, and sign all browsers out? [y/N] ";
      const answer = await ask(context, { question, otherwise: NOTHING_CHANGED });
      if (answer === null) throw usageError("--yes: say so where nobody can be asked");
      if (!isYes(answer)) throw failure(NOTHING_CHANGED);
    }
    const { removed, ended } = await node.resetAuthentication();
    if (options.json) return await out.json({ removed, ended });
    await out.line(`Factors taken away: ${removed}; browsers signed out: ${ended}`);
  },
});

export const AUTH_COMMANDS: readonly NodeCommand[] = [listCommand, resetCommand];
