/**
 * Whom somebody here decided about: allowed, denied or blocked it, put it into a group, named it, asked for it,
 * or holds an invitation of it.
 * Everybody else is a stranger, who gets nothing that lasts (docs/ARCHITECTURE.md, "Strangers").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { HeldInvitations } from "./held_invitations.ts";
import type { Permissions } from "./permissions.ts";
import type { Petnames } from "./petnames.ts";

export interface DecisionParts {
  readonly permissions: Pick<Permissions, "mentions" | "peers">;
  readonly petnames: Pick<Petnames, "of" | "peers">;
  readonly held: Pick<HeldInvitations, "has" | "peers">;
}

/** The decisions of one node's owner, as far as they tell strangers from others. */
export class Decisions {
  readonly #parts: DecisionParts;

  constructor(parts: DecisionParts) {
    this.#parts = parts;
  }

  /** Whether somebody here decided anything about a peer. Whoever connects or writes to one has. */
  isDecided(peer: NodeId): boolean {
    const { permissions, petnames, held } = this.#parts;
    return permissions.mentions(peer) || petnames.of(peer) !== null || held.has(peer);
  }

  /** Everybody about whom {@linkcode isDecided} holds: one look at the database for all of them. */
  all(): ReadonlySet<NodeId> {
    const { permissions, petnames, held } = this.#parts;
    return new Set([...permissions.peers(), ...petnames.peers(), ...held.peers()]);
  }
}
