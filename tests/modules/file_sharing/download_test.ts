import { assert, assertEquals, assertRejects } from "@std/assert";
import { createLocalBulk } from "../../../crypto/bulk/file_chunks.ts";
import { concatBytes, encodeBase64Url, encodeNodeId } from "../../../crypto/encoding.ts";
import type { FileHashes, NodeId } from "../../../modules/api.ts";
import { hashFile } from "../../../modules/file_sharing/content.ts";
import {
  download,
  type DownloadKeeper,
  type Transfer,
} from "../../../modules/file_sharing/download.ts";
import { Landing } from "../../../modules/file_sharing/landing.ts";
import { WrongContent } from "../../../modules/file_sharing/source.ts";
import { Sources } from "../../../modules/file_sharing/sources.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { SealedLayout } from "../../../protocol/sealed_file.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { filesIn } from "./sharing_nodes.ts";
import { folderWith } from "./watched_disk.ts";

const MIB = 2 ** 20;
const CONTENT = bep52Content(3 * MIB + 5);
const PEERS = [1, 2, 3].map((byte) => encodeNodeId(new Uint8Array(32).fill(byte)));

const bulk = createLocalBulk();
const hashes: FileHashes = {
  chunk: (data, { isWhole }) => bulk.hashChunk({ data, isWhole }),
  layer: (layer) => bulk.hashLayer({ layer }),
};
const { root, layer } = await hashFile(hashes, {
  bytes: CONTENT.length,
  read: (at, length) => Promise.resolve(CONTENT.slice(at, at + length)),
  close: () => {},
}, { signal: new AbortController().signal, hashed: () => {} });

/** What a peer serves, whatever it has offered. */
interface Served {
  readonly layer: Uint8Array;
  readonly data: Uint8Array;
}

/** Peers that seal and serve these bytes, each its own; a peer's word is a failure in its place. */
function sourcesOf(...served: readonly (Served | OpenRedError)[]) {
  const asked: string[] = [];
  const layout = new SealedLayout(CONTENT.length);
  const keyOf = (peer: number, part: string) => {
    const id = new Uint8Array(16).fill(peer);
    const secret = new Uint8Array(32).fill(peer);
    return { secret, transfer: id, part, root: root!, length: CONTENT.length };
  };
  const seal = async (peer: number, index: number) => {
    const { part, number, at, length } = layout.slice(index);
    asked.push(part === "layer" ? `${part} ${peer}` : `${part} ${number} ${peer}`);
    const data = (served[peer] as Served)[part].slice(at, at + length);
    const chunk = { key: keyOf(peer, part), number, root: null, isWhole: false };
    return (await bulk.sealChunk({ ...chunk, data }))!;
  };
  const sources = new Sources({
    clock: new VirtualClock(0),
    sealing: {
      seal: () => Promise.resolve(null),
      open: (chunk, sealed) => bulk.openChunk({ ...chunk, sealed }),
    },
    ask: ({ peer }) => {
      const number = PEERS.indexOf(peer);
      const one = served[number]!;
      if (one instanceof OpenRedError) return Promise.reject(one);
      asked.push(`ask ${number}`);
      const id = encodeBase64Url(new Uint8Array(16).fill(number));
      const header = {
        transfer: id,
        file_url: `p2p/file/${id}`,
        lifetime_ms: 1,
        secret: encodeBase64Url(new Uint8Array(32).fill(number)),
      };
      return Promise.resolve({ header, body: new Uint8Array() });
    },
    peerBytes: async ({ peer, range: { from, to } }) => {
      const number = PEERS.indexOf(peer);
      const sealed: Uint8Array[] = [];
      for (let index = layout.indexAt(from)!; index < layout.indexAt(to)!; index++) {
        sealed.push(await seal(number, index));
      }
      const bytes = concatBytes(...sealed);
      let at = 0;
      return {
        status: 206,
        isRelayed: false,
        read: (target) => {
          if (at === bytes.length) return Promise.resolve(null);
          const some = bytes.subarray(at, at + target.length);
          target.set(some);
          at += some.length;
          return Promise.resolve(some.length);
        },
        close: () => {},
      };
    },
  });
  return { sources, asked };
}

