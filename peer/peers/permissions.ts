/**
 * What each peer may do here: its own allows plus those of its groups, minus its own denies; and who is blocked.
 * The database is the one truth: what is remembered of it is forgotten in every transaction that changes it, so that
 * nothing here can lag behind what was acknowledged to the operator.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { Standing } from "../../protocol/admin_api.ts";
import type { NodeEvents } from "../events/events.ts";
import { Remembered } from "../store/remembered.ts";
import type { NodeStore } from "../store/store.ts";
import { FILES, MESSAGE } from "./permission_names.ts";

/** All that was decided about one peer. */
export interface PeerRights {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  readonly groups: readonly string[];
  /** What it may do. Empty for a blocked peer. */
  readonly effective: readonly string[];
  /** Since when, milliseconds since the epoch. */
  readonly blockedSince: number | null;
}

export interface Group {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly members: readonly NodeId[];
}

/** The tables that name peers, each by a column `peer`. A block outlives all the others. */
const TABLES = ["peer_permissions", "group_members"] as const;

interface PermissionsParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly store: NodeStore;
  readonly events: NodeEvents;
}

/** What accepting a peer would grant it: nothing where it may not even write. */
function undecided({ allowed, denied }: Pick<PeerRights, "allowed" | "denied">): string[] {
  if (denied.includes(MESSAGE)) return [];
  return [MESSAGE, FILES].filter((name) => !allowed.includes(name) && !denied.includes(name));
}

/** The permissions of one node's peers. Every change is durable when it resolves. */
export class Permissions {
  readonly #parts: PermissionsParts;
  readonly #rights: Remembered<PeerRights>;

