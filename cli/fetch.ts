/**
 * `openred-node offers`, `accept`, `decline`, `get` and `transfers`.
 *
 * @module
 */
import type { PeerDetail } from "../protocol/admin_api.ts";
import type {
  OffersView,
  OfferView,
  TransfersView,
  TransferView,
} from "../protocol/file_sharing_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure, usageError } from "./command_error.ts";
import { type ArgumentSpec, type CommandContext, defineCommand } from "./command.ts";
import { watchProgress } from "./file_progress.ts";
import { peerCell, showBytes, showFiles, stateCell } from "./file_view.ts";
import { getLink, readLink } from "./get_link.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpec, type OptionSpecs, switchOption, valueOption } from "./options.ts";
import type { Cell, Output } from "./output.ts";
import { acceptNameOption, isOffer } from "./requests.ts";
import { COMMON_OPTIONS, TIME_OPTIONS } from "./run_options.ts";
import { passwordFileOption } from "./share_link.ts";

const CHANGES = ["pause", "resume", "cancel"] as const;
const GOES_ON = "The node goes on fetching it; 'openred-node transfers' shows how far it is";

export const intoOption: OptionSpec<string> = valueOption<string>({
  flag: "into",
  value: "DIR",
  summary: "the folder that the files land in; nothing there is ever replaced",
  defaultText: "this one",
  fallback: ".",
  parse: parsePath,
});

const keepTimesOption = switchOption({
  flag: "keep-times",
  summary: "let the files keep the times of their last change",
});

type FetchContext = CommandContext<OptionSpecs> & {
  readonly options: { readonly into: string; readonly keepTimes: boolean };
};

/** Begins to fetch an offer, or goes on with it. */
async function accept(
  { words, options, absolutePath }: FetchContext,
  node: AdminClient,
): Promise<TransferView> {
  const id = encodeURIComponent(words[0] ?? "");
  const folder = await absolutePath(options.into);
  const times = options.keepTimes ? { keep_times: true } : {};
  const body = { folder, ...times };
  const transfer = await node.files<TransferView>("POST", `/offers/${id}/accept`, body);
  const isHeld = transfer.state === "paused" || transfer.state === "failed";
  return isHeld ? await node.files("POST", `/transfers/${id}/resume`) : transfer;
}

function offerCell({ state, require }: OfferView): Cell {
  const cell = stateCell(state);
  return require === null ? cell : { ...cell, text: `${state}, asks for: ${require}` };
}

/** Lists what peers offer. */
export const offersCommand = defineCommand({
  name: "offers",
  summary: "list the files that peers offer",
  details:
    "Nothing is fetched before you say so: 'get' fetches and waits, 'accept' fetches in the\n" +
    "background. What stands in quotation marks is the peer's word. 'asks for' is a factor that the\n" +
    "peer wants you to show first: it has to have the permission 'auth'.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).files<OffersView>("GET", "/offers");
    if (options.json) return await out.json(view);
    if (view.offers.length === 0) return await out.line("No offers");
    await out.table(
      ["OFFER", "FROM", "FILES", "SIZE", "STATE", "UNTIL", "NOTE"],
      view.offers.map((offer) => [
        { text: offer.id, style: "bold" },
        peerCell(offer),
        { text: showFiles(offer.files) },
        { text: showBytes(offer.bytes) },
        offerCell(offer),
        { text: offer.expires_at === null ? "–" : out.instant(offer.expires_at) },
        { text: offer.note === null ? "" : `"${offer.note}"` },
      ]),
    );
  },
});

const ANSWERED_WORD: ArgumentSpec = {
  name: "word",
  summary: "an offer as 'offers' names it, or a stranger: its id, or what it calls itself",
};

