import { assertEquals } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import type { Transfer } from "../../../modules/file_sharing/download.ts";
import { Landing } from "../../../modules/file_sharing/landing.ts";
import type { Offer } from "../../../modules/file_sharing/offers.ts";
import type { Held, Records } from "../../../modules/file_sharing/records.ts";
import type { Sources } from "../../../modules/file_sharing/sources.ts";
import { type TransferParts, Transfers } from "../../../modules/file_sharing/transfers.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { until } from "../../world/until.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));

/** Records whose writes wait to be let through. */
class SlowRecords {
  readonly held = new Map<string, Held<Transfer>>();
  write: Promise<void> = Promise.resolve();

  get(id: string): Held<Transfer> | null {
    return this.held.get(id) ?? null;
  }

  all(): readonly Held<Transfer>[] {
    return [...this.held.values()];
  }

  async add(held: Held<Transfer>): Promise<void> {
    this.held.set(held.id, held);
    await this.write;
  }

  async change(id: string, change: (value: Transfer) => Transfer): Promise<void> {
    const held = this.held.get(id)!;
    this.held.set(id, { ...held, value: change(held.value) });
    await this.write;
  }

  remove(id: string): Promise<void> {
    this.held.delete(id);
    return Promise.resolve();
  }
}

function offerOf(id: string): Held<Offer> {
  const files = [{ name: "a", length: 5, root: "A".repeat(43) }];
  const more = { receivedAt: 0, expiresAt: null, note: null, state: "offered" as const, bytes: 9 };
  return { id, peer: PEER, value: { share: "s", files, ...more } };
}

/** @param during What a peer does once it is asked. */
function setUp(during: (signal: AbortSignal) => Promise<void>) {
  const directory = makeTemporaryDirectory();
  const path = Deno.realPathSync(directory.path);
  for (const name of ["data", "folder"]) Deno.mkdirSync(`${path}/${name}`);
  const records = new SlowRecords();
  const asked: string[] = [];
  const sources = {
    during: (_: unknown, { signal }: { signal: AbortSignal }) => {
      asked.push("request");
      return during(signal);
    },
  } as unknown as Sources;
  const parts = {
    disk: createOwnerFiles(`${path}/data`),
    hashes: null!,
    sources,
    landing: new Landing(),
    alsoAt: () => [],
    clock: new VirtualClock(0),
    random: { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) },
    events: { emit: () => {}, warn: () => {} },
    log: { log: () => {} },
    records: records as unknown as Records<Transfer>,
  } as unknown as TransferParts;
  const transfers = new Transfers(parts);
  const stop = async () => {
    await transfers.stop();
    directory[Symbol.dispose]();
  };
  return { transfers, records, asked, folder: `${path}/folder`, stop };
}

Deno.test("what is resumed while its former run writes its end goes on", async () => {
  const full = new OpenRedError("overloaded", "The disk is full");
  const { transfers, records, asked, folder, stop } = setUp(() => Promise.reject(full));
  const written = Promise.withResolvers<void>();
  await transfers.begin(offerOf("a"), { folder, keepTimes: false });
  records.write = written.promise;
  await until(() => records.get("a")!.value.state === "paused", "it is paused");
  const resumed = transfers.resume("a");
  written.resolve();
  await resumed;
  await until(() => asked.length === 2, "the peer is asked again");
  await stop();
});

Deno.test("an offer that is accepted twice at once is fetched once", async () => {
  const never = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { transfers, records, asked, folder, stop } = setUp(never);
  await Promise.all([1, 2].map(() => transfers.begin(offerOf("a"), { folder, keepTimes: false })));
  const { part } = records.get("a")!.value;
  await until(() => asked.length === 1, "the peer is asked");
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [part]);
  await stop();
});

Deno.test("nothing begins once the transfers are stopped", async () => {
  const { transfers, asked, folder, stop } = setUp(() => Promise.reject(new Error("asked")));
  await transfers.stop();
  await transfers.begin(offerOf("a"), { folder, keepTimes: false });
  assertEquals(asked, []);
  await stop();
});

Deno.test("of those that are over the last 1,000 are kept", async () => {
  const full = new OpenRedError("not_found", "The peer does not share this any more");
  const { transfers, records, folder, stop } = setUp(() => Promise.reject(full));
  await transfers.begin(offerOf("first"), { folder, keepTimes: false });
  await until(() => records.get("first")!.value.state === "failed", "it has failed");
  const { value } = records.get("first")!;
  for (let at = 1; at <= 1_000; at++) records.held.set(`${at}`, { ...offerOf(`${at}`), value });
  await transfers.begin(offerOf("last"), { folder, keepTimes: false });
  assertEquals([records.get("first"), records.all().length], [null, 1_001]);
  await stop();
});

Deno.test("forgetOver() forgets what is over, with what has not landed of it, and leaves what goes on", async () => {
  const asked = { count: 0 };
  const { transfers, records, folder, stop } = setUp((signal) => {
    if (asked.count++ === 0) return Promise.reject(new OpenRedError("not_found", "It is gone"));
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  await transfers.begin(offerOf("failed"), { folder, keepTimes: false });
  await until(() => records.get("failed")!.value.state === "failed", "it has failed");
  await transfers.begin(offerOf("running"), { folder, keepTimes: false });
  await until(() => asked.count === 2, "the peer is asked");
  await until(async () => {
    await transfers.forgetOver();
    return records.get("failed") === null;
  }, "it is forgotten");
  assertEquals(records.all().map(({ id }) => id), ["running"]);
  const { part } = records.get("running")!.value;
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [part]);
  await stop();
});
