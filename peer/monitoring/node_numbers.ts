/**
 * What a node counts and measures, read when somebody asks. Labels are words of the program: names of built-in modules,
 * of states, of events. What a module from a file counts has names from outside, and is not among them.
 *
 * @module
 */
import { AUDIT_EVENTS } from "../../protocol/audit_events.ts";
import { byLabel, type MetricFamily, type MetricSample, single } from "../../protocol/metrics.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeCounter, NodeEvents } from "../events/events.ts";
import type { ModuleHost } from "../modules/host.ts";
import { waitingIn } from "../modules/module_runs.ts";
import type { PeerCarrier } from "../p2p/peer_carrier.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { NodeStore } from "../store/store.ts";
import type { TokenVault } from "../tokens/vault.ts";

export interface NumbersParts {
  readonly version: string;
  readonly events: NodeEvents;
  readonly store: NodeStore;
  readonly audit: AuditLog;
  readonly book: PeerBook;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly modules: ModuleHost;
  readonly directories: Directories;
  readonly carrier: PeerCarrier;
}

/** Which counters of the node are which samples. */
const COUNTED: readonly {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [NodeCounter, Readonly<Record<string, string>>])[];
}[] = [
  {
    name: "openred_handshakes_total",
    help: "Handshakes, by the side that this node was on and what became of them.",
    samples: [
      ["handshakes_started", { role: "initiator", result: "started" }],
      ["handshakes_completed", { role: "initiator", result: "completed" }],
      ["handshakes_failed", { role: "initiator", result: "failed" }],
      ["handshakes_accepted", { role: "responder", result: "accepted" }],
      ["handshakes_refused", { role: "responder", result: "refused" }],
    ],
  },
  {
    name: "openred_frames_total",
    help: "Frames, by direction and what became of them.",
    samples: [
      ["frames_sent", { direction: "sent", result: "sealed" }],
      ["frames_opened", { direction: "received", result: "opened" }],
      ["frames_repeated", { direction: "received", result: "repeated" }],
      ["frames_dropped", { direction: "received", result: "dropped" }],
      ["frames_refused", { direction: "received", result: "refused" }],
      ["frames_denied", { direction: "received", result: "denied" }],
    ],
  },
  {
    name: "openred_frame_bytes_total",
    help: "Bytes of frames, repeats included, by direction.",
    samples: [
      ["bytes_sent", { direction: "sent" }],
      ["bytes_received", { direction: "received" }],
    ],
  },
  {
    name: "openred_envelopes_total",
    help: "Halves of token pairs that directories pushed, by result.",
    samples: [
      ["envelopes_taken", { result: "taken" }],
      ["envelopes_refused", { result: "refused" }],
    ],
  },
  {
    name: "openred_announcements_total",
    help: "Registrations with directories, renewals included, by result.",
    samples: [
      ["announcements_taken", { result: "taken" }],
      ["announcements_failed", { result: "failed" }],
    ],
  },
  {
    name: "openred_relay_links_total",
    help: "Links to the relay that were made, each again after it ended.",
    samples: [["relay_links", {}]],
  },
  {
    name: "openred_relayed_calls_total",
    help: "Calls that came through the relay, by kind and whether they were taken.",
    samples: [
      ["relayed_exchanges", { kind: "exchange", result: "taken" }],
      ["relayed_channels", { kind: "channel", result: "taken" }],
      ["relayed_refused", { kind: "any", result: "refused" }],
    ],
  },
  {
    name: "openred_vault_writes_total",
    help: "Changes of the token vault that were written.",
    samples: [["vault_writes", {}]],
  },
];

/** Reads all of it. */
export function readNumbers(parts: NumbersParts): MetricFamily[] {
  return [
    byLabel(
      { name: "openred_build_info", help: "Always 1; the version is a label.", type: "gauge" },
      "version",
      { [parts.version]: 1 },
    ),
    ...sessionFamilies(parts),
    ...countedFamilies(parts.events),
    ...eventFamilies(parts.events),
    ...storedFamilies(parts),
    ...moduleFamilies(parts),
    directoryFamily(parts.directories),
    single({
      name: "openred_warnings",
      help: "What the operator is warned of now.",
      type: "gauge",
    }, parts.events.warned.size),
  ];
}

