/**
 * `openred-node share`, `shares` and `unshare`.
 *
 * @module
 */
import { FACTOR_LEVELS, type FactorLevel } from "../protocol/factor_level.ts";
import type { LinksView, RequestsView } from "../protocol/file_links.ts";
import type { SharesView, ShareView } from "../protocol/file_sharing_api.ts";
import { MAX_DOWNLOADS } from "../protocol/file_sharing_api.ts";
import { MAX_NOTE_BYTES } from "../protocol/file_frames.ts";
import { parsePeerRef } from "../protocol/peer_name.ts";
import type { AdminClient } from "./admin_client.ts";
import { readPath } from "./arguments.ts";
import { failure, usageError } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { watchProgress } from "./file_progress.ts";
import { noteLeftOut, peerCell, showBytes, showFiles, stateCell } from "./file_view.ts";
import { type Instant, momentOf, parseInstant } from "./instant_option.ts";
import { parseChoice, parseInteger } from "./option_values.ts";
import { listOption, type OptionSpecs, switchOption, valueOption } from "./options.ts";
import { type Cell, type Output } from "./output.ts";
import { receiversOf } from "./receivers.ts";
import { TIME_OPTIONS } from "./run_options.ts";
import { listRequests } from "./request_link.ts";
import { listLinks, passwordFileOption, readLinkPassword, shareByLink } from "./share_link.ts";
import { waitOption } from "./wait_option.ts";

const GOES_ON = "The node goes on with it; 'openred-node shares' shows how far it is";

async function shareOf(node: AdminClient, id: string): Promise<ShareView> {
  const { shares } = await node.files<SharesView>("GET", "/shares");
  const found = shares.find((share) => share.id === id);
  if (found === undefined) throw failure("The share is not there any more");
  return found;
}

/** Shares files with one peer, waits until that has heard of them, and says so. */
export async function shareFiles(
  context: CommandContext<OptionSpecs>,
  wanted: Parameters<typeof offerFiles>[1],
): Promise<void> {
  const share = await offerFiles(context, wanted);
  if (context.options.json) return await context.out.json(share);
  await showShare(context.out, share);
}

/** Shares files with a peer, and waits until that has heard of them. */
async function offerFiles(
  context: CommandContext<OptionSpecs>,
  wanted: {
    readonly peer: string;
    readonly paths: readonly string[];
    readonly waitS: number;
    readonly more?: Readonly<Record<string, string | number>>;
  },
): Promise<ShareView> {
  const { clock, openNode, absolutePath } = context;
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
  return share;
}

async function showShare(out: Output, share: ShareView): Promise<void> {
  const size = `${showFiles(share.files)}, ${showBytes(share.bytes)}`;
  await noteLeftOut(out, share);
  const peer = peerCell(share);
  const isOffered = share.answer !== "waiting";
  const done: Cell = isOffered
    ? { text: "Offered", style: "green" }
    : { text: "Shared", style: "yellow" };
  const later = isOffered ? "" : `: ${share.why ?? "The peer has not heard of it yet"}`;
  await out.line(done, ` ${size} to `, peer, ` (${share.id})${later}`);
}

function parseNote(text: string): string {
  if (text === "" || new TextEncoder().encode(text).length > MAX_NOTE_BYTES) {
    throw new RangeError(`expected 1 to ${MAX_NOTE_BYTES} bytes`);
  }
  return text;
}

