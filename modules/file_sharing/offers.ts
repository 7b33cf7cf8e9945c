/**
 * What peers offer: kept until the owner takes it or not. Nothing of it is fetched before.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { FactorLevel } from "../../protocol/factor_level.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_OFFER_BYTES, offerBodySchema, offerHeaderSchema } from "../../protocol/file_frames.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { CallAnswer, ModuleContext, NodeId, PeerFrame } from "../api.ts";
import { DECLINE } from "./manifest.ts";
import type { Held, Records } from "./records.ts";

const MAX_OFFERS = 2_000;
const MAX_OF_PEER = 100;
/** Their lists, so that the owner gets all of them in one answer (16 MiB). */
const MAX_BYTES = 12 * 2 ** 20;
const MAX_BYTES_OF_PEER = 4 * 2 ** 20;
/** Beyond that a peer has less, so that a few do not take what is there for all. */
const CROWDED_BYTES = 8 * 2 ** 20;
const CROWDED_BYTES_OF_PEER = 2 ** 20;
/** Others that a file is fetched from at the same time. */
const MAX_SOURCES = 7;

export interface OfferedFile {
  readonly name: string;
  readonly length: number;
  /** Base64url; `null` for the empty file. */
  readonly root: string | null;
  /** A folder is two of them: its list, then what its files contain. */
  readonly kind?: "folder" | "content";
  /** How many files and empty folders a list has. */
  readonly entries?: number;
  /** When the file was changed last, as its owner's disk says. */
  readonly modifiedAt?: number;
}

export interface Offer {
  readonly share: string;
  readonly receivedAt: number;
  readonly expiresAt: number | null;
  readonly note: string | null;
  /** What this node's owner has to show first. */
  readonly require?: FactorLevel;
  readonly state: "offered" | "accepted" | "declined";
  readonly files: readonly OfferedFile[];
  /** Length of the note and the files as JSON. */
  readonly bytes: number;
}

export interface OfferParts
  extends Pick<ModuleContext, "clock" | "events" | "metrics" | "send" | "audit"> {
  readonly records: Records<Offer>;
  /** There is a new offer. */
  readonly arrived: (id: string) => void;
}

/** The offers of one node. */
export class Offers {
  readonly #parts: OfferParts;

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  /**
   * Answers the call that offers a share. The same share again changes nothing.
   * @throws {OpenRedError} `bad_request`, `too_large`; `overloaded` while too many offers wait for an answer.
   */
  async receive({ peer, header, body }: PeerFrame): Promise<CallAnswer> {
    const { records, clock, events } = this.#parts;
    const { share, expires_at, note, require } = parseInput(offerHeaderSchema, header);
    const known = this.#find(peer, share);
    if (known !== null) return { header: { state: known.value.state } };
    if (body.length > MAX_OFFER_BYTES) throw new OpenRedError("too_large", "The list is too long");
    const files = parseInput(offerBodySchema, parseJson(body))
      .map(({ name, length, root = null, kind, entries, modified_at: modifiedAt }) => ({
        name,
        length,
        root,
        ...(kind === undefined ? {} : { kind }),
        ...(entries === undefined ? {} : { entries }),
        ...(modifiedAt === undefined ? {} : { modifiedAt }),
      }));
    const bytes = encodeUtf8(JSON.stringify([note, files])).length;
    await this.#makeRoom(peer, bytes);
    const id = records.newId();
    const value: Offer = {
      share,
      receivedAt: clock.nowMs(),
      expiresAt: expires_at ?? null,
      note: note ?? null,
      ...(require === undefined ? {} : { require }),
      state: "offered",
      files,
      bytes,
    };
    await records.add({ id, peer, value });
    events.emit("offer", { id, peer });
    this.#note("files_offered", { id, peer, value });
    this.#parts.arrived(id);
    return { header: { state: "offered" } };
  }