  constructor(parts: PermissionsParts) {
    this.#parts = parts;
    this.#rights = new Remembered({
      isInside: () => parts.store.isInside,
      read: (peer) => this.#read(peer),
    });
  }

  /** What a peer is with regard to one permission; `stranger` where nobody decided anything about the two. */
  standing(peer: NodeId, name: string): Standing {
    const { blockedSince, denied, effective } = this.of(peer);
    if (blockedSince !== null) return "blocked";
    if (denied.includes(name)) return "denied";
    return effective.includes(name) ? "allowed" : "stranger";
  }

  isBlocked(peer: NodeId): boolean {
    return this.of(peer).blockedSince !== null;
  }

  /** Grants `message` and `files` to whom somebody here connects or writes. What was denied stays denied. */
  async accept(peer: NodeId): Promise<void> {
    // What waits to be written may take back what was read.
    if (undecided(this.of(peer)).length === 0 && this.#parts.store.isIdle) return;
    let granted: readonly string[] = [];
    await this.#change(() => void (granted = this.writeAccept(peer)));
    this.noteGranted(peer, granted);
  }

  /** Whether {@linkcode accept} would grant something. */
  wouldGrant(peer: NodeId): boolean {
    return undecided(this.of(peer)).length > 0;
  }

  /** Inside a transaction: as {@linkcode accept}. @returns What is to be given to {@linkcode noteGranted} after it. */
  writeAccept(peer: NodeId): readonly string[] {
    const sql = "INSERT INTO peer_permissions (peer, name, allowed) VALUES (?, ?, 1)";
    const granted = undecided(this.#read(peer));
    for (const name of granted) this.#run(sql, peer, name);
    return granted;
  }

  noteGranted(peer: NodeId, granted: readonly string[]): void {
    for (const name of granted) this.#note(peer, `allow ${name}`);
  }

  /** Allows or denies; the later word replaces the earlier one. */
  async decide(peer: NodeId, decision: { name: string; allowed: boolean }): Promise<void> {
    const { name, allowed } = decision;
    const sql = "INSERT OR REPLACE INTO peer_permissions (peer, name, allowed) VALUES (?, ?, ?)";
    await this.#change(() => this.#run(sql, peer, name, Number(allowed)));
    this.#note(peer, `${allowed ? "allow" : "deny"} ${name}`);
  }

  /** Takes back what was allowed or denied to the peer itself: one permission, or all for `null`. */
  async reset(peer: NodeId, name: string | null): Promise<void> {
    const sql = "DELETE FROM peer_permissions WHERE peer = ? AND name = coalesce(?, name)";
    await this.#change(() => this.#run(sql, peer, name));
    this.#note(peer, `reset ${name ?? "all"}`);
  }

  /** @param also What is written in the same transaction. */
  async block(peer: NodeId, also: () => void = () => {}): Promise<void> {
    const since = this.#parts.clock.nowMs();
    await this.#change(() => {
      this.#run("INSERT OR IGNORE INTO blocked_peers (peer, since) VALUES (?, ?)", peer, since);
      also();
    });
    this.#parts.events.audit("peer_blocked", { peer, success: true });
  }

  async unblock(peer: NodeId): Promise<void> {
    await this.#change(() => this.#run("DELETE FROM blocked_peers WHERE peer = ?", peer));
    this.#parts.events.audit("peer_unblocked", { peer, success: true });
  }

  async join(group: string, peer: NodeId): Promise<void> {
    const sql = "INSERT OR IGNORE INTO group_members (peer, group_name) VALUES (?, ?)";
    await this.#change(() => this.#run(sql, peer, group));
    this.#note(peer, `join group ${group}`);
  }

  /** @returns Whether there was such a group. */
  async leave(group: string, peer: NodeId): Promise<boolean> {
    const sql = "DELETE FROM group_members WHERE peer = ? AND group_name = ?";
    const existed = await this.#changeGroup(group, () => this.#run(sql, peer, group));
    if (existed) this.#note(peer, `leave group ${group}`);
    return existed;
  }

  /** Inside a transaction: forgets, for all peers and groups, what begins with the name of a module. */
  writeForgetWords(module: string): void {
    const begin = `${module}_`;
    for (const table of ["peer_permissions", "group_permissions"]) {
      const sql = `DELETE FROM ${table} WHERE name = ? OR substr(name, 1, ?) = ?`;
      this.#run(sql, module, begin.length, begin);
    }
  }

  async allowGroup(group: string, name: string): Promise<void> {
    const sql = "INSERT OR IGNORE INTO group_permissions (group_name, name) VALUES (?, ?)";
    await this.#change(() => this.#run(sql, group, name));
    this.#note(null, `allow ${name} to group ${group}`);
  }

  /** @returns Whether there was such a group. */
  async resetGroup(group: string, name: string): Promise<boolean> {
    const sql = "DELETE FROM group_permissions WHERE group_name = ? AND name = ?";
    const existed = await this.#changeGroup(group, () => this.#run(sql, group, name));
    if (existed) this.#note(null, `reset ${name} of group ${group}`);
    return existed;
  }

  /** @returns Whether there was such a group. */
  async deleteGroup(group: string): Promise<boolean> {
    const existed = await this.#changeGroup(group, () => {
      this.#run("DELETE FROM group_members WHERE group_name = ?", group);
      this.#run("DELETE FROM group_permissions WHERE group_name = ?", group);
    });
    if (existed) this.#note(null, `delete group ${group}`);
    return existed;
  }

  /** All groups that have a member or a permission, by name. */
  groups(): Group[] {
    const names = this.#rows(
      "SELECT group_name AS name FROM group_members UNION SELECT group_name FROM group_permissions ORDER BY 1",
    );
    return names.map((row) => this.group(String(row.name)));
  }

  /** One group; empty if there is none of that name. */
  group(name: string): Group {
    const permissions = "SELECT name FROM group_permissions WHERE group_name = ? ORDER BY name";
    const members = "SELECT peer FROM group_members WHERE group_name = ? ORDER BY peer";
    return {
      name,
      permissions: this.#rows(permissions, name).map((row) => String(row.name)),
      members: this.#rows(members, name).map((row) => String(row.peer) as NodeId),
    };
  }

  of(peer: NodeId): PeerRights {
    return this.#rights.of(peer);
  }

  #read(peer: NodeId): PeerRights {
    const own = this.#rows(
      "SELECT name, allowed FROM peer_permissions WHERE peer = ? ORDER BY name",
      peer,
    );
    const named = (allowed: number) =>
      own.filter((row) => row.allowed === allowed).map((row) => String(row.name));
    const [allowed, denied] = [named(1), named(0)];
    const groups = this.#rows(
      "SELECT group_name FROM group_members WHERE peer = ? ORDER BY group_name",
      peer,
    ).map((row) => String(row.group_name));
    const [block] = this.#rows("SELECT since FROM blocked_peers WHERE peer = ?", peer);
    const granted = new Set([
      ...allowed,
      ...groups.flatMap((name) => this.group(name).permissions),
    ]);
    const effective = block !== undefined
      ? []
      : [...granted].filter((name) => !denied.includes(name)).sort();
    const blockedSince = block === undefined ? null : Number(block.since);
    return { allowed, denied, groups, effective, blockedSince };
  }

  /** Everybody about whom something was decided. */
  peers(): NodeId[] {
    const sql = [...TABLES, "blocked_peers"].map((table) => `SELECT peer FROM ${table}`);
    return this.#rows(sql.join(" UNION ")).map((row) => String(row.peer) as NodeId);
  }

  mentions(peer: NodeId): boolean {
    const { allowed, denied, groups, blockedSince } = this.of(peer);
    return blockedSince !== null || allowed.length + denied.length + groups.length > 0;
  }

  /** Inside a transaction: moves everything from an id to the one that followed it. Denies and blocks win. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#run(
      "INSERT INTO peer_permissions (peer, name, allowed) SELECT ?, name, allowed FROM peer_permissions WHERE peer = ? " +
        "ON CONFLICT (peer, name) DO UPDATE SET allowed = min(allowed, excluded.allowed)",
      next,
      old,
    );
    for (const table of ["group_members", "blocked_peers"]) {
      this.#run(`UPDATE OR IGNORE ${table} SET peer = ? WHERE peer = ?`, next, old);
    }
    for (const table of [...TABLES, "blocked_peers"]) {
      this.#run(`DELETE FROM ${table} WHERE peer = ?`, old);
    }
  }

  /** Inside a transaction: forgets all but a block. */
  writeForget(peer: NodeId): void {
    for (const table of TABLES) this.#run(`DELETE FROM ${table} WHERE peer = ?`, peer);
  }

  #note(peer: NodeId | null, why: string): void {
    const who = peer === null ? {} : { peer };
    this.#parts.events.audit("permission_changed", { ...who, success: true, why });
  }

  #change(apply: () => void): Promise<void> {
    return this.#parts.store.write(apply);
  }

  /** Changes a group if there is one of that name. @returns Whether there was. */
  async #changeGroup(name: string, apply: () => void): Promise<boolean> {
    let existed = false;
    await this.#change(() => {
      const { permissions, members } = this.group(name);
      existed = permissions.length + members.length > 0;
      if (existed) apply();
    });
    return existed;
  }

  #rows(sql: string, ...values: (string | number)[]) {
    return this.#parts.store.statement(sql).all(...values);
  }

  /** @returns How many rows it changed. */
  #run(sql: string, ...values: (string | number | null)[]): number {
    this.#rights.forget();
    return Number(this.#parts.store.statement(sql).run(...values).changes);
  }
}