function sessionFamilies({ table, book, carrier, vault }: NumbersParts): MetricFamily[] {
  const sessions = table.all();
  const confirmed = sessions.filter((session) => session.confirmed).length;
  const peers = book.all();
  const known = peers.filter((peer) => peer.known).length;
  return [
    byLabel(
      {
        name: "openred_sessions",
        help: "Sessions, by whether the peer has proven that it is there.",
        type: "gauge",
      },
      "state",
      { confirmed, unconfirmed: sessions.length - confirmed },
    ),
    byLabel(
      {
        name: "openred_peers",
        help: "Peers in the book: known after a session with them, met before any.",
        type: "gauge",
      },
      "state",
      { known, met: peers.length - known },
    ),
    single({
      name: "openred_channels",
      help: "WebSockets to peers that are open and proven.",
      type: "gauge",
    }, carrier.channels.openCount),
    single({
      name: "openred_pairs",
      help: "Token pairs in the vault, spent ones included.",
      type: "gauge",
    }, vault.all().length),
  ];
}

function countedFamilies(events: NodeEvents): MetricFamily[] {
  const counters = events.counters();
  return COUNTED.map(({ name, help, samples }) => ({
    name,
    help,
    type: "counter",
    samples: samples.map(([counter, labels]) => ({ labels, value: counters[counter] ?? 0 })),
  }));
}

function eventFamilies({ counts }: NodeEvents): MetricFamily[] {
  // All of them from the beginning: what is there first at 1 has not grown for whoever watches it.
  const ofAudit = AUDIT_EVENTS.flatMap((event): MetricSample[] => {
    const { done, failed } = counts.ofAudit.get(event) ?? { done: 0, failed: 0 };
    return [
      { labels: { event, result: "done" }, value: done },
      { labels: { event, result: "failed" }, value: failed },
    ];
  });
  const ofModules = [...counts.ofModules].flatMap(([module, events]) =>
    [...events].map(([event, value]) => ({ labels: { module, event }, value }))
  );
  return [
    {
      name: "openred_security_events_total",
      help: "What matters to security, by the names of the audit log, before that is throttled.",
      type: "counter",
      samples: ofAudit,
    },
    {
      name: "openred_module_events_total",
      help: "What built-in modules told, such as messages delivered and files fetched.",
      type: "counter",
      samples: ofModules,
    },
  ];
}

function storedFamilies({ store, audit }: NumbersParts): MetricFamily[] {
  return [
    single({
      name: "openred_store_writes_waiting",
      help: "Writes that wait for the next transaction of node.db.",
      type: "gauge",
    }, store.waiting),
    single({
      name: "openred_audit_lines_total",
      help: "Number of the last line of the audit log that is on disk.",
      type: "counter",
    }, audit.durable.position.number),
    single({
      name: "openred_audit_entries_waiting",
      help: "Entries of the audit log that wait to be signed.",
      type: "gauge",
    }, audit.waiting),
  ];
}

function moduleFamilies({ modules, book }: NumbersParts): MetricFamily[] {
  const states = { running: 0, stopped: 0, failed: 0, needs_grant: 0 };
  for (const { state } of modules.views()) states[state] += 1;
  const peers = book.all().map(({ id }) => id);
  const built = modules.runs.runs().filter(({ running }) => running.kind === "built-in");
  const waiting = built.map((run) =>
    [run.running.name, peers.reduce((sum, peer) => sum + waitingIn(run, peer), 0)] as const
  );
  return [
    byLabel(
      { name: "openred_modules", help: "Modules, by state.", type: "gauge" },
      "state",
      states,
    ),
    byLabel(
      {
        name: "openred_waiting",
        help: "What waits for peers, by built-in module.",
        type: "gauge",
      },
      "module",
      Object.fromEntries(waiting),
    ),
    ...built.flatMap(({ running }) =>
      (running.module.gauges?.() ?? []).map(({ name, help, value }) =>
        single({ name: `openred_${running.name}_${name}`, help, type: "gauge" }, value)
      )
    ),
  ];
}

function directoryFamily(directories: Directories): MetricFamily {
  const states = { registered: 0, trying: 0, refused: 0, stopped: 0 };
  for (const { state } of directories.views()) states[state] += 1;
  return byLabel(
    { name: "openred_directories", help: "Directories of this node, by state.", type: "gauge" },
    "state",
    states,
  );
}