  #find(peer: NodeId, share: string): Held<Offer> | null {
    return this.#parts.records.of(peer).find(({ value }) => value.share === share) ?? null;
  }

  /** Those that were answered, or have expired, give way: the oldest first. */
  async #makeRoom(peer: NodeId, bytes: number): Promise<void> {
    for (let full = this.#full(peer, bytes); full !== null; full = this.#full(peer, bytes)) {
      const nowMs = this.#parts.clock.nowMs();
      const over = full.find(({ value }) =>
        value.state !== "offered" || (value.expiresAt ?? Infinity) <= nowMs
      );
      if (over === undefined) {
        throw new OpenRedError("overloaded", "Too many offers wait for an answer here");
      }
      await this.#parts.records.remove(over.id);
    }
  }

  /** @returns The offers of which one has to go before another one comes; `null` where there is room. */
  #full(peer: NodeId, bytes: number): readonly Held<Offer>[] | null {
    const all = this.#parts.records.all();
    const ofPeer = all.filter((held) => held.peer === peer);
    const bytesOfPeer = bytes + bytesOf(ofPeer);
    if (ofPeer.length >= MAX_OF_PEER || bytesOfPeer > MAX_BYTES_OF_PEER) return ofPeer;
    const allBytes = bytes + bytesOf(all);
    const isCrowded = allBytes > CROWDED_BYTES && bytesOfPeer > CROWDED_BYTES_OF_PEER;
    return isCrowded || all.length >= MAX_OFFERS || allBytes > MAX_BYTES ? all : null;
  }

  /** Where the same content was offered by others, and may be had without that anybody is asked for anything. */
  alsoAt(
    { root, length }: OfferedFile,
    than: NodeId,
  ): readonly { readonly peer: NodeId; readonly share: string; readonly file: number }[] {
    const nowMs = this.#parts.clock.nowMs();
    return this.#parts.records.all().flatMap(({ peer, value: { share, files, ...offer } }) => {
      const isOver = offer.state === "declined" || (offer.expiresAt ?? Infinity) <= nowMs;
      if (peer === than || isOver || offer.require !== undefined) return [];
      const file = files.findIndex((one) => one.root === root && one.length === length);
      return file < 0 ? [] : [{ peer, share, file }];
    }).slice(0, MAX_SOURCES);
  }

  /** @throws {OpenRedError} `not_found`. */
  get(id: string): Held<Offer> {
    const held = this.#parts.records.get(id);
    if (held === null) throw new OpenRedError("not_found", "There is no offer of this name");
    return held;
  }

  #note(
    event: "files_offered" | "files_accepted" | "files_declined",
    { id, peer, value }: Held<Offer>,
  ): void {
    const fields = { peer, success: true, offer: id, bytes: lengthOf(value.files) };
    this.#parts.audit?.note(event, fields, event === "files_offered" ? "peer" : "owner");
  }

  async accepted(id: string): Promise<void> {
    const { peer, value } = this.get(id);
    await this.#parts.records.change(id, (offer) => ({ ...offer, state: "accepted" }));
    this.#note("files_accepted", { id, peer, value });
  }

  /** @throws {OpenRedError} `not_found`; `bad_request` for an offer that was accepted. */
  async decline(id: string): Promise<void> {
    const { peer, value } = this.get(id);
    if (value.state === "accepted") {
      throw new OpenRedError("bad_request", "This was accepted; its transfer can be cancelled");
    }
    if (value.state === "declined") return;
    await this.#parts.records.change(id, (offer) => ({ ...offer, state: "declined" }));
    this.#note("files_declined", { id, peer, value });
    // Repeated for as long as this node runs; where it stops before, the share stays offered there.
    const { share } = value;
    const sending = this.#parts.send({
      peer,
      type: DECLINE,
      id: `decline-${share}`,
      header: { share },
    });
    sending.acknowledged.catch(() => this.#parts.metrics.count("declines_lost"));
  }
}

/** What their files have together. */
function lengthOf(files: readonly OfferedFile[]): number {
  return files.reduce((sum, { length }) => sum + length, 0);
}

function bytesOf(offers: readonly Held<Offer>[]): number {
  return offers.reduce((sum, { value }) => sum + value.bytes, 0);
}
