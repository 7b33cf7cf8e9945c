/**
 * Groups of messaging: everything about them, made of the parts of the module.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId, PeerFrame, PeerRouter } from "../../api.ts";
import type { Conversations } from "../conversations.ts";
import type { InboxShares } from "../inbox_shares.ts";
import {
  GROUP_MEMBER,
  GROUP_MESSAGE,
  GROUP_READ,
  GROUP_STATEMENT,
  GROUP_SUMMARY,
  GROUP_TYPING,
  GROUP_VECTOR,
} from "../manifest.ts";
import type { Reading } from "../reading.ts";
import type { Timeline } from "../timeline.ts";
import { GivingUp } from "./giving_up.ts";
import { GroupActs } from "./group_acts.ts";
import { GroupIncoming } from "./group_incoming.ts";
import { GroupReading } from "./group_reading.ts";
import { GroupRows } from "./group_rows.ts";
import { GroupSending } from "./group_sending.ts";
import { GroupViews } from "./group_views.ts";
import { GroupWriting } from "./group_writing.ts";
import { Groups } from "./groups.ts";
import { Invitations } from "./invitations.ts";
import { Keeping } from "./keeping.ts";
import { Turns } from "./turns.ts";

const SWEEP_MS = 3_600_000;

interface GroupParts extends ModuleContext {
  readonly tables: ModuleTables;
  readonly conversations: Conversations;
  readonly timeline: Timeline;
  readonly shares: InboxShares;
  readonly reading: Reading;
}

export class MessagingGroups {
  readonly groups: Groups;
  readonly rows: GroupRows;
  readonly acts: GroupActs;
  readonly writing: GroupWriting;
  readonly incoming: GroupIncoming;
  readonly reading: GroupReading;
  readonly views: GroupViews;
  readonly tables: ModuleTables;
  readonly #context: ModuleContext;
  readonly #sending: GroupSending;
  readonly #keeping: Keeping;
  readonly #givingUp: GivingUp;
  #cancelSweep: () => void = () => {};

  constructor(parts: GroupParts) {
    const { signatures } = parts;
    if (signatures === null) throw new RangeError("Groups need signatures");
    const base = { ...parts, signatures };
    const groups = new Groups(base);
    const rows = new GroupRows(parts);
    const sending = new GroupSending({ ...base, groups });
    const keeping = new Keeping({ ...base, groups, rows });
    const invitations = new Invitations(parts);
    const turns = new Turns();
    const all = { ...base, groups, rows, sending, keeping, invitations, turns };
    this.tables = parts.tables;
    this.groups = groups;
    this.rows = rows;
    this.incoming = new GroupIncoming(all);
    this.acts = new GroupActs({ ...all, incoming: this.incoming });
    this.writing = new GroupWriting(all);
    this.reading = new GroupReading(all);
    this.views = new GroupViews(all);
    this.#context = parts;
    this.#sending = sending;
    this.#keeping = keeping;
    this.#givingUp = new GivingUp({ ...all, lanes: sending.lanes });
  }

  /** Begins to send; a failure here stops nothing else. */
  start(): void {
    this.#start().catch((error: unknown) => this.#failed(error));
    this.#sweep();
  }

  async stop(): Promise<void> {
    this.#cancelSweep();
    await this.#sending.stop();
  }

  confirmed(peer: NodeId): void {
    this.#sending.confirmed(peer).catch((error: unknown) => this.#failed(error));
    this.reading.confirmed(peer).catch((error: unknown) => this.#failed(error));
  }

  /** Inside a transaction: nothing goes to this id any more. */
  writeDrop(peer: NodeId): void {
    this.groups.writeDrop(peer);
    this.#sending.lanes.writeDrop(peer);
  }

  async #start(): Promise<void> {
    await this.acts.start();
    await this.#sending.start();
  }

  #sweep(): void {
    this.#keeping.sweep().then(() => this.#givingUp.sweep())
      .catch((error: unknown) => this.#failed(error));
    this.#cancelSweep = this.#context.clock.setTimer(SWEEP_MS, () => this.#sweep());
  }

  #failed(error: unknown): void {
    this.#context.log.log("error", "groups_failed", { text: String(error) });
  }
}

/** Registers the frames of groups. @param now What runs. */
export function registerGroupFrames(peers: PeerRouter, now: () => MessagingGroups): void {
  const admits = (peer: NodeId, header: PeerFrame["header"]) => now().incoming.admits(peer, header);
  const frame = (type: string, receive: (frame: PeerFrame) => Promise<boolean>) =>
    peers.frame(type, { receive, admits });
  const admitsSigned = (peer: NodeId, header: PeerFrame["header"]) =>
    now().incoming.admitsSigned(peer, header);
  peers.frame(GROUP_STATEMENT, {
    receive: (came) => now().incoming.statement(came),
    admits: admitsSigned,
  });
  peers.frame(GROUP_MEMBER, {
    receive: (came) => now().incoming.membership(came),
    admits: admitsSigned,
  });
  frame(GROUP_MESSAGE, (came) => now().incoming.message(came));
  frame(GROUP_SUMMARY, (came) => now().incoming.summary(came));
  frame(GROUP_VECTOR, (came) => now().incoming.vector(came));
  frame(GROUP_READ, (came) => now().incoming.read(came));
  frame(GROUP_TYPING, async (came) => {
    const { incoming, reading } = now();
    reading.heard(await incoming.groupOf(came), came);
    return false;
  });
}
