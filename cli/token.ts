/**
 * `openred-node token …`: the tokens that the node holds for its peers. Never a token itself.
 *
 * @module
 */
import { parsePeerRef } from "../protocol/peer_name.ts";
import type { TokensView, TokenView } from "../protocol/token_api.ts";
import { PEER_WORD, readPeer } from "./arguments.ts";
import { failure, usageError } from "./command_error.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import { noteMove } from "./moved_note.ts";
import { type OptionSpec, valueOption } from "./options.ts";
import { type Cell, idCell, type Output, shortId, showDuration, type Style } from "./output.ts";
import { peerCell } from "./peer_view.ts";
import { TIME_OPTIONS } from "./run_options.ts";
import { waitOption } from "./wait_option.ts";

const STYLES: Readonly<Record<TokenView["state"], Style>> = {
  unused: "green",
  taken: "cyan",
  unconfirmed: "yellow",
  spent: "dim",
  ended: "dim",
  revoked: "red",
};

const peerOption: OptionSpec<string | null> = valueOption<string | null>({
  flag: "peer",
  value: "PEER",
  summary: "only tokens for this peer",
  defaultText: "all",
  fallback: null,
  parse: (text) => {
    parsePeerRef(text);
    return text;
  },
});

const PAIR = /^[0-9a-f]{32}$/;

function readPair(word = ""): string {
  if (!PAIR.test(word)) throw usageError("<pair>: expected 32 digits, as 'token list' prints them");
  return word;
}

function endText(token: TokenView): string {
  return token.ends_in_ms > 0
    ? `in ${showDuration(token.ends_in_ms)}`
    : `${showDuration(-token.ends_in_ms)} ago`;
}

function tokenRow(token: TokenView): readonly Cell[] {
  return [
    peerCell(token.peer, token.petname),
    idCell(token.pair_id),
    { text: token.issuer === "peer" ? "peer" : shortId(token.issuer) },
    { text: token.role },
    { text: `${token.method}/${token.epoch}` },
    { text: token.state, style: STYLES[token.state] },
    { text: endText(token) },
  ];
}

async function printTokens(out: Output, view: TokensView): Promise<void> {
  if (view.tokens.length === 0) return await out.line("No tokens");
  const headings = ["PEER", "PAIR", "ISSUER", "ROLE", "METHOD/EPOCH", "STATE", "ENDS"];
  await out.table(headings, view.tokens.map(tokenRow));
}

async function printToken(out: Output, token: TokenView): Promise<void> {
  await out.pairs([
    ["Pair", { text: token.pair_id, style: "bold" }],
    ["Peer", token.petname == null ? token.peer : `${token.petname} (${token.peer})`],
    ["Issuer", token.issuer === "peer" ? "the two peers themselves" : token.issuer],
    ["Role", token.role],
    ["Method", `${token.method}, epoch ${token.epoch}`],
    ["State", { text: token.state, style: STYLES[token.state] }],
    ["Issued", out.instant(token.issued_at)],
    ["Ends", `${out.instant(token.ends_at)}, ${endText(token)}`],
    ["Handshakes", String(token.handshakes)],
    ["Session", token.session_id ?? "–"],
    ["Made by session", token.made_by ?? "–"],
  ]);
}

const listCommand = defineCommand({
  name: "token list",
  summary: "list the tokens of peers, the newest of each first",
  details:
    "States: unused; taken, once a handshake used it; unconfirmed, until the session that left\n" +
    "it is confirmed; spent; ended; revoked. Tokens themselves are never shown.",
  words: [],
  options: { ...TIME_OPTIONS, peer: peerOption },
  async run({ options, out, openNode }) {
    const view = await (await openNode()).tokens({ peer: options.peer });
    if (options.json) await out.json(view);
    else await printTokens(out, view);
  },
});

const showCommand = defineCommand({
  name: "token show",
  summary: "show what is known of one token",
  details: "Everything but the token.",
  words: [{ name: "pair", summary: "the pair's id, as 'token list' prints it" }],
  options: TIME_OPTIONS,
  async run({ options, words, out, openNode }) {
    const { tokens } = await (await openNode()).tokens({ pair: readPair(words[0]) });
    const [token] = tokens;
    if (token === undefined) throw failure("There is no token of this pair");
    if (options.json) await out.json(token);
    else await printToken(out, token);
  },
});

const renewCommand = defineCommand({
  name: "token renew",
  summary: "make a new session with a peer now, and new tokens with it",
  details: "Starts from a token the two have left; asks a directory if there is none.",
  words: [PEER_WORD],
  options: { ...TIME_OPTIONS, wait: waitOption(30) },
  async run({ options, words, out, err, openNode }) {
    const peer = readPeer(words[0]);
    const session = await (await openNode()).renewTokens({ peer, waitMs: options.wait * 1000 });
    await noteMove(err, { word: peer, peer: session.peer });
    if (options.json) return await out.json(session);
    await out.pairs([
      ["Renewed", { text: session.peer, style: "bold" }],
      ["Method", `${session.method}, epoch ${session.epoch}`],
      ["Session", session.session_id],
    ]);
  },
});

const revokeCommand = defineCommand({
  name: "token revoke",
  summary: "end the sessions with a peer and revoke its tokens",
  details: "A pair names its peer: all tokens of that go, not this one alone.\n" +
    "At once and for good, here; the peer is told, and what it keeps is refused. It can be\n" +
    "introduced again by a directory: 'peer block' keeps it away.",
  words: [{ name: "pair|peer", summary: "a pair's id, or a peer" }],
  options: TIME_OPTIONS,
  async run({ options, words, out, err, openNode }) {
    const [target = ""] = words;
    if (!PAIR.test(target)) readPeer(target);
    const node = await openNode();
    const { tokens: [token] } = PAIR.test(target)
      ? await node.tokens({ pair: target })
      : { tokens: [] };
    if (token !== undefined && !options.json) {
      const whom = token.petname ?? token.peer;
      const text = `A pair does not go alone: all sessions with ${whom} end, and all its tokens`;
      await err.line({ text, style: "yellow" });
    }
    const revoked = await node.revokeTokens(target);
    if (!PAIR.test(target)) await noteMove(err, { word: target, peer: revoked.peer });
    if (options.json) return await out.json(revoked);
    await out.pairs([
      ["Revoked", { text: revoked.peer, style: "bold" }],
      ["Sessions", String(revoked.sessions)],
      ["Tokens", String(revoked.tokens)],
    ]);
  },
});

export const TOKEN_COMMANDS: readonly NodeCommand[] = [
  listCommand,
  showCommand,
  renewCommand,
  revokeCommand,
];
