/**
 * What a node keeps, on disk or in memory: all that is there before anything is sent.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import type { Clock, Files, Random } from "../ports/ports.ts";
import { restoredAtMs, RestoredMark } from "./own/restored_mark.ts";
import type { NodeConfig } from "./config.ts";
import { ContactDirectories } from "./directories/contact_directories.ts";
import { Decisions } from "./peers/decisions.ts";
import { HeldInvitations } from "./peers/held_invitations.ts";
import { InvitationSecrets } from "./peers/invitation_secrets.ts";
import { Invitations } from "./peers/invitations.ts";
import { Petnames } from "./peers/petnames.ts";
import type { NodeEvents } from "./events/events.ts";
import { MethodBook } from "./own/method_book.ts";
import { OwnRecord } from "./own/own_record.ts";
import { PeerBook } from "./peers/peer_book.ts";
import { DenialLog } from "./events/denial_log.ts";
import { Permissions } from "./peers/permissions.ts";
import { SessionTable } from "./sessions/session.ts";
import type { NodeStore } from "./store/store.ts";
import { OwnSuccession } from "./own/own_succession.ts";
import { ValidationCache } from "./tokens/validation_cache.ts";
import { TokenVault } from "./tokens/vault.ts";

interface HoldingsParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly store: NodeStore;
  readonly events: NodeEvents;
}

export interface Holdings {
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly decisions: Decisions;
  readonly denials: DenialLog;
  readonly petnames: Petnames;
  readonly invitations: Invitations;
  readonly held: HeldInvitations;
  readonly contactDirectories: ContactDirectories;
  readonly succession: OwnSuccession;
  readonly restored: RestoredMark;
  readonly vault: TokenVault;
  readonly validations: ValidationCache;
  readonly methods: MethodBook;
  readonly ownRecord: OwnRecord;
  readonly table: SessionTable;
}

/** Makes them; the book and the vault are yet to be loaded. */
export function createHoldings(
  parts: HoldingsParts,
  config: NodeConfig,
  keys: OpenedKeystore,
): Holdings {
  const { store } = parts;
  const [noiseKey] = keys.noiseKeys;
  if (noiseKey === undefined) throw new RangeError("The keystore holds no noise key");
  const own = { identity: keys.identity, noiseKey: noiseKey.publicKey };
  const methods = new MethodBook(parts);
  const permissions = new Permissions(parts);
  const petnames = new Petnames(store);
  const secrets = new InvitationSecrets(parts.crypto, keys.storage);
  const held = new HeldInvitations({ ...parts, permissions, secrets });
  const decisions = new Decisions({ permissions, petnames, held });
  parts.events.nameWith((peer) => petnames.of(peer as NodeId));
  parts.events.decideWith((peer) => decisions.isDecided(peer as NodeId));
  const holdings = {
    methods,
    book: new PeerBook(parts, keys.nodeId as NodeId),
    permissions,
    decisions,
    denials: new DenialLog(parts),
    petnames,
    invitations: new Invitations({
      ...parts,
      permissions,
      petnames,
      secrets,
      restoredAtMs: restoredAtMs(store),
    }),
    held,
    contactDirectories: new ContactDirectories(store),
    succession: new OwnSuccession(store),
    restored: new RestoredMark(store),
    vault: new TokenVault(parts, keys.vault),
    validations: new ValidationCache(),
    ownRecord: new OwnRecord({ ...parts, methods }, config, own),
    table: new SessionTable(),
  };
  const { invitations, contactDirectories, succession } = holdings;
  const moved = [permissions, petnames, invitations, held, contactDirectories, succession];
  for (const moving of moved) {
    holdings.book.alsoMoves((old, next) => moving.writeMove(old, next));
  }
  return holdings;
}
