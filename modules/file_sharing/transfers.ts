/**
 * What this node fetches: each accepted offer until it is whole, through restarts on either side.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { TransferState, TransferWay } from "../../protocol/file_sharing_api.ts";
import type { LandingFolder, ModuleContext, NodeId } from "../api.ts";
import { download, type DownloadParts, type Transfer } from "./download.ts";
import type { Checked } from "./fetching.ts";
import { placeOf, removeUnlanded } from "./folder_place.ts";
import { newPartName } from "./landing.ts";
import type { Offer } from "./offers.ts";
import { pause } from "./pause.ts";
import type { Held, Records } from "./records.ts";
import { roomOf } from "./room.ts";
import { WrongContent } from "./source.ts";
import type { Unlocking } from "./unlocking.ts";

const ID_BYTES = 16;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;
/** Those that are over, and the names in them. */
const MAX_OVER = 1_000;
const MAX_OVER_BYTES = 4 * 2 ** 20;
const WRONG = "The peer sent something else than it had offered";

export interface TransferParts
  extends DownloadParts, Pick<ModuleContext, "clock" | "random" | "events" | "log" | "audit"> {
  readonly records: Records<Transfer>;
  readonly unlocking: Unlocking;
}

/** A transfer that goes on. */
interface Run {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Ends a pause. */
  wake: AbortController;
  /** Why it waits; `null` while it goes on. */
  waits: string | null;
  /** Of the file under way. */
  bytes: number;
  checked: Checked | null;
  /** How it came last. */
  way: TransferWay | null;
  readonly liars: Set<NodeId>;
}

/** The transfers of one node. */
export class Transfers {
  readonly #parts: TransferParts;
  readonly #runs = new Map<string, Run>();
  /** One begins after the other, so that none counts on room that another one gets. */
  #begun: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** Goes on with what an earlier run left. */
  start(): void {
    for (const { id, value } of this.#parts.records.all()) {
      if (value.state === "running") this.#run(id);
    }
  }

  /** Nothing is fetched any more when it resolves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#runs.keys()].map((id) => this.#halt(id)));
  }

  /**
   * Begins to fetch what was offered.
   * @throws {OpenRedError} `not_found`, `forbidden` for the folder, and for a peer that asks for a factor and may not;
   *   `overloaded` where its disk has no room for it.
   */
  begin(
    offer: Held<Offer>,
    wanted: { readonly folder: string; readonly keepTimes: boolean },
  ): Promise<void> {
    const begun = this.#begun.then(() => this.#begin(offer, wanted));
    this.#begun = begun.catch(() => undefined);
    return begun;
  }

