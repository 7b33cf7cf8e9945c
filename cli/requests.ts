/**
 * `openred-node requests`, and what `accept` and `decline` do with them.
 *
 * @module
 */
import type { RequestsWaitingView } from "../protocol/messaging_api.ts";
import type { OffersView } from "../protocol/file_sharing_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { CommandError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { parsePetname } from "../protocol/peer_name.ts";
import { valueOption } from "./options.ts";
import { idCell } from "./output.ts";
import { claimCell } from "./peer_view.ts";
import { TIME_OPTIONS } from "./run_options.ts";

/** One stranger that asks to be in touch. */
interface ContactRequest {
  readonly peer: string;
  /** What it calls itself; `null` also where it is gone. */
  readonly alias: string | null;
  readonly connected: boolean;
  readonly messages: number;
  readonly last_at: number | null;
}

/** What a module answers, or `null` where it does not run. */
async function unlessOff<T>(asking: Promise<T>): Promise<T | null> {
  return await asking.catch((error) => {
    if (error instanceof CommandError) return null;
    throw error;
  });
}

/** Those that have met the node and those that left a message; a message outlives the meeting. */
async function readRequests(node: AdminClient): Promise<readonly ContactRequest[]> {
  const { requests: met } = await node.requests();
  const waiting = await unlessOff(node.messaging<RequestsWaitingView>("GET", "/requests"));
  const byPeer = new Map<string, ContactRequest>();
  for (const request of met) {
    byPeer.set(request.peer, { ...request, messages: 0, last_at: null });
  }
  for (const { peer, messages, last_at } of waiting?.requests ?? []) {
    const known = byPeer.get(peer) ?? { peer, alias: null, connected: false };
    byPeer.set(peer, { ...known, messages, last_at });
  }
  return [...byPeer.values()];
}

/** Lists them. */
export const requestsCommand = defineCommand({
  name: "requests",
  summary: "list strangers that ask to be in touch",
  details:
    "What a stranger calls itself stands in quotation marks: anybody can claim any name. Compare\n" +
    "whole ids. 'accept' and 'decline' answer them, 'inbox' shows what they wrote.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const requests = await readRequests(await openNode());
    if (options.json) return await out.json({ requests });
    if (requests.length === 0) return await out.line("No requests");
    const rows = requests.map(({ peer, alias, connected, messages, last_at }) => [
      claimCell(alias),
      { text: connected ? "connected" : "away" },
      { text: String(messages) },
      { text: last_at === null ? "–" : out.instant(last_at) },
      idCell(peer),
    ]);
    await out.table(["CLAIMS TO BE", "STATE", "MESSAGES", "LAST", "NODE"], rows);
  },
});

/** What an accepted peer is called. */
export const acceptNameOption = valueOption<string | null>({
  flag: "name",
  value: "NAME",
  summary: "what you call a stranger that you accept",
  defaultText: "the name that you accept it by",
  fallback: null,
  parse: parsePetname,
});

/** Whether a word is an offer of files; otherwise it means a stranger. */
export async function isOffer(node: AdminClient, word: string): Promise<boolean> {
  const view = await unlessOff(node.files<OffersView>("GET", "/offers"));
  return view?.offers.some(({ id }) => id === word) ?? false;
}