/** Takes a stranger in, or fetches in the background. */
export const acceptCommand = defineCommand({
  name: "accept",
  summary: "accept a stranger of 'requests', or fetch what a peer offers",
  details:
    "A stranger may write to you and offer files from then on. Accepted by the name that it claims,\n" +
    "it gets that name, where nobody else has it; where several claim it, write the id.\n" +
    "An offer is fetched in the background: 'transfers' shows how far it is. It goes on after\n" +
    "anything: a restart here or there, a network that was gone.",
  words: [ANSWERED_WORD],
  options: {
    ...COMMON_OPTIONS,
    into: intoOption,
    keepTimes: keepTimesOption,
    name: acceptNameOption,
  },
  async run(context) {
    const { words, options, out } = context;
    const node = await context.openNode();
    const word = words[0] ?? "";
    if (await isOffer(node, word)) {
      const transfer = await accept(context, node);
      if (options.json) return await out.json(transfer);
      return await out.line(`Fetching into ${transfer.folder} (${transfer.id})`);
    }
    const peer = await node.answerRequest("accept", { peer: word, name: options.name });
    if (options.json) return await out.json(peer);
    await out.line({ text: "Accepted", style: "green" }, `: ${nameAndId(peer)}`);
  },
});

/** Wants nothing of a stranger, or of an offer. */
export const declineCommand = defineCommand({
  name: "decline",
  summary: "decline a stranger of 'requests', or what a peer offers",
  details:
    "A stranger is not told; no message of it is taken any more, and 'accept' takes that back.\n" +
    "Whoever made an offer is told.",
  words: [ANSWERED_WORD],
  options: COMMON_OPTIONS,
  async run({ options, words: [word = ""], out, openNode }) {
    const node = await openNode();
    if (await isOffer(node, word)) {
      const view = await node.files("POST", `/offers/${encodeURIComponent(word)}/decline`);
      if (options.json) return await out.json(view);
      return await out.line("Declined");
    }
    const peer = await node.answerRequest("decline", { peer: word });
    if (options.json) return await out.json(peer);
    await out.line({ text: "Declined", style: "yellow" }, `: ${nameAndId(peer)}`);
  },
});

function nameAndId({ petname, node_id: id }: PeerDetail): string {
  return petname === null ? id : `${petname} (${id})`;
}

async function transferOf(node: AdminClient, id: string): Promise<TransferView> {
  const { transfers } = await node.files<TransfersView>("GET", "/transfers");
  const found = transfers.find((transfer) => transfer.id === id);
  if (found === undefined) throw failure("The transfer is not there any more");
  return found;
}

/** Fetches and waits. */
export const getCommand = defineCommand({
  name: "get",
  summary: "fetch what a peer offers or a link gives, and wait for it",
  details:
    "A link stands in the place of the offer; - reads it from standard input. What it gives is\n" +
    "fetched from the beginning where the node was stopped meanwhile.\n" +
    "Ctrl-C ends the waiting, not the fetching. A transfer that was paused or has failed goes\n" +
    "on; what is here already is not fetched again.",
  words: [{ name: "offer", summary: "as 'offers' names it, or a link" }],
  options: {
    ...COMMON_OPTIONS,
    into: intoOption,
    keepTimes: keepTimesOption,
    passwordFile: passwordFileOption,
  },
  async run(context) {
    const { options, words, out, openNode } = context;
    const link = await readLink(context, words[0] ?? "");
    if (link !== null) return await getLink(context, { ...options, link });
    const node = await openNode();
    const { id } = await accept(context, node);
    const transfer = await watchProgress(context, {
      stopped: GOES_ON,
      look: async () => {
        const now = await transferOf(node, id);
        if (now.state !== "running" && now.state !== "waiting") return { over: now };
        const { name: what, bytes, done_bytes: doneBytes, way } = now;
        return { progress: { what, bytes, doneBytes, waits: now.why, way } };
      },
    });
    if (transfer.state !== "done") {
      throw failure(`The transfer is ${transfer.state}: ${transfer.why ?? "by you"}`);
    }
    if (options.json) return await out.json(transfer);
    for (const name of transfer.landed) {
      await out.line({ text: "Fetched", style: "green" }, ` ${transfer.folder}/${name}`);
    }
  },
});

