import { assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeBase64Url, encodeNodeId } from "../../../crypto/encoding.ts";
import type { FileHashes } from "../../../modules/api.ts";
import { hashFile } from "../../../modules/file_sharing/content.ts";
import {
  download,
  type DownloadKeeper,
  type Transfer,
  WrongContent,
} from "../../../modules/file_sharing/download.ts";
import { Landing } from "../../../modules/file_sharing/landing.ts";
import { PeerWindow } from "../../../modules/file_sharing/peer_window.ts";
import type { Source, Sources } from "../../../modules/file_sharing/sources.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { filesIn } from "./sharing_nodes.ts";
import { folderWith } from "./watched_disk.ts";

const MIB = 2 ** 20;
const CONTENT = bep52Content(3 * MIB + 5);
const PEER = encodeNodeId(new Uint8Array(32).fill(1));

const core = await LocalCryptoCore.create();
const hashes: FileHashes = {
  chunk: (data, { isWhole }) => core.hashChunk({ data, isWhole }),
  layer: (layer) => core.hashLayer({ layer }),
};
const { root, layer } = await hashFile(hashes, {
  bytes: CONTENT.length,
  read: (at, length) => Promise.resolve(CONTENT.slice(at, at + length)),
  close: () => {},
}, { signal: new AbortController().signal, hashed: () => {} });

/** A peer that sends these bytes, whatever it has offered. */
function sourcesOf(parts: { readonly layer: Uint8Array; readonly data: Uint8Array }) {
  const asked: string[] = [];
  const window = new PeerWindow();
  const source = {
    window,
    read: ({ part, at, length }: { part: "layer" | "data"; at: number; length: number }) => {
      asked.push(`${part} ${at}`);
      return Promise.resolve(parts[part].slice(at, at + length));
    },
  } as unknown as Source;
  const sources = {
    during: (_: unknown, __: unknown, work: (source: Source) => Promise<unknown>) => work(source),
  } as unknown as Sources;
  return { sources, asked, window };
}

class Kept implements DownloadKeeper {
  readonly peer = PEER;
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
}

async function withFolder(
  test: (at: { folder: string; disk: ReturnType<typeof createOwnerFiles> }) => Promise<void>,
): Promise<void> {
  using directory = makeTemporaryDirectory();
  const path = Deno.realPathSync(directory.path);
  for (const name of ["data", "folder"]) Deno.mkdirSync(`${path}/${name}`);
  await test({ folder: `${path}/folder`, disk: createOwnerFiles(`${path}/data`) });
}

function fetchAll(kept: Kept, parts: Omit<Parameters<typeof download>[0], "hashes" | "landing">) {
  const signal = new AbortController().signal;
  return download({ ...parts, hashes, landing: new Landing() }, kept, signal);
}

function changed(content: Uint8Array, at: number): Uint8Array {
  const copy = content.slice();
  copy[at]! ^= 1;
  return copy;
}

const LIES: readonly (readonly [string, Parameters<typeof sourcesOf>[0], number])[] = [
  ["another layer", { layer: changed(layer!, 40), data: CONTENT }, 0],
  ["another first chunk", { layer: layer!, data: changed(CONTENT, 3) }, 0],
  ["another last chunk", { layer: layer!, data: changed(CONTENT, CONTENT.length - 1) }, 3 * MIB],
  ["a shorter file", { layer: layer!, data: CONTENT.slice(0, -1) }, 3 * MIB],
];

for (const [what, sent, written] of LIES) {
  Deno.test(`of a peer that sends ${what} nothing wrong is written, and nothing lands`, async () => {
    await withFolder(async ({ folder, disk }) => {
      const kept = new Kept(folder, ["a"]);
      const { sources, window } = sourcesOf(sent);
      await assertRejects(() => fetchAll(kept, { disk, sources }), WrongContent);
      assertEquals(filesIn(folder), [".openred-x.part"]);
      assertEquals(Deno.readFileSync(`${folder}/.openred-x.part`), CONTENT.slice(0, written));
      assertEquals(kept.transfer.landed, []);
      // Its room in the window is free again.
      for (let room = 0; room < 4; room++) await window.enter(new AbortController().signal);
    });
  });
}

Deno.test("names that are taken, in another case or form too, get a number", async () => {
  await withFolder(async ({ folder, disk }) => {
    Deno.writeTextFileSync(`${folder}/Photo.JPG`, "mine");
    Deno.symlinkSync("/etc/passwd", `${folder}/link`);
    const names = ["photo.jpg", "photo.jpg", "e\u0301", "\u00e9", "link", "../../up", ".ssh"];
    const kept = new Kept(folder, names);
    await fetchAll(kept, { disk, sources: sourcesOf({ layer: layer!, data: CONTENT }).sources });
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
      const { sources, asked } = sourcesOf({ layer: layer!, data: CONTENT });
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
    await fetchAll(kept, { disk, sources: sourcesOf({ layer: layer!, data: CONTENT }).sources });
    assertEquals(kept.transfer.landed, ["a (2)"]);
    assertEquals(Deno.readFileSync(`${folder}/a`), changed(CONTENT, 9));
  });
});

Deno.test("only the chunks that are not right on disk are fetched", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    Deno.writeFileSync(`${folder}/.openred-x.part`, changed(CONTENT, 2 * MIB + 1));
    const { sources, asked } = sourcesOf({ layer: layer!, data: CONTENT });
    await fetchAll(kept, { disk, sources });
    assertEquals(asked, ["layer 0", `data ${2 * MIB}`, `data ${3 * MIB}`]);
    assertEquals(Deno.readFileSync(`${folder}/a`), CONTENT);
  });
});

Deno.test("what is on disk is hashed once in a run, while no transfer is open", async () => {
  await withFolder(async ({ folder, disk }) => {
    const kept = new Kept(folder, ["a"]);
    Deno.writeFileSync(`${folder}/.openred-x.part`, CONTENT.slice(0, 2 * MIB));
    const { sources: open, asked } = sourcesOf({ layer: layer!, data: CONTENT });
    const during: Sources["during"] = async (wanted, signal, work) => {
      asked.push("open");
      return await open.during(wanted, signal, work).finally(() => asked.push("close"));
    };
    const sources = { during } as unknown as Sources;
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
    assertEquals(asked.splice(0).slice(0, 6), [
      "open",
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