class Kept implements DownloadKeeper {
  readonly peer = PEERS[0]!;
  readonly liars = new Set<NodeId>();
  transfer: Transfer;
  checked: DownloadKeeper["checked"] = null;

  constructor(folder: string, names: readonly string[]) {
    const one = { length: CONTENT.length, root: encodeBase64Url(root!) };
    this.transfer = {
      share: "",
      files: names.map((name) => ({ name, ...one })),
      folder,
      download: "",
      state: "running",
      why: null,
      at: 0,
      part: ".openred-x.part",
      landing: null,
      landed: [],
    };
  }

  change(change: Partial<Transfer>): Promise<void> {
    this.transfer = { ...this.transfer, ...change };
    return Promise.resolve();
  }

  reached(): void {}

  waits(): void {}

  came(): void {}
}

async function withFolder(
  test: (at: { folder: string; disk: ReturnType<typeof createOwnerFiles> }) => Promise<void>,
): Promise<void> {
  using directory = makeTemporaryDirectory();
  const path = Deno.realPathSync(directory.path);
  for (const name of ["data", "folder"]) Deno.mkdirSync(`${path}/${name}`);
  await test({ folder: `${path}/folder`, disk: createOwnerFiles(`${path}/data`) });
}

/** @param others How many further peers have offered each file. */
function fetchAll(
  kept: Kept,
  parts: Pick<Parameters<typeof download>[0], "disk" | "sources">,
  others = 0,
) {
  const signal = new AbortController().signal;
  const alsoAt = () => PEERS.slice(1, 1 + others).map((peer) => ({ peer, share: "s", file: 0 }));
  const log = { log: () => {} };
  const unlocking = { unlock: () => Promise.resolve() };
  const tools = { hashes, log, landing: new Landing(), alsoAt, unlocking };
  return download({ ...parts, ...tools }, kept, signal);
}

const HONEST: Served = { layer: layer!, data: CONTENT };
const ALL_CHUNKS = [0, 1, 2, 3];

function changed(content: Uint8Array, at: number): Uint8Array {
  const copy = content.slice();
  copy[at]! ^= 1;
  return copy;
}

const LIES: readonly (readonly [string, Served, number])[] = [
  ["another layer", { layer: changed(layer!, 40), data: CONTENT }, 0],
  ["another first chunk", { layer: layer!, data: changed(CONTENT, 3) }, 0],
  ["another last chunk", { layer: layer!, data: changed(CONTENT, CONTENT.length - 1) }, 3 * MIB],
];

for (const [what, sent, written] of LIES) {
  Deno.test(`of a peer that sends ${what} nothing wrong is written, and nothing lands`, async () => {
    await withFolder(async ({ folder, disk }) => {
      const kept = new Kept(folder, ["a"]);
      const { sources } = sourcesOf(sent);
      await assertRejects(() => fetchAll(kept, { disk, sources }), WrongContent);
      assertEquals(filesIn(folder), [".openred-x.part"]);
      const growing = Deno.readFileSync(`${folder}/.openred-x.part`);
      assert(growing.length >= written);
      // A chunk that others overtook has left a hole.
      for (let at = 0; at < growing.length; at += MIB) {
        const chunk = growing.subarray(at, at + MIB);
        const isHole = chunk.every((byte) => byte === 0);
        assert(isHole || chunk.every((byte, index) => byte === CONTENT[at + index]));
      }
      assertEquals(kept.transfer.landed, []);
    });
  });

  Deno.test(`what a peer that sends ${what} does not give comes from another one`, async () => {
    await withFolder(async ({ folder, disk }) => {
      const kept = new Kept(folder, ["a"]);
      await fetchAll(kept, { disk, sources: sourcesOf(sent, HONEST).sources }, 1);
      assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
      assertEquals([...kept.liars], [PEERS[0]!]);
    });
  });
}