  async #begin(
    { id, peer, value }: Held<Offer>,
    { folder, keepTimes }: { readonly folder: string; readonly keepTimes: boolean },
  ): Promise<void> {
    const { records, random, disk, unlocking } = this.#parts;
    if (records.get(id) !== null) return;
    if (value.require !== undefined) await unlocking.check(peer);
    const place = await disk.openFolder(folder);
    const { path } = place;
    await this.#checkRoom(place, value.files);
    const part = `${newPartName(random)}.part`;
    const transfer: Transfer = {
      share: value.share,
      files: value.files,
      folder: path,
      keepTimes,
      download: encodeBase64Url(random.bytes(ID_BYTES)),
      ...(value.require === undefined ? {} : { require: value.require }),
      state: "running",
      why: null,
      at: 0,
      part,
      landing: null,
      landed: [],
    };
    await records.add({ id, peer, value: transfer });
    this.#run(id);
    await this.#forgetOldest();
  }

  /** What other transfers have not written yet counts as if it were there, wherever it lands. */
  async #checkRoom(place: LandingFolder, files: Transfer["files"]): Promise<void> {
    const freeBytes = await place.freeBytes();
    if (freeBytes === null) return;
    const open = this.#parts.records.all().filter(({ value }) => !isEnded(value));
    const reserved = open.reduce((sum, held) => {
      return sum + roomOf(held.value.files) - this.doneBytes(held);
    }, 0);
    const missing = roomOf(files) + reserved - freeBytes;
    if (missing <= 0) return;
    const more = reserved > 0 ? ", with what is on its way here" : "";
    throw new OpenRedError("overloaded", `The disk lacks ${missing} bytes for it${more}`);
  }

  /** Of those that are over the oldest are forgotten, so that records and lists stay short. */
  async #forgetOldest(): Promise<void> {
    const { records } = this.#parts;
    let [count, bytes] = [0, 0];
    for (const { id, value } of records.all().toReversed()) {
      if (!isOver(value)) continue;
      count += 1;
      bytes += namesLength(value);
      if (count <= MAX_OVER && bytes <= MAX_OVER_BYTES) continue;
      await records.remove(id);
      if (value.state === "failed") await this.#removePart(value);
    }
  }

  /** The peer is there. */
  pump(peer: NodeId): void {
    for (const { id } of this.#parts.records.of(peer)) this.#runs.get(id)?.wake.abort();
  }

  /** How many transfers wait for a peer. */
  waiting(peer: NodeId): number {
    return this.#parts.records.of(peer).filter(({ value }) => value.state === "running").length;
  }

  /** @throws {OpenRedError} `not_found`; `bad_request` for one that is over. */
  async pause(id: string): Promise<void> {
    this.#open(id);
    await this.#halt(id);
    await this.#change(id, { state: "paused", why: null });
  }

  /** @throws {OpenRedError} `not_found`; `bad_request` for one that is over for good. */
  async resume(id: string): Promise<void> {
    // A run that has ended is there until its end is on disk.
    if (this.#open(id).value.state !== "running") await this.#runs.get(id)?.done;
    this.#open(id);
    await this.#change(id, { state: "running", why: null });
    this.#run(id);
  }

  /** What has landed stays; what has not goes. @throws {OpenRedError} As {@linkcode pause}. */
  async cancel(id: string): Promise<void> {
    const { value } = this.#open(id);
    await this.#halt(id);
    await this.#change(id, { state: "cancelled", why: null });
    await this.#removePart(value);
  }

  /** Forgets those that are over; what has landed stays. */
  async forgetOver(): Promise<void> {
    const { records } = this.#parts;
    for (const { id } of records.all()) {
      const held = records.get(id);
      if (held === null || !isOver(held.value) || this.#runs.has(id)) continue;
      await records.remove(id);
      if (held.value.state === "failed") await this.#removePart(held.value);
    }
  }

  /** Nothing of a peer is fetched any more. */
  async drop(gone: readonly Held<Transfer>[]): Promise<void> {
    for (const { id, value } of gone) {
      await this.#halt(id);
      if (value.state !== "done") await this.#removePart(value);
    }
  }

  /** Those under way go on with the peer that followed another one. */
  moved(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#runs.has(id)) {
        this.#halt(id).then(() => this.#run(id)).catch((error) => this.#failed(error));
      }
    }
  }

  stateOf({ id, value }: Held<Transfer>): { state: TransferState; why: string | null } {
    const waits = this.#runs.get(id)?.waits ?? null;
    if (value.state !== "running" || waits === null) return value;
    return { state: "waiting", why: waits };
  }

  doneBytes({ id, value }: Held<Transfer>): number {
    const before = value.files.slice(0, value.at).reduce((sum, { length }) => sum + length, 0);
    return before + (this.#runs.get(id)?.bytes ?? 0);
  }

  /** How it comes, while it is under way. */
  wayOf(id: string): TransferWay | null {
    return this.#runs.get(id)?.way ?? null;
  }

  #get(id: string): Held<Transfer> {
    const held = this.#parts.records.get(id);
    if (held === null) throw new OpenRedError("not_found", "There is no transfer of this name");
    return held;
  }

  #open(id: string): Held<Transfer> {
    const held = this.#get(id);
    if (isEnded(held.value)) throw overError();
    return held;
  }

  async #removePart(transfer: Transfer): Promise<void> {
    try {
      await removeUnlanded(this.#parts.disk, transfer);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.#parts.log.log("warn", "part_left", { text: error.message });
    }
  }

  async #change(id: string, change: Partial<Transfer>): Promise<void> {
    const { records, events, audit } = this.#parts;
    await records.change(id, (value) => ({ ...value, ...change }));
    const { state } = change;
    if (state === undefined) return;
    events.emit("transfer", { id, state });
    const peer = records.get(id)?.peer;
    if (peer === undefined || !["done", "failed", "cancelled"].includes(state)) return;
    audit?.note("files_fetched", { peer, success: state === "done", offer: id, state }, "peer");
  }

  async #halt(id: string): Promise<void> {
    const run = this.#runs.get(id);
    run?.stop.abort();
    await run?.done;
  }

  #run(id: string): void {
    if (this.#isStopped || this.#runs.has(id)) return;
    if (this.#parts.records.get(id)?.value.state !== "running") return;
    const run: Run = {
      stop: new AbortController(),
      done: Promise.resolve(),
      wake: new AbortController(),
      waits: null,
      bytes: 0,
      checked: null,
      way: null,
      liars: new Set(),
    };
    const done = this.#repeat(id, run).catch((error) => this.#failed(error)).finally(() => {
      this.#runs.delete(id);
    });
    this.#runs.set(id, Object.assign(run, { done }));
  }

  #failed(error: unknown): void {
    this.#parts.log.log("error", "transfer_failed", { text: String(error) });
  }

  /** Tries until it is whole, is over, or is stopped. */
  async #repeat(id: string, run: Run): Promise<void> {
    const { signal } = run.stop;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      const before = this.#reached(id, run);
      run.wake = new AbortController();
      const end = await this.#try(id, run);
      if (signal.aborted) return;
      if (end === null) return await this.#change(id, { state: "done", why: null });
      if ("state" in end) return await this.#change(id, end);
      run.waits = end.waits;
      if (this.#reached(id, run) > before) pauseMs = FIRST_PAUSE_MS;
      await pause(this.#parts.clock, pauseMs, AbortSignal.any([signal, run.wake.signal]));
      pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
    }
  }

  #reached(id: string, run: Run): number {
    return (this.#parts.records.get(id)?.value.at ?? 0) * 2 ** 40 + run.bytes;
  }

  /** @returns `null` once it is whole; how it is over; or why it has to wait. */
  async #try(
    id: string,
    run: Run,
  ): Promise<null | Pick<Transfer, "state" | "why"> | { readonly waits: string }> {
    const held = this.#parts.records.get(id);
    if (held === null) return { state: "cancelled", why: null };
    const current = () => this.#parts.records.get(id)?.value ?? held.value;
    try {
      await download({ ...this.#parts, disk: placeOf(this.#parts, current) }, {
        get transfer() {
          return current();
        },
        peer: held.peer,
        liars: run.liars,
        get checked() {
          return run.checked;
        },
        set checked(checked) {
          run.checked = checked;
        },
        change: (change) => {
          if (change.at !== undefined) run.bytes = 0;
          const isList = current().files[current().at]?.kind === "folder";
          const { landed: _, ...ofList } = change;
          return this.#change(id, isList ? ofList : change);
        },
        reached: (bytes) => {
          run.bytes = bytes;
          if (bytes > 0) run.waits = null;
        },
        waits: (why) => run.waits = why,
        came: (way) => run.way = way,
      }, run.stop.signal);
      return null;
    } catch (error) {
      if (run.stop.signal.aborted) return { waits: "" };
      return endOf(error);
    }
  }
}

function namesLength({ files, landed }: Transfer): number {
  return [...files.map(({ name }) => name), ...landed].reduce((sum, name) => sum + name.length, 0);
}

/** For good. */
function isEnded({ state }: Transfer): boolean {
  return state === "done" || state === "cancelled";
}

/** For good, unless somebody resumes one that has failed. */
function isOver(transfer: Transfer): boolean {
  return isEnded(transfer) || transfer.state === "failed";
}

function overError(): OpenRedError {
  return new OpenRedError("bad_request", "This transfer is over");
}

/** Whether an error ends a transfer, has it wait for the owner, or for a better time. */
function endOf(error: unknown): Pick<Transfer, "state" | "why"> | { readonly waits: string } {
  if (error instanceof WrongContent) return { state: "failed", why: WRONG };
  if (!(error instanceof OpenRedError)) throw error;
  switch (error.code) {
    case "unreachable":
    case "rate_limited":
    case "internal":
    case "session_unknown":
    case "bad_signature":
      return { waits: error.message };
    case "forbidden":
      return { state: "paused", why: error.message };
    case "overloaded":
      // A disk that is full fills no emptier by itself; the owner resumes.
      return { state: "paused", why: error.message };
    default:
      return { state: "failed", why: error.message };
  }
}
