/**
 * The invitations of this node's owner: who was let in by which, and whom they still let in.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { INVITATION_SECRET_BYTES } from "../../protocol/contact_link.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { InvitationRefusal } from "../../protocol/invitation.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import type { InvitationState } from "../../protocol/invitation_api.ts";
import type { NodeStore } from "../store/store.ts";
import type { InvitationSecrets } from "./invitation_secrets.ts";
import type { Permissions } from "./permissions.ts";
import type { Petnames } from "./petnames.ts";

/** How many can be open at a time. */
const MAX_OPEN = 1_000;
/** For how long one that is over is listed, and answered alike to whoever used it. */
const KEPT_MS = 30 * 24 * 3_600_000;

export interface InvitationsParts {
  readonly store: NodeStore;
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
  readonly permissions: Permissions;
  readonly petnames: Petnames;
  readonly secrets: InvitationSecrets;
  /** When the data came from a backup, which does not know what was used since. */
  readonly restoredAtMs: number | null;
}

export interface Invitation {
  readonly id: string;
  readonly name: string | null;
  readonly uses: number;
  /** In order; `null` for somebody who was forgotten here. */
  readonly usedBy: readonly { readonly peer: NodeId | null; readonly usedAt: number }[];
  readonly madeAt: number;
  readonly expiresAt: number;
  readonly state: InvitationState;
}

/** What became of an invitation that was shown. `again`: by whom it had let in before. */
export type InvitationUse =
  | { readonly kind: "accepted"; readonly granted: readonly string[]; readonly name: string | null }
  | { readonly kind: "again" | "blocked" }
  | { readonly kind: "refused"; readonly code: InvitationRefusal };

const REFUSALS = {
  used: "invitation_used",
  expired: "invitation_expired",
  revoked: "invitation_revoked",
} as const satisfies Record<Exclude<InvitationState, "open">, InvitationRefusal>;

const SELECT = "SELECT id, name, uses, made_at, expires_at, revoked_at FROM invitations";

/** The invitations of one node. */
export class Invitations {
  readonly #parts: InvitationsParts;

  constructor(parts: InvitationsParts) {
    this.#parts = parts;
  }

  /**
   * Makes one; its secret is nowhere else in the clear.
   * @param options `name`: what whoever uses it will be called, in the form that `parsePetname` returns.
   * @throws {OpenRedError} `bad_request` for a name that a peer has or another open one gives; `overloaded` where too
   *   many are open.
   */
  async make(
    { uses, lifeMs, name }: { uses: number; lifeMs: number; name: string | null },
  ): Promise<{ invitation: Invitation; secret: Uint8Array<ArrayBuffer> }> {
    const { store, clock, petnames, secrets } = this.#parts;
    const { secret, id } = await this.#draw();
    const sealed = await secrets.seal(secret.slice(), "own", id);
    await store.write(() => {
      const open = this.open();
      if (open.length >= MAX_OPEN) {
        throw new OpenRedError("overloaded", `There are ${MAX_OPEN} open invitations already`);
      }
      const isTaken = name !== null &&
        (petnames.find(name) !== null || open.some((other) => other.name === name));
      if (isTaken) {
        throw new OpenRedError("bad_request", "A peer has this name here, or is to get it");
      }
      const nowMs = clock.nowMs();
      store.statement(
        "INSERT INTO invitations (id, secret, name, uses, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      ).run(id, sealed, name, uses, nowMs, nowMs + lifeMs);
    });
    return { invitation: this.find(id)!, secret };
  }

  /** An id that looks like an option would have to be written in a way of its own. */
  async #draw(): Promise<{ secret: Uint8Array<ArrayBuffer>; id: string }> {
    for (;;) {
      const secret = this.#parts.random.bytes(INVITATION_SECRET_BYTES);
      const id = await secretId(secret);
      if (!id.startsWith("-")) return { secret, id };
    }
  }