/** Shares files with a peer. */
export const shareCommand = defineCommand({
  name: "share",
  summary: "share files and folders with a peer",
  details:
    "The files are read once, then offered; nothing is sent before the peer accepts them.\n" +
    "They stay where they are: a file that is changed afterwards cannot be fetched any more.\n" +
    "A folder goes with all that is below it, but for links and special files.\n" +
    "--to can be given several times. A group means those who are in it now, each with a share of\n" +
    "its own.\n" +
    "--require has the peer's owner show a fresh factor to this node whenever a download begins: that\n" +
    "somebody is there (presence), a code or a passkey (totp), a passkey. It is good for a day. Names\n" +
    "and sizes are seen before.",
  words: [{ name: "path", summary: "a file or a folder", isRepeated: true }],
  options: {
    ...TIME_OPTIONS,
    to: listOption<string>({
      flag: "to",
      value: "PEER",
      summary:
        "whom to share them with: a node id, your name for a peer, a contact link, or a group",
      parseItem: (text) => {
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
    require: valueOption<FactorLevel | null>({
      flag: "require",
      value: FACTOR_LEVELS.join("|"),
      summary: "what the peer's owner has to show before any of it is given",
      defaultText: "nothing",
      fallback: null,
      parse: (text) => parseChoice(text, FACTOR_LEVELS),
    }),
    link: switchOption({
      flag: "link",
      summary: "make a link for people without a node, instead of an offer to a peer",
    }),
    passwordFile: passwordFileOption,
    wait: waitOption(15),
  },
  async run(context) {
    const { options, words, clock, zone } = context;
    const { to, expires, count, note, require, link, passwordFile, wait } = options;
    if ((to.length === 0) !== link) throw usageError("--to: say with whom to share, or --link");
    if (passwordFile !== null && !link) throw usageError("--password-file: only with --link");
    if (require !== null && link) throw usageError("--require: only with --to");
    if (new Set(to).size < to.length) throw usageError("--to: name each once");
    const wanted = {
      paths: words.map(readPath),
      waitS: wait,
      more: {
        ...(expires === null
          ? {}
          : { expires_at: momentOf(expires, { nowMs: clock.nowMs(), zone }) }),
        ...(count === null ? {} : { count }),
        ...(note === null ? {} : { note }),
        ...(require === null ? {} : { require }),
      },
    };
    if (link) {
      const password = await readLinkPassword(context, passwordFile);
      return await shareByLink(context, { ...wanted, more: { ...wanted.more, ...password } });
    }
    const shares: ShareView[] = [];
    for (const peer of await receiversOf(await context.openNode(), to)) {
      shares.push(await offerFiles(context, { peer, ...wanted }));
      if (!options.json) await showShare(context.out, shares.at(-1)!);
    }
    if (options.json) await context.out.json(shares.length === 1 ? shares[0]! : { shares });
  },
});

const REQUIRE_WORDS = {
  wanted: "asks for",
  waiting: "waits for",
  shown: "was shown",
  refused: "was not shown",
} as const;

/** What has come of the factor that a share requires. */
function requireText({ require }: ShareView): string {
  return require === null ? "" : `${REQUIRE_WORDS[require.state]}: ${require.level}`;
}

/** Lists what is shared. */
export const sharesCommand = defineCommand({
  name: "shares",
  summary: "list what this node shares",
  details: "Links first, then what peers were offered. 'unshare' takes either back.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const node = await openNode();
    const view = await node.files<SharesView>("GET", "/shares");
    const { links } = await node.files<LinksView>("GET", "/links");
    const asked = await node.files<RequestsView>("GET", "/requests");
    if (options.json) return await out.json({ ...view, links, ...asked });
    await listLinks(out, links);
    await listRequests(out, asked);
    if (view.shares.length === 0) {
      const isEmpty = links.length + asked.requests.length === 0;
      return isEmpty ? await out.line("Nothing is shared") : undefined;
    }
    await out.table(
      ["SHARE", "WITH", "FILES", "SIZE", "STATE", "PEER", "UNTIL", ""],
      view.shares.map((share) => [
        { text: share.id, style: "bold" },
        peerCell(share),
        { text: showFiles(share.files) },
        { text: showBytes(share.bytes) },
        stateCell(share.state),
        stateCell(share.answer),
        { text: share.expires_at === null ? "–" : out.instant(share.expires_at) },
        { text: share.why ?? requireText(share) },
      ]),
    );
  },
});

/** Takes a share back. */
export const unshareCommand = defineCommand({
  name: "unshare",
  summary: "take a share or a link back",
  details: "From then on nothing of it is sent, to those who have begun to fetch it either.",
  words: [{ name: "share", summary: "as 'shares' names it" }],
  options: TIME_OPTIONS,
  async run({ options, words, out, openNode }) {
    const node = await openNode();
    const path = `/shares/${encodeURIComponent(words[0] ?? "")}/revoke`;
    const view = await node.files("POST", path);
    if (options.json) return await out.json(view);
    await out.line("Not shared any more");
  },
});