Deno.test("a peer that is away, or gives nothing, keeps nobody from the others", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    const away = new OpenRedError("unreachable", "Nobody is there");
    const { sources, asked } = sourcesOf(away, new OpenRedError("not_found", "No"), HONEST);
    await fetchAll(kept, { disk, sources }, 2);
    assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
    assertEquals(asked.filter((one) => one.startsWith("data")).length, ALL_CHUNKS.length);
    assertEquals(kept.liars.size, 0);
  });
  await withFolder(async ({ folder, disk }) => {
    const away = new OpenRedError("unreachable", "Nobody is there");
    const lies = { layer: layer!, data: changed(CONTENT, 3) };
    const fetching = fetchAll(new Kept(folder, ["a"]), { disk, ...sourcesOf(lies, away) }, 1);
    const { code } = await assertRejects(() => fetching, OpenRedError);
    assertEquals(code, "unreachable", "it can go on at another time");
  });
});

Deno.test("several sources give each chunk once, all together", async () => {
  await withFolder(async ({ folder, disk }) => {
    const { sources, asked } = sourcesOf(HONEST, HONEST, HONEST);
    await fetchAll(new Kept(folder, ["a"]), { disk, sources }, 2);
    assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
    const chunks = asked.filter((one) => one.startsWith("data")).map((one) => one.split(" ")[1]);
    assertEquals(chunks.toSorted(), ALL_CHUNKS.map(String));
  });
});

Deno.test("names that are taken, in another case or form too, get a number", async () => {
  await withFolder(async ({ folder, disk }) => {
    Deno.writeTextFileSync(`${folder}/Photo.JPG`, "mine");
    Deno.symlinkSync("/etc/passwd", `${folder}/link`);
    const names = ["photo.jpg", "photo.jpg", "e\u0301", "\u00e9", "link", "../../up", ".ssh"];
    const kept = new Kept(folder, names);
    await fetchAll(kept, { disk, sources: sourcesOf(HONEST).sources });
    assertEquals(kept.transfer.landed, [
      "photo (2).jpg",
      "photo (3).jpg",
      "\u00e9",
      "\u00e9 (2)",
      "link (2)",
      "_.._up",
      "ssh",
    ]);
    assertEquals(filesIn(folder), [...kept.transfer.landed, "Photo.JPG", "link"].sort());
    assertEquals(Deno.readTextFileSync(`${folder}/Photo.JPG`), "mine");
    assertEquals(Deno.readLinkSync(`${folder}/link`), "/etc/passwd");
  });
});

Deno.test("two landings of one name at once get two names", async () => {
  await withFolder(async ({ folder, disk }) => {
    const landing = await disk.openFolder(folder);
    const lander = new Landing();
    const parts = [".a.part", ".b.part", ".c.part"];
    for (const part of parts) (await landing.openPart(part)).close();
    const chosen = () => Promise.resolve();
    const names = await Promise.all(
      ["x", "X", "x"].map((given, at) => lander.land(landing, { part: parts[at]!, given, chosen })),
    );
    assertEquals(names, ["x", "X (2)", "x (3)"]);
  });
});

for (const isPartLeft of [true, false]) {
  const left = isPartLeft ? "both its names" : "its name";
  Deno.test(`a file that has got ${left} when the process died lands once`, async () => {
    await withFolder(async ({ folder, disk }) => {
      const kept = new Kept(folder, ["a"]);
      await kept.change({ landing: "a" });
      Deno.writeFileSync(`${folder}/a`, CONTENT);
      if (isPartLeft) Deno.linkSync(`${folder}/a`, `${folder}/.openred-x.part`);
      const { sources, asked } = sourcesOf(HONEST);
      await fetchAll(kept, { disk, sources });
      assertEquals([filesIn(folder), kept.transfer.landed, asked], [["a"], ["a"], []]);
    });
  });
}

Deno.test("a name that somebody else's file has by now is not taken for the one that landed", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    await kept.change({ landing: "a" });
    Deno.writeFileSync(`${folder}/a`, changed(CONTENT, 9));
    await fetchAll(kept, { disk, sources: sourcesOf(HONEST).sources });
    assertEquals(kept.transfer.landed, ["a (2)"]);
    assertEquals(Deno.readFileSync(`${folder}/a`), changed(CONTENT, 9));
  });
});

Deno.test("only the chunks that are not right on disk are fetched", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    Deno.writeFileSync(`${folder}/.openred-x.part`, changed(CONTENT, 2 * MIB + 1));
    const { sources, asked } = sourcesOf(HONEST);
    await fetchAll(kept, { disk, sources });
    assertEquals(asked, ["ask 0", "layer 0", "ask 0", "data 2 0"]);
    assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
  });
});

