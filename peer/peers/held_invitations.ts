/**
 * Invitations that others gave to this node's owner: kept until the node that made one has answered.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import { Remembered } from "../store/remembered.ts";
import type { NodeStore } from "../store/store.ts";
import type { InvitationSecrets } from "./invitation_secrets.ts";
import type { Permissions } from "./permissions.ts";

/** For how long a node looks for who made one. */
const KEPT_MS = 366 * 24 * 3_600_000;

export interface HeldInvitationsParts {
  readonly store: NodeStore;
  readonly clock: Pick<Clock, "nowMs">;
  readonly permissions: Permissions;
  readonly secrets: InvitationSecrets;
}

export interface HeldInvitation {
  readonly id: string;
  /** 16 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** At most one for each peer. */
export class HeldInvitations {
  readonly #parts: HeldInvitationsParts;
  readonly #ids: Remembered<string | null>;

  constructor(parts: HeldInvitationsParts) {
    this.#parts = parts;
    const { store } = parts;
    this.#ids = new Remembered({
      isInside: () => store.isInside,
      read: (peer) => {
        const row = store.statement("SELECT id FROM held_invitations WHERE peer = ?").get(peer);
        return row === undefined ? null : String(row.id);
      },
    });
  }

  has(peer: NodeId): boolean {
    return this.#ids.of(peer) !== null;
  }

  /** Everybody who is still to answer. */
  peers(): NodeId[] {
    return this.#parts.store.statement("SELECT peer FROM held_invitations").all()
      .map(({ peer }) => String(peer) as NodeId);
  }

  /** Keeps one, in the place of a former one of the same peer. @param secret 16 bytes. */
  async hold(peer: NodeId, secret: Uint8Array<ArrayBuffer>): Promise<void> {
    const { store, clock, secrets } = this.#parts;
    const id = await secretId(secret);
    const sealed = await secrets.seal(secret.slice(), "held", id);
    const sql =
      "INSERT OR REPLACE INTO held_invitations (peer, id, secret, since) VALUES (?, ?, ?, ?)";
    await store.write(() => {
      this.#ids.forget();
      store.statement(sql).run(peer, id, sealed, clock.nowMs());
    });
  }

  async of(peer: NodeId): Promise<HeldInvitation | null> {
    const { store, secrets } = this.#parts;
    const row = store.statement("SELECT id, secret FROM held_invitations WHERE peer = ?").get(peer);
    if (row === undefined) return null;
    const id = String(row.id);
    return { id, secret: await secrets.open(row.secret as Uint8Array, "held", id) };
  }

  /**
   * Ends one, whose maker has answered.
   * @param options `accept`: its maker has proven itself, and is accepted in the same transaction.
   * @returns Whether it was still held.
   */
  async end(peer: NodeId, { id, accept }: { id: string; accept: boolean }): Promise<boolean> {
    const { store, permissions } = this.#parts;
    let granted: readonly string[] = [];
    let wasHeld = false;
    await store.write(() => {
      this.#ids.forget();
      wasHeld = store.statement("DELETE FROM held_invitations WHERE peer = ? AND id = ?")
        .run(peer, id).changes > 0;
      const mayAccept = wasHeld && accept && !permissions.isBlocked(peer);
      granted = mayAccept ? permissions.writeAccept(peer) : [];
    });
    permissions.noteGranted(peer, granted);
    return wasHeld;
  }

  async cleanUp(): Promise<void> {
    const { store, clock } = this.#parts;
    const before = clock.nowMs() - KEPT_MS;
    const old = store.statement("SELECT 1 FROM held_invitations WHERE since < ? LIMIT 1");
    if (old.get(before) === undefined) return;
    await store.write(() => {
      this.#ids.forget();
      store.statement("DELETE FROM held_invitations WHERE since < ?").run(before);
    });
  }

  /** Inside a transaction: the id that followed is to answer. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#ids.forget();
    this.#parts.store.statement("UPDATE OR IGNORE held_invitations SET peer = ? WHERE peer = ?")
      .run(next, old);
    this.writeForget(old);
  }

  /** Inside a transaction. */
  writeForget(peer: NodeId): void {
    this.#ids.forget();
    this.#parts.store.statement("DELETE FROM held_invitations WHERE peer = ?").run(peer);
  }
}