async function listTransfers(out: Output, { transfers }: TransfersView): Promise<void> {
  if (transfers.length === 0) return await out.line("No transfers");
  await out.table(
    ["TRANSFER", "", "PEER", "FILE", "DONE", "SIZE", "STATE", "WAY", ""],
    transfers.map((transfer) => [
      { text: transfer.id, style: "bold", short: transfer.id.slice(0, 8) },
      { text: transfer.direction === "in" ? "from" : "to", style: "dim" },
      peerCell(transfer),
      { text: transfer.name },
      { text: showBytes(transfer.done_bytes) },
      { text: showBytes(transfer.bytes) },
      stateCell(transfer.state),
      { text: transfer.way ?? "–" },
      { text: transfer.why ?? "" },
    ]),
  );
}

/** Waits until nothing is on its way any more; says how far, how fast and how long for all of it together. */
async function watchTransfers(
  context: CommandContext<OptionSpecs>,
  node: AdminClient,
): Promise<TransfersView> {
  return await watchProgress(context, {
    stopped: "The node goes on with them",
    look: async () => {
      const now = await node.files<TransfersView>("GET", "/transfers");
      const open = now.transfers.filter(({ state }) => state === "running" || state === "waiting");
      if (open.length === 0) return { over: now };
      const [first] = open;
      const isOne = open.length === 1;
      const { what, waits } = isOne
        ? {
          what: `${first!.direction === "in" ? "From" : "To"} ${nameOf(first!)}`,
          waits: first!.why,
        }
        : { what: `${open.length} transfers`, waits: null };
      const sum = (of: (one: TransferView) => number) =>
        open.reduce((bytes, one) => bytes + of(one), 0);
      const progress = {
        what,
        bytes: sum(({ bytes }) => bytes),
        doneBytes: sum(({ done_bytes }) => done_bytes),
        waits,
        way: isOne ? first!.way : null,
      };
      return { progress };
    },
  });
}

function nameOf(transfer: TransferView): string {
  const { text, short } = peerCell(transfer);
  return `${short ?? text}: ${transfer.name}`;
}

/** Lists what is on its way, and changes it. */
export const transfersCommand = defineCommand({
  name: "transfers",
  summary: "list what is on its way; pause, resume or cancel it",
  details: "Without words: what is fetched and sent. What has landed stays where a transfer is\n" +
    "cancelled. One that is sent is ended by 'unshare'.",
  words: [
    { name: "change", summary: CHANGES.join(", "), isOptional: true },
    { name: "transfer", summary: "as this command names it", isOptional: true },
  ],
  options: {
    ...COMMON_OPTIONS,
    watch: switchOption({
      flag: "watch",
      summary: "wait until nothing is on its way, and show how far it is, then list",
    }),
  },
  async run(context) {
    const { options, words, out, openNode } = context;
    const [word, id] = words;
    const change = CHANGES.find((known) => known === word);
    if (word !== undefined && change === undefined) {
      throw usageError(`<change>: expected one of ${CHANGES.join(", ")}`);
    }
    if (change !== undefined && id === undefined) throw usageError("<transfer>: say which one");
    if (change !== undefined && options.watch) throw usageError("--watch: goes without a change");
    const node = await openNode();
    if (change === undefined) {
      const view = options.watch
        ? await watchTransfers(context, node)
        : await node.files<TransfersView>("GET", "/transfers");
      return options.json ? await out.json(view) : await listTransfers(out, view);
    }
    const path = `/transfers/${encodeURIComponent(id!)}/${change}`;
    const transfer = await node.files<TransferView>("POST", path);
    if (options.json) return await out.json(transfer);
    await out.line("The transfer is ", stateCell(transfer.state));
  },
});
