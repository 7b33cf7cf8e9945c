/**
 * `openred-node auth challenge|pending|approve|deny|mute`: factors between nodes.
 *
 * @module
 */
import { FACTOR_LEVELS, type FactorLevel, purposeSchema } from "../protocol/factor_level.ts";
import type { GivenFactor } from "../protocol/sign_in_api.ts";
import * as v from "valibot";
import { PEER_WORD, readPeer } from "./arguments.ts";
import { failure, usageError } from "./command_error.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import { switchOption, valueOption } from "./options.ts";
import { parseChoice, parseInteger } from "./option_values.ts";
import { idCell, showDuration } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const NUMBER_WORD = { name: "number", summary: "the number that 'auth pending' shows" };

function parsePurpose(text: string): string {
  if (!v.is(purposeSchema, text)) {
    throw new RangeError("expected one line of 1 to 120 characters, all of them visible");
  }
  return text;
}

function readNumber(word: string | undefined): number {
  try {
    return parseInteger(word ?? "", { min: 1, max: Number.MAX_SAFE_INTEGER });
  } catch {
    throw usageError("<number>: expected the number that 'openred-node auth pending' shows");
  }
}

const challengeCommand = defineCommand({
  name: "auth challenge",
  summary: "ask a peer's owner for a fresh factor",
  details:
    "Waits for at most two minutes. The peer has to allow this node 'auth'. What comes back is\n" +
    "the word of the peer's node: whoever holds its keys can give it as well.",
  words: [PEER_WORD],
  options: {
    ...COMMON_OPTIONS,
    level: valueOption<FactorLevel>({
      flag: "level",
      value: FACTOR_LEVELS.join("|"),
      summary: "what is asked for: somebody there, a code or a passkey, a passkey",
      defaultText: "totp",
      fallback: "totp",
      parse: (text) => parseChoice(text, FACTOR_LEVELS),
    }),
    purpose: valueOption<string | null>({
      flag: "purpose",
      value: "LINE",
      summary: "what it is for, as the other owner reads it",
      defaultText: "none",
      fallback: null,
      parse: parsePurpose,
    }),
  },
  async run({ options, words, out, openNode }) {
    const { level, purpose, json } = options;
    const peer = readPeer(words[0]);
    if (purpose === null) throw usageError("--purpose: say what it is for");
    const shown = await (await openNode()).challenge({ peer, level, purpose });
    if (json) return await out.json(shown);
    await out.line(
      `The peer's node says that its owner has just shown: ${shown.factors.join(", ")}`,
    );
  },
});

const pendingCommand = defineCommand({
  name: "auth pending",
  summary: "show the peers that ask for a factor of yours",
  details: "What stands in quotes are the peer's words.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, clock, openNode }) {
    const view = await (await openNode()).challenges();
    if (options.json) return await out.json(view);
    if (view.challenges.length === 0) return await out.line("Nobody asks");
    for (const { id, peer, petname, purpose, level, module, expires_at } of view.challenges) {
      const left = showDuration(expires_at - clock.nowMs());
      await out.line(
        { text: `${id}  `, style: "bold" },
        { text: petname ?? "", style: "bold" },
        petname === null ? "" : "  ",
        idCell(peer, "cyan"),
        `  wants: ${level}, for ${left}`,
      );
      await out.line(`   “${purpose}” (${module})`);
    }
  },
});

/** A code has six digits; anything else is the password. */
function factorOf(typed: string): GivenFactor {
  const digits = typed.replace(/\s/g, "");
  return /^\d{6}$/.test(digits) ? { totp: digits } : { password: typed };
}

const approveCommand = defineCommand({
  name: "auth approve",
  summary: "show a peer a factor that it asks for",
  details:
    "Asks for a code of your app, or your password where that is enough. A passkey is shown in\n" +
    "the console: openred-node open.",
  words: [NUMBER_WORD],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode, askSecret }) {
    const id = readNumber(words[0]);
    const node = await openNode();
    const asked = (await node.challenges()).challenges.find((one) => one.id === id);
    if (asked === undefined) throw failure("Nobody asks under this number, or not any more");
    if (asked.level === "passkey") {
      throw failure(
        "The peer asks for a passkey, which is shown in the console: openred-node open",
      );
    }
    if (!options.json) {
      await out.line({ text: asked.petname ?? "", style: "bold" }, " ", idCell(asked.peer, "cyan"));
      await out.line(`“${asked.purpose}” (${asked.module})`);
    }
    const typed = await askSecret("Code: ");
    if (typed === null) throw usageError("<number>: a code is asked for, which takes a terminal");
    const factor = factorOf(new TextDecoder().decode(typed));
    typed.fill(0);
    const answer = await node.answerChallenge({ id, approve: true, factor });
    if (options.json) await out.json(answer);
    else await out.line("The peer was told");
  },
});

const denyCommand = defineCommand({
  name: "auth deny",
  summary: "refuse a peer the factor that it asks for",
  details: "The peer learns no more than that you have not agreed.",
  words: [NUMBER_WORD],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const id = readNumber(words[0]);
    const answer = await (await openNode()).answerChallenge({ id, approve: false });
    if (options.json) await out.json(answer);
    else await out.line("The peer was refused");
  },
});

const muteCommand = defineCommand({
  name: "auth mute",
  summary: "hear nothing more of what a peer asks",
  details: "To the peer it looks as if you had refused.",
  words: [PEER_WORD],
  options: { ...COMMON_OPTIONS, off: switchOption({ flag: "off", summary: "hear of it again" }) },
  async run({ options, words, out, openNode }) {
    const muted = !options.off;
    const answer = await (await openNode()).muteChallenges({ peer: readPeer(words[0]), muted });
    if (options.json) await out.json(answer);
    else await out.line(muted ? "The peer is not heard any more" : "The peer is heard again");
  },
});

export const AUTH_CHALLENGE_COMMANDS: readonly NodeCommand[] = [
  challengeCommand,
  pendingCommand,
  approveCommand,
  denyCommand,
  muteCommand,
];