  /** All that are listed, the oldest first. */
  list(): Invitation[] {
    const rows = this.#parts.store.statement(`${SELECT} ORDER BY made_at, id`).all();
    return rows.map((row) => this.#read(row));
  }

  /** Those that can still let somebody in, the oldest first. */
  open(): Invitation[] {
    return this.list().filter(({ state }) => state === "open");
  }

  find(id: string): Invitation | null {
    const row = this.#parts.store.statement(`${SELECT} WHERE id = ?`).get(id);
    return row === undefined ? null : this.#read(row);
  }

  #read(row: Readonly<Record<string, unknown>>): Invitation {
    const id = String(row.id);
    const usedBy = this.#parts.store.statement(
      "SELECT peer, used_at FROM invitation_uses WHERE invitation = ? ORDER BY number",
    ).all(id).map(({ peer, used_at }) => ({
      peer: peer === null ? null : String(peer) as NodeId,
      usedAt: Number(used_at),
    }));
    const invitation = {
      id,
      name: row.name === null ? null : String(row.name),
      uses: Number(row.uses),
      usedBy,
      madeAt: Number(row.made_at),
      expiresAt: Number(row.expires_at),
    };
    return { ...invitation, state: this.#stateOf(invitation, row.revoked_at !== null) };
  }

  #stateOf(invitation: Omit<Invitation, "state">, isRevoked: boolean): InvitationState {
    const { clock, restoredAtMs } = this.#parts;
    const { usedBy, uses, madeAt, expiresAt } = invitation;
    if (usedBy.length >= uses) return "used";
    if (isRevoked || (restoredAtMs !== null && madeAt <= restoredAtMs)) return "revoked";
    return expiresAt <= clock.nowMs() ? "expired" : "open";
  }

  /** The secret of one, or `null` if there is no such invitation. */
  async secretOf(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const { store, secrets } = this.#parts;
    const row = store.statement("SELECT secret FROM invitations WHERE id = ?").get(id);
    return row === undefined ? null : await secrets.open(row.secret as Uint8Array, "own", id);
  }

  /**
   * Lets in a peer that has proven that it holds the secret: counted, accepted and named in one transaction, which is
   * durable when this resolves. A block outranks it; what was denied stays denied.
   */
  async use(id: string, peer: NodeId): Promise<InvitationUse> {
    const { store, permissions } = this.#parts;
    let use = { kind: "refused", code: "invitation_unknown" } as InvitationUse;
    await store.write(() => void (use = this.#writeUse(id, peer)));
    if (use.kind === "accepted") permissions.noteGranted(peer, use.granted);
    return use;
  }

  #writeUse(id: string, peer: NodeId): InvitationUse {
    const { store, clock, permissions, petnames } = this.#parts;
    if (permissions.isBlocked(peer)) return { kind: "blocked" };
    const invitation = this.find(id);
    if (invitation === null) return { kind: "refused", code: "invitation_unknown" };
    if (invitation.usedBy.some((use) => use.peer === peer)) return { kind: "again" };
    const { state, name } = invitation;
    if (state !== "open") return { kind: "refused", code: REFUSALS[state] };
    store.statement("INSERT INTO invitation_uses (invitation, peer, used_at) VALUES (?, ?, ?)")
      .run(id, peer, clock.nowMs());
    const granted = permissions.writeAccept(peer);
    const isNamed = name !== null && petnames.of(peer) === null && petnames.writeGive(peer, name);
    return { kind: "accepted", granted, name: isNamed ? name : petnames.of(peer) };
  }

  /** @throws {OpenRedError} `not_found`. */
  async revoke(id: string): Promise<Invitation> {
    const { store, clock } = this.#parts;
    const sql = "UPDATE invitations SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?";
    await store.write(() => void store.statement(sql).run(clock.nowMs(), id));
    const invitation = this.find(id);
    if (invitation === null) throw new OpenRedError("not_found", "There is no such invitation");
    return invitation;
  }

  /** Forgets those that have been over for a month. */
  async cleanUp(): Promise<void> {
    const { store, clock } = this.#parts;
    const before = clock.nowMs() - KEPT_MS;
    const over = store.statement("SELECT 1 FROM invitations WHERE expires_at < ? LIMIT 1");
    if (over.get(before) === undefined) return;
    const ofOver = "SELECT id FROM invitations WHERE expires_at < ?";
    await store.write(() => {
      store.statement(`DELETE FROM invitation_uses WHERE invitation IN (${ofOver})`).run(before);
      store.statement("DELETE FROM invitations WHERE expires_at < ?").run(before);
    });
  }

  /** Inside a transaction: whom an invitation let in is the id that followed now. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#parts.store.statement("UPDATE OR IGNORE invitation_uses SET peer = ? WHERE peer = ?")
      .run(next, old);
    this.writeForget(old);
  }

  /** Inside a transaction: the use counts on, and nobody is let in again by it. */
  writeForget(peer: NodeId): void {
    this.#parts.store.statement("UPDATE invitation_uses SET peer = NULL WHERE peer = ?").run(peer);
  }
}