Deno.test("what is on disk is hashed once in a run, while no transfer is open", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    Deno.writeFileSync(`${folder}/.openred-x.part`, CONTENT.slice(0, 2 * MIB));
    const { sources: open, asked } = sourcesOf(HONEST);
    const during: Sources["during"] = async (wanted, options, work) => {
      asked.push("open");
      return await open.during(wanted, options, work).finally(() => asked.push("close"));
    };
    const sources = { during };
    const forgotten = new OpenRedError("unreachable", "The peer has forgotten the transfer");
    let isForgotten = true;
    const breaking: typeof disk = {
      ...disk,
      openFolder: async (path) => {
        const landing = await disk.openFolder(path);
        const openPart: typeof landing.openPart = async (name) => {
          const part = await landing.openPart(name);
          return {
            bytes: part.bytes,
            close: () => part.close(),
            finish: (bytes) => part.finish(bytes),
            read: (at, length) => {
              asked.push(`hash ${at}`);
              return part.read(at, length);
            },
            write: async (at, content) => {
              await part.write(at, content);
              if (isForgotten) throw forgotten;
            },
          };
        };
        return folderWith(landing, { openPart });
      },
    };
    await assertRejects(() => fetchAll(kept, { disk: breaking, sources }), OpenRedError);
    assertEquals(asked.splice(0).slice(0, 7), [
      "open",
      "ask 0",
      "layer 0",
      "close",
      "hash 0",
      `hash ${MIB}`,
      "open",
    ]);
    isForgotten = false;
    await fetchAll(kept, { disk: breaking, sources });
    assertEquals(asked.filter((what) => what.startsWith("hash")), []);
    assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
  });
});

const TAMPERINGS: readonly (readonly [string, (part: string) => void])[] = [
  ["cut to nothing", (part) => Deno.truncateSync(part, 0)],
  ["cut by a byte", (part) => Deno.truncateSync(part, Deno.statSync(part).size - 1)],
  ["replaced by another file", (part) => {
    Deno.removeSync(part);
    Deno.writeFileSync(part, new Uint8Array(CONTENT.length));
  }],
];

/** The same disk, on which somebody else works on a part at one moment. */
function tampered(
  disk: ReturnType<typeof createOwnerFiles>,
  { at, tamper }: { readonly at: "the last write" | "landing"; readonly tamper: () => void },
): ReturnType<typeof createOwnerFiles> {
  return {
    ...disk,
    openFolder: async (path) => {
      const landing = await disk.openFolder(path);
      const openPart: typeof landing.openPart = async (name) => {
        const part = await landing.openPart(name);
        const written: Promise<void>[] = [];
        return {
          bytes: part.bytes,
          read: (from, length) => part.read(from, length),
          write: async (from, content) => {
            const before = written.slice();
            const done = Promise.withResolvers<void>();
            written.push(done.promise);
            if (at === "the last write" && written.length === ALL_CHUNKS.length) {
              await Promise.all(before);
              tamper();
            }
            await part.write(from, content);
            done.resolve();
          },
          finish: async (bytes) => {
            await part.finish(bytes);
            if (at === "landing") tamper();
          },
          close: () => part.close(),
        };
      };
      return folderWith(landing, { openPart });
    },
  };
}

for (const at of ["the last write", "landing"] as const) {
  for (const [what, change] of TAMPERINGS) {
    // What is cut between the sync and the second name is as what is cut afterwards.
    if (at === "landing" && what !== "replaced by another file") continue;
    Deno.test(`a part that is ${what} before ${at} does not land, and comes again`, async () => {
      await withFolder(async ({ folder, disk }) => {
        const kept = new Kept(folder, ["a"]);
        const tamper = () => change(`${folder}/.openred-x.part`);
        const { sources } = sourcesOf(HONEST);
        const parts = { disk: tampered(disk, { at, tamper }), sources };
        const { code } = await assertRejects(() => fetchAll(kept, parts), OpenRedError);
        assertEquals([code, filesIn(folder)], ["internal", [".openred-x.part"]]);
        await fetchAll(kept, { disk, sources });
        assertEquals(filesIn(folder), ["a"]);
        assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
      });
    });
  }
}
