/**
 * `openred-node status`.
 *
 * @module
 */
import type {
  DirectoryView,
  PeerView,
  RelayView,
  SessionView,
  Standing,
  StatusView,
} from "../protocol/admin_api.ts";
import { defineCommand } from "./command.ts";
import { type FoundData, withDataWords } from "./data_words.ts";
import { switchOption } from "./options.ts";
import {
  type Cell,
  idCell,
  type Output,
  shortId,
  showDuration,
  showRoundTrip,
  type Style,
} from "./output.ts";
import { pause } from "../ports/sleep.ts";
import { claimCell, nameCell, peerCell, showTrouble, wayCell } from "./peer_view.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const WATCH_MS = 2_000;
/** How many of those are shown whom invitations wait for. */
const MAX_AWAITED = 8;
const NOWHERE = "none: registered nowhere, so nobody finds this node";
const GIVE_DIRECTORY =
  "'openred-node config set directories URL' gives this node a directory, from its next start on";

function directoryRow(directory: DirectoryView): readonly Cell[] {
  const next = directory.next_announce_in_ms;
  return [
    { text: directory.url },
    { text: directory.state, style: directory.state === "registered" ? "green" : "yellow" },
    { text: next === null ? "–" : `in ${showDuration(next)}` },
    { text: directory.last_reason ?? directory.last_error ?? "–" },
  ];
}

const CONTACT_STYLES: Readonly<Record<Standing, Style>> = {
  allowed: "green",
  stranger: "yellow",
  denied: "red",
  blocked: "red",
};

function standingCell({ standing, invited }: PeerView): Cell {
  if (invited) return { text: "invitation waits", style: "yellow" };
  return { text: standing, style: CONTACT_STYLES[standing] };
}

function peerRow(peer: PeerView): readonly Cell[] {
  return [
    nameCell(peer.petname),
    claimCell(peer.alias),
    idCell(peer.node_id),
    standingCell(peer),
    { text: String(peer.standby_pairs) },
    { text: String(peer.outbox) },
    wayCell(peer),
  ];
}

function sessionRow(session: SessionView, names: Names): readonly Cell[] {
  return [
    shortPeer(session.peer, names),
    { text: session.state, style: session.state === "confirmed" ? "green" : "yellow" },
    { text: `${session.method}/${session.epoch}`, short: session.method },
    { text: session.post_quantum ? "yes" : "no", style: session.post_quantum ? "green" : "yellow" },
    { text: session.carrier },
    { text: `${showDuration(session.age_ms)} of ${showDuration(session.life_ms)}` },
    { text: showRoundTrip(session.rtt_ms) },
  ];
}

type Names = ReadonlyMap<string, string | null>;

function shortPeer(peer: string, names: Names): Cell {
  const petname = names.get(peer);
  return petname == null ? { text: shortId(peer) } : peerCell(peer, petname);
}

async function printTable(
  out: Output,
  table: { title: string; headings: readonly string[]; rows: readonly (readonly Cell[])[] },
): Promise<void> {
  if (table.rows.length === 0) return;
  await out.line();
  await out.line({ text: table.title, style: "bold" });
  await out.table(table.headings, table.rows);
}

function relayLine({ url, named_by, state, last_error }: RelayView): Cell {
  const why = last_error === null ? state : `${state}: ${last_error}`;
  const text = `${url} (${why}${named_by === null ? "" : `; named by ${named_by}`})`;
  return { text, style: state === "linked" ? "green" : "yellow" };
}

/** Whom invitations were made for that are not used up. */
function awaitedRows(awaited: StatusView["awaited"]): (readonly Cell[])[] {
  const shown = awaited.slice(0, MAX_AWAITED).map((name) => [nameCell(name)]);
  const left = awaited.length - shown.length;
  return left === 0 ? shown : [...shown, [{ text: `and ${left} more` }]];
}

async function printStatus(
  out: Output,
  { status, found }: { readonly status: StatusView; readonly found: FoundData | null },
): Promise<void> {
  const names: Names = new Map(status.peers.map(({ node_id, petname }) => [node_id, petname]));
  await out.pairs([
    ["Node", { text: status.node_id, style: "bold" }],
    ["URL", status.api_url],
    ...(status.relay == null ? [] : [["Relay", relayLine(status.relay)] as const]),
    ...(status.directories.length === 0
      ? [["Directories", { text: NOWHERE, style: "yellow" }] as const]
      : []),
    ["Version", status.version],
    ["Up", showDuration(status.uptime_s * 1000)],
  ]);
  await printTable(out, {
    title: "Directories",
    headings: ["URL", "STATE", "ANNOUNCES", "LAST ERROR"],
    rows: status.directories.map(directoryRow),
  });
  await printTable(out, {
    title: "Peers",
    headings: ["NAME", "CLAIMS TO BE", "NODE", "CONTACT", "PAIRS", "OUTBOX", "URL"],
    rows: status.peers.map(peerRow),
  });
  await printTable(out, {
    title: "Invited, and not here yet ('openred-node invitations' says more)",
    headings: ["NAME"],
    rows: awaitedRows(status.awaited),
  });
  await printTable(out, {
    title: "Sessions",
    headings: ["PEER", "STATE", "METHOD/EPOCH", "PQ", "OVER", "AGE", "RTT"],
    rows: status.sessions.map((session) => sessionRow(session, names)),
  });
  await printTable(out, {
    title: "Troubles",
    headings: ["PEER", "CODE", "WHY"],
    rows: status.peers.flatMap(({ node_id, last_error }) =>
      last_error === null ? [] : [[
        shortPeer(node_id, names),
        { text: last_error.reason ?? last_error.code, style: "yellow" as const },
        { text: showTrouble(out, last_error) },
      ]]
    ),
  });
  const nowhere = status.directories.length === 0 ? [GIVE_DIRECTORY] : [];
  const warnings = [...nowhere, ...status.warnings];
  if (warnings.length > 0) await out.line();
  for (const text of warnings) {
    await out.line({ text: `! ${withDataWords(text, found)}`, style: "yellow" });
  }
}

/** Prints how the node is doing. */
export const statusCommand = defineCommand({
  name: "status",
  summary: "print directories, peers and sessions",
  details: "With --json: one document; with --watch --json: one a line.",
  words: [],
  options: {
    ...TIME_OPTIONS,
    watch: switchOption({ flag: "watch", summary: "print it again every 2 s, until Ctrl-C" }),
  },
  async run({ options, out, clock, signal, foundData, openNode }) {
    const node = await openNode();
    do {
      const status = await node.status();
      if (options.watch && !options.json) await out.clear();
      if (options.json) await out.json(status);
      else await printStatus(out, { status, found: foundData });
      if (options.watch) await pause(clock, WATCH_MS, signal);
    } while (options.watch && !signal.aborted);
  },
});
