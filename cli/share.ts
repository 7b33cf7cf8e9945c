/**
 * `openred-node share`, `shares` and `unshare`.
 *
 * @module
 */
import type { SharesView, ShareView } from "../protocol/file_sharing_api.ts";
import { MAX_DOWNLOADS } from "../protocol/file_sharing_api.ts";
import { MAX_NOTE_BYTES } from "../protocol/file_frames.ts";
import { parsePeerRef } from "../protocol/peer_name.ts";
import type { AdminClient } from "./admin_client.ts";
import { readPath } from "./arguments.ts";
import { failure, usageError } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { watchProgress } from "./file_progress.ts";
import { peerCell, showBytes, showFiles, stateCell } from "./file_view.ts";
import { type Instant, parseInstant } from "./instant_option.ts";
import { parseInteger } from "./option_values.ts";
import { type OptionSpecs, valueOption } from "./options.ts";
import { showInstant } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { waitOption } from "./wait_option.ts";

const GOES_ON = "The node goes on with it; 'openred-node shares' shows how far it is";

async function shareOf(node: AdminClient, id: string): Promise<ShareView> {
  const { shares } = await node.files<SharesView>("GET", "/shares");
  const found = shares.find((share) => share.id === id);
  if (found === undefined) throw failure("The share is not there any more");
  return found;
}

/** Shares files, and waits until the peer has heard of them. */
export async function shareFiles(
  context: CommandContext<OptionSpecs>,
  wanted: {
    readonly peer: string;
    readonly paths: readonly string[];
    readonly waitS: number;
    readonly more?: Readonly<Record<string, string | number>>;
  },
): Promise<void> {
  const { out, clock, options, openNode, absolutePath } = context;
  const node = await openNode();
  const paths = await Promise.all(wanted.paths.map(absolutePath));
  const body = { peer: wanted.peer, paths, ...wanted.more };
  const { id } = await node.files<ShareView>("POST", "/shares", body);
  let endMs: number | null = null;
  const share = await watchProgress(context, {
    stopped: GOES_ON,
    look: async () => {
      const now = await shareOf(node, id);
      if (now.state !== "hashing") {
        endMs ??= clock.nowMs() + wanted.waitS * 1_000;
        if (now.answer !== "waiting" || now.state !== "ready") return { over: now };
        if (now.why !== null || clock.nowMs() >= endMs) return { over: now };
      }
      const what = `Reading ${showFiles(now.files)}`;
      const waits = now.state === "hashing" ? null : "waiting for the peer";
      return { progress: { what, bytes: now.bytes, doneBytes: now.hashed_bytes, waits } };
    },
  });
  if (share.state === "failed") throw failure(`The files are not shared: ${share.why}`);
  if (options.json) return await out.json(share);
  const size = `${showFiles(share.files)}, ${showBytes(share.bytes)}`;
  if (share.answer !== "waiting") {
    return await out.line({ text: "Offered", style: "green" }, ` ${size} (${share.id})`);
  }
  const later = share.why ?? "The peer has not heard of it yet";
  await out.line({ text: "Shared", style: "yellow" }, ` ${size} (${share.id}): ${later}`);
}

function parseNote(text: string): string {
  if (text === "" || new TextEncoder().encode(text).length > MAX_NOTE_BYTES) {
    throw new RangeError(`expected 1 to ${MAX_NOTE_BYTES} bytes`);
  }
  return text;
}

/** A span counts from now on. */
function momentOf(instant: Instant, nowMs: number): number {
  return "atMs" in instant ? instant.atMs : nowMs + instant.agoMs;
}

/** Shares files with a peer. */
export const shareCommand = defineCommand({
  name: "share",
  summary: "share files with a peer",
  details:
    "The files are read once, then offered; nothing is sent before the peer accepts them.\n" +
    "They stay where they are: a file that is changed afterwards cannot be fetched any more.",
  words: [{ name: "path", summary: "a file", isRepeated: true }],
  options: {
    ...COMMON_OPTIONS,
    to: valueOption<string | null>({
      flag: "to",
      value: "PEER",
      summary: "whom to share them with: its node id, your name for it, or its contact link",
      defaultText: "none",
      fallback: null,
      parse: (text) => {
        parsePeerRef(text);
        return text;
      },
    }),
    expires: valueOption<Instant | null>({
      flag: "expires",
      value: "TIME",
      summary: "until when they can be fetched: a span such as 2h or 7d, or a date",
      defaultText: "never",
      fallback: null,
      parse: parseInstant,
    }),
    count: valueOption<number | null>({
      flag: "count",
      value: "N",
      summary: "how often each can be fetched",
      defaultText: "any number",
      fallback: null,
      parse: (text) => parseInteger(text, { min: 1, max: MAX_DOWNLOADS }),
    }),
    note: valueOption<string | null>({
      flag: "note",
      value: "NOTE",
      summary: "what to say with the offer",
      defaultText: "none",
      fallback: null,
      parse: parseNote,
    }),
    wait: waitOption(15),
  },
  async run(context) {
    const { options, words, clock } = context;
    const { to, expires, count, note, wait } = options;
    if (to === null) throw usageError("--to: say with whom to share");
    await shareFiles(context, {
      peer: to,
      paths: words.map(readPath),
      waitS: wait,
      more: {
        ...(expires === null ? {} : { expires_at: momentOf(expires, clock.nowMs()) }),
        ...(count === null ? {} : { count }),
        ...(note === null ? {} : { note }),
      },
    });
  },
});

/** Lists what is shared. */
export const sharesCommand = defineCommand({
  name: "shares",
  summary: "list what this node shares",
  details: "'unshare' takes a share back.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).files<SharesView>("GET", "/shares");
    if (options.json) return await out.json(view);
    if (view.shares.length === 0) return await out.line("Nothing is shared");
    await out.table(
      ["Share", "With", "Files", "Size", "State", "Peer", "Until", ""],
      view.shares.map((share) => [
        { text: share.id, style: "bold" },
        peerCell(share),
        { text: showFiles(share.files) },
        { text: showBytes(share.bytes) },
        stateCell(share.state),
        stateCell(share.answer),
        { text: share.expires_at === null ? "–" : showInstant(share.expires_at) },
        { text: share.why ?? "" },
      ]),
    );
  },
});

/** Takes a share back. */
export const unshareCommand = defineCommand({
  name: "unshare",
  summary: "take a share back",
  details: "From then on nothing of it is sent, to those who have begun to fetch it either.",
  words: [{ name: "share", summary: "as 'shares' names it" }],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const node = await openNode();
    const path = `/shares/${encodeURIComponent(words[0] ?? "")}/revoke`;
    const view = await node.files("POST", path);
    if (options.json) return await out.json(view);
    await out.line("Not shared any more");
  },
});
