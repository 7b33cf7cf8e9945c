/**
 * The admin API of a directory: loopback only, for whoever can read the 0600 file in its data directory.
 *
 * @module
 */
import * as v from "valibot";
import type { NodeId } from "../crypto/encoding.ts";
import { isOfProgram } from "../ports/bearer_token.ts";
import { isToOwnHost } from "../ports/loopback.ts";
import { ADMIN_PROOF_PATH, answerAdminProof } from "../protocol/admin_proof.ts";
import {
  ADMIN_KEYS_PATH,
  ADMIN_NODES_PATH,
  adminKeysQuerySchema,
  adminNodeInputSchema,
  adminNodesQuerySchema,
  banInputSchema,
  type BanView,
  keyInputSchema,
  keyRevokeSchema,
  type NodeDetail,
  type NodesPage,
  type StoredNodeView,
} from "../protocol/directory_admin.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { jsonResponse, queryOf, readBodyInTime } from "../protocol/http.ts";
import { parseInput, parseJson } from "../protocol/schemas.ts";
import { KeysDesk, type KeysParts } from "./keys_desk.ts";
import { statusAt } from "./leases.ts";
import { nodeUnknownError } from "./lookup.ts";
import type { DirectoryParts } from "./parts.ts";
import type { DirectoryEntry, NodePlace, StoredBan } from "./stores/store.ts";

const MAX_INPUT_BYTES = 4_096;

type AdminParts = KeysParts & Pick<DirectoryParts, "own">;

function viewOf(entry: DirectoryEntry, nowMs: number): StoredNodeView {
  return {
    node_id: entry.id,
    alias: entry.alias,
    api_url: entry.apiUrl,
    services: entry.services,
    status: statusAt(entry, nowMs),
    unlisted: entry.unlisted,
    last_seen: entry.lastSeenAt,
    lease_end: entry.leaseEndAt,
    called_back: entry.calledBackAt,
  };
}

function banView({ id, bannedAt, note }: StoredBan): BanView {
  return { node_id: id, banned_at: bannedAt, note };
}

/** Where a page of nodes begins, as the page before has told it: `<lease end>.<id>`. */
function readPlace(after: string | undefined): NodePlace | null {
  if (after === undefined) return null;
  const [, leaseEnd, id] = /^(\d{1,15})\.([0-9A-Za-z]+)$/.exec(after) ?? [];
  if (id === undefined) throw new OpenRedError("bad_request", "Parameter after is of no page");
  return { leaseEndAt: Number(leaseEnd), id };
}

function notAllowed(method: string): OpenRedError {
  return new OpenRedError("method_not_allowed", `This path takes ${method}`);
}

/** What the operator of a directory may ask for. */
export class AdminApi {
  readonly #parts: AdminParts;
  readonly #keys: KeysDesk;

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#keys = new KeysDesk(parts);
  }

  /**
   * Answers one request.
   * @throws {OpenRedError} Any refusal.
   */
  async answer(request: Request, token: string): Promise<Response> {
    if (!isToOwnHost(request)) {
      throw new OpenRedError("forbidden", "The admin API is for programs of this machine only");
    }
    const { pathname } = new URL(request.url);
    if (pathname === ADMIN_PROOF_PATH) return await answerAdminProof(request, token);
    if (!isOfProgram(request, token)) {
      this.#parts.log.log("warn", "admin_refused", {});
      throw new OpenRedError("unauthorized", "The admin token is missing or wrong");
    }
    switch (pathname) {
      case ADMIN_NODES_PATH:
        return await this.#read(request, (query) => this.#page(query));
      case ADMIN_KEYS_PATH:
        return await this.#read(
          request,
          (query) => this.#keys.list(parseInput(adminKeysQuerySchema, query)),
        );
      case `${ADMIN_KEYS_PATH}/add`:
        return await this.#act(request, keyInputSchema, (input) => this.#keys.add(input));
      case `${ADMIN_KEYS_PATH}/revoke`:
        return await this.#act(request, keyRevokeSchema, (input) => this.#keys.revoke(input));
      case `${ADMIN_NODES_PATH}/show`:
        return await this.#act(request, adminNodeInputSchema, ({ id }) => this.#detail(id));
      case `${ADMIN_NODES_PATH}/remove`:
        return await this.#act(request, adminNodeInputSchema, ({ id }) => this.#remove(id));
      case `${ADMIN_NODES_PATH}/ban`:
        return await this.#act(request, banInputSchema, (input) => this.#ban(input));
      case `${ADMIN_NODES_PATH}/unban`:
        return await this.#act(request, adminNodeInputSchema, ({ id }) => this.#unban(id));
    }
    throw new OpenRedError("not_found", "There is nothing at this path");
  }

  async #read(request: Request, read: (query: unknown) => Promise<unknown>): Promise<Response> {
    if (request.method !== "GET") throw notAllowed("GET");
    return jsonResponse(await read(Object.fromEntries(queryOf(request))));
  }

  async #act<const S extends v.GenericSchema>(
    request: Request,
    schema: S,
    act: (input: v.InferOutput<S>) => Promise<unknown>,
  ): Promise<Response> {
    if (request.method !== "POST") throw notAllowed("POST");
    const { clock } = this.#parts;
    const body = await readBodyInTime(request, { maxBytes: MAX_INPUT_BYTES, clock });
    return jsonResponse(await act(parseInput(schema, parseJson(body))));
  }

  async #page(query: unknown): Promise<NodesPage> {
    const { kind, after, limit } = parseInput(adminNodesQuerySchema, query);
    const { clock, store } = this.#parts;
    if (kind === "banned") {
      const bans = await store.listBans({ after: after ?? "", limit });
      const last = bans.length < limit ? undefined : bans.at(-1);
      return { nodes: [], bans: bans.map(banView), next: last?.id ?? null };
    }
    const place = readPlace(after);
    const entries = await store.listAll({ after: place, limit, gone: kind === "gone" });
    const nowMs = clock.nowMs();
    const last = entries.length < limit ? undefined : entries.at(-1);
    const next = last === undefined ? null : `${last.leaseEndAt}.${last.id}`;
    return { nodes: entries.map((entry) => viewOf(entry, nowMs)), bans: [], next };
  }

  async #detail(id: NodeId): Promise<NodeDetail> {
    const { clock, store } = this.#parts;
    const { entry, succession, ban } = await store.find(id);
    return {
      node_id: id,
      node: entry === null ? null : viewOf(entry, clock.nowMs()),
      followed_by: succession?.newId ?? null,
      ban: ban === undefined ? null : banView(ban),
    };
  }

  async #remove(id: NodeId): Promise<NodeDetail> {
    const { log, store } = this.#parts;
    if (!await store.remove(id)) throw nodeUnknownError();
    log.log("info", "node_removed", { id });
    return await this.#detail(id);
  }

  async #ban({ id, note }: v.InferOutput<typeof banInputSchema>): Promise<NodeDetail> {
    const { clock, log, own, store } = this.#parts;
    if (id === own.id) throw new OpenRedError("bad_request", "This is the directory's own id");
    await store.ban({ id, bannedAt: clock.nowMs(), note });
    log.log("info", "node_banned", { id });
    return await this.#detail(id);
  }

  async #unban(id: NodeId): Promise<NodeDetail> {
    const { log, store } = this.#parts;
    if (!await store.unban(id)) throw new OpenRedError("not_found", "This id is not banned");
    log.log("info", "node_unbanned", { id });
    return await this.#detail(id);
  }
}
