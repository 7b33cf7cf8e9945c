import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import type { PartFile } from "../../../modules/api.ts";
import { fetchChunks, type FetchingParts } from "../../../modules/file_sharing/fetching.ts";
import { type Source, WrongContent } from "../../../modules/file_sharing/source.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

const MIB = 2 ** 20;
/** Two requests take them. */
const CHUNKS = 8;
const PEER = encodeNodeId(new Uint8Array(32).fill(1));

/** Of two requests at once the first one fails, and the second one comes a moment later. */
async function fetchWith(error: Error): Promise<readonly number[]> {
  const failed = Promise.withResolvers<void>();
  const source: Pick<Source, "chunks"> = {
    chunks: async ({ first, count }, { take }) => {
      if (first === 0) {
        failed.resolve();
        throw error;
      }
      await failed.promise;
      for (let chunk = first; chunk < first + count; chunk++) {
        // Whatever the first one's end sets off is over by then.
        await new Promise((resolve) => setImmediate(resolve));
        await take(chunk, new Uint8Array(MIB));
      }
    },
  };
  const parts = {
    log: { log: () => {} },
    sources: {
      during: (_wanted: unknown, _options: unknown, work: (one: Source) => unknown) =>
        work(source as Source),
    },
  } as unknown as FetchingParts;
  const have = new Uint8Array(CHUNKS);
  const fetching = {
    wanted: [{ peer: PEER, share: "", file: 0, download: "" }],
    liars: new Set<never>(),
    growing: { write: () => Promise.resolve() } as unknown as PartFile,
    content: { bytes: CHUNKS * MIB, root: new Uint8Array(32), layer: new Uint8Array(32 * CHUNKS) },
    signal: new AbortController().signal,
    reached: () => {},
    came: () => {},
  };
  await assertRejects(() => fetchChunks(parts, fetching, have), error.constructor as never);
  return [...have];
}

Deno.test("a line that breaks does not take along what comes on another one", async () => {
  const broken = new OpenRedError("unreachable", "The peer broke off");
  assertEquals(await fetchWith(broken), [0, 0, 0, 0, 1, 1, 1, 1]);
});

Deno.test("a peer that gives something wrong is not believed in anything more", async () => {
  assertEquals(await fetchWith(new WrongContent()), [0, 0, 0, 0, 0, 0, 0, 0]);
});

const PEERS = [1, 2, 3].map((seed) => encodeNodeId(new Uint8Array(32).fill(seed)));

/** Three peers give a file together. @returns Which chunks were taken of each. */
async function fetchFromThree(
  { liar, chunks }: { readonly liar: number; readonly chunks: number },
): Promise<{ readonly given: readonly (readonly number[])[]; readonly liars: readonly string[] }> {
  const given: number[][] = PEERS.map(() => []);
  const sourceOf = (peer: number): Pick<Source, "chunks"> => ({
    chunks: async ({ first, count }, { take }) => {
      for (let chunk = first; chunk < first + count; chunk++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (peer === liar && given[peer]!.length > 0) throw new WrongContent();
        await take(chunk, new Uint8Array(MIB));
        given[peer]!.push(chunk);
      }
    },
  });
  const during = (wanted: { peer: typeof PEER }, _: unknown, work: (one: Source) => unknown) =>
    work(sourceOf(PEERS.indexOf(wanted.peer)) as Source);
  const parts = { log: { log: () => {} }, sources: { during } } as unknown as FetchingParts;
  const liars = new Set<typeof PEER>();
  await fetchChunks(parts, {
    wanted: PEERS.map((peer) => ({ peer, share: "", file: 0, download: "" })),
    liars,
    growing: { write: () => Promise.resolve() } as unknown as PartFile,
    content: { bytes: chunks * MIB, root: new Uint8Array(32), layer: new Uint8Array(32 * chunks) },
    signal: new AbortController().signal,
    reached: () => {},
    came: () => {},
  }, new Uint8Array(chunks));
  return { given, liars: [...liars] };
}

Deno.test("what three peers hold comes from all of them, each chunk once", async () => {
  const chunks = 60;
  const { given, liars } = await fetchFromThree({ liar: -1, chunks });
  for (const ofPeer of given) assert(ofPeer.length >= chunks / 6, `one gave ${ofPeer.length}`);
  const all = Array.from({ length: chunks }, (_, chunk) => chunk);
  assertEquals([given.flat().toSorted((a, b) => a - b), liars], [all, []]);
});

Deno.test("of three peers one that gives something wrong is named, and no chunk of the others comes twice", async () => {
  const chunks = 60;
  const { given, liars } = await fetchFromThree({ liar: 1, chunks });
  assertEquals(liars, [PEERS[1]!]);
  assert(given[1]!.length < 5, "it gave nothing more");
  const all = Array.from({ length: chunks }, (_, chunk) => chunk);
  assertEquals(given.flat().toSorted((a, b) => a - b), all);
});
