/**
 * Who may say something of a group here, and how much of groups this node keeps in which its owner is not.
 *
 * @module
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../../api.ts";
import type { Group } from "./group.ts";

/** Groups that one peer may bring and about which nobody here has decided. */
const MAX_OF_PEER = 32;
const MAX_OF_STRANGER = 2;
/** Those of all strangers together: ids cost nothing. */
const MAX_OF_STRANGERS = 64;
/** What is kept of one of them, until it is accepted. */
const MAX_BYTES = 2 ** 20;
const MAX_BYTES_OF_STRANGER = 256 * 2 ** 10;

const OPEN = "stage IN ('coming', 'invited')";
/** A stranger whose invitations were declined has brought them all the same. */
const BROUGHT = "stage IN ('coming', 'invited', 'declined', 'removed')";

export class Invitations {
  readonly #tables: ModuleTables;
  readonly #own: ModuleContext["own"];

  constructor(parts: Pick<ModuleContext, "own"> & { readonly tables: ModuleTables }) {
    this.#tables = parts.tables;
    this.#own = parts.own;
  }

  /**
   * Whether somebody has a part in a group that is here: one of its people, or who followed one of them, or whoever
   * brings it while nobody has accepted it.
   */
  admits(group: string, peer: NodeId): boolean {
    const bringer = this.#tables.statement(
      "SELECT 1 FROM messaging_groups WHERE conversation = ? AND inviter = ? AND stage IN ('coming', 'invited')",
    ).get(group, peer);
    if (bringer !== undefined || this.#isPerson(group, peer)) return true;
    return this.#tables.statement("SELECT id FROM messaging_group_people WHERE conversation = ?")
      .all(group).some(({ id }) => this.#tables.peers.lastId(id as NodeId) === peer);
  }

  #isPerson(group: string, peer: NodeId): boolean {
    return this.#tables.statement(
      "SELECT 1 FROM messaging_group_people WHERE conversation = ? AND id = ?",
    ).get(group, peer) !== undefined;
  }

  /** @throws {OpenRedError} `forbidden` where a peer has brought as many groups as are kept of it. */
  check(peer: NodeId, isRequest: boolean): void {
    if (!isRequest) {
      if (this.#count(`${OPEN} AND inviter = ?`, peer) >= MAX_OF_PEER) throw full();
      return;
    }
    if (this.#count(`${BROUGHT} AND inviter = ?`, peer) >= MAX_OF_STRANGER) throw full();
    if (this.#count(`${BROUGHT} AND of_stranger = 1`) >= MAX_OF_STRANGERS) throw full();
  }

  /** @throws {OpenRedError} `forbidden` where a group that the owner of this node never accepted has become too large. */
  checkRoom(group: Group, bytes: number): void {
    if (group.wasAccepted(this.#own.id)) return;
    const row = this.#tables.statement(
      `SELECT SUM(LENGTH(sealed)) AS bytes FROM messaging_group_statements WHERE conversation = ?`,
    ).get(group.id);
    const most = group.facts.ofStranger ? MAX_BYTES_OF_STRANGER : MAX_BYTES;
    if (Number(row?.bytes ?? 0) + bytes > most) throw full();
  }

  #count(condition: string, ...values: string[]): number {
    const row = this.#tables.statement(
      `SELECT COUNT(*) AS count FROM messaging_groups WHERE ${condition}`,
    ).get(...values);
    return Number(row?.count ?? 0);
  }
}

function full(): OpenRedError {
  return new OpenRedError("forbidden", "No more groups of this peer are kept");
}
