import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { LandingFolder } from "../../../modules/api.ts";
import { Landing } from "../../../modules/file_sharing/landing.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { filesIn, SharingNodes } from "./sharing_nodes.ts";
import { folderWith, WatchedDisk } from "./watched_disk.ts";

const FIVE = bep52Content(5);
const MIB = 2 ** 20;

/** Names that lead elsewhere somewhere, or are none. */
const NAMES = [
  "../up",
  "../../etc/passwd",
  "/etc/passwd",
  "..",
  ".",
  "C:\\Windows\\system.ini",
  "\\\\host\\share",
  "CON",
  "nul.txt",
  "new\nline",
  "bidi\u202etxt.exe",
  "zero\0byte",
  "x".repeat(300),
  "é".repeat(300),
  ".hidden",
  "trailing. . ",
] as const;

/** Something that has grown, and how it gets its name. */
interface Grown {
  readonly what: string;
  /** Makes it. */
  make(folder: LandingFolder, part: string): Promise<void>;
  /** What the landing asks of. */
  place(folder: LandingFolder): LandingFolder;
  read(path: string): Uint8Array;
}

const FILE: Grown = {
  what: "file",
  async make(folder, name) {
    const part = await folder.openPart(name);
    await part.write(0, FIVE);
    await part.finish(5);
    part.close();
  },
  place: (folder) => folder,
  read: (path) => Deno.readFileSync(path),
};

const FOLDER: Grown = {
  what: "folder",
  async make(folder, name) {
    await FILE.make(await folder.openFolder(name), "inner");
  },
  place: (folder) => folderWith(folder, { land: (part, name) => folder.landFolder(part, name) }),
  read: (path) => Deno.readFileSync(`${path}/inner`),
};

async function withFolder(test: (root: string, folder: LandingFolder) => Promise<void>) {
  using directory = makeTemporaryDirectory();
  const root = Deno.realPathSync(directory.path);
  for (const name of ["data", "folder", "elsewhere"]) Deno.mkdirSync(`${root}/${name}`);
  Deno.writeFileSync(`${root}/elsewhere/secret`, FIVE);
  await test(root, await createOwnerFiles(`${root}/data`).openFolder(`${root}/folder`));
  assertEquals(filesIn(root), ["data", "elsewhere", "folder"]);
  assertEquals([filesIn(`${root}/data`), filesIn(`${root}/elsewhere`)], [[], ["secret"]]);
  assertEquals(Deno.readFileSync(`${root}/elsewhere/secret`), FIVE);
}

function land(
  landing: Landing,
  grown: Grown,
  at: { folder: LandingFolder; part: string; given: string },
) {
  const { folder, part, given } = at;
  return landing.land(grown.place(folder), { part, given, chosen: () => Promise.resolve() });
}

for (const grown of [FILE, FOLDER]) {
  Deno.test(`a ${grown.what} lands in its folder, whatever its peer calls it`, async () => {
    await withFolder(async (_, folder) => {
      const landing = new Landing();
      const names: string[] = [];
      for (const [index, given] of NAMES.entries()) {
        const part = `.openred-${index}.part`;
        await grown.make(folder, part);
        names.push(await land(landing, grown, { folder, part, given }));
      }
      assertEquals(filesIn(folder.path), names.toSorted());
      for (const name of names) {
        assert(encodeUtf8(name).length <= 255 && !/[/\\\n\0:\u202e]|^\.|[. ]$/.test(name), name);
        assertEquals(grown.read(`${folder.path}/${name}`), FIVE);
      }
    });
  });

  Deno.test(`a ${grown.what} replaces and follows nothing that has its name`, async () => {
    await withFolder(async (root, folder) => {
      const there = `${folder.path}/name`;
      const waiting = [
        () => Deno.writeFileSync(there, FIVE),
        () => Deno.mkdirSync(there),
        () => Deno.symlinkSync(`${root}/elsewhere`, there),
        () => Deno.symlinkSync(`${root}/elsewhere/secret`, there),
        () => Deno.symlinkSync(`${root}/elsewhere/nothing`, there),
        () => new Deno.Command("mkfifo", { args: [there] }).outputSync(),
      ];
      const landing = new Landing();
      for (const wait of waiting) {
        wait();
        const { ino, mode } = Deno.lstatSync(there);
        await grown.make(folder, ".openred-1.part");
        const name = await land(landing, grown, { folder, part: ".openred-1.part", given: "name" });
        assertEquals(name, "name (2)");
        assertEquals(grown.read(`${there} (2)`), FIVE);
        const now = Deno.lstatSync(there);
        assertEquals([now.ino, now.mode], [ino, mode]);
        for (const path of [there, `${there} (2)`]) Deno.removeSync(path, { recursive: true });
      }
    });
  });

  Deno.test(`a ${grown.what} does not land where a name appears in the last moment`, async () => {
    await withFolder(async (root, folder) => {
      await grown.make(folder, ".openred-1.part");
      const place = grown.place(folder);
      const late = folderWith(place, {
        land: async (part, name) => {
          if (name === "name") Deno.symlinkSync(`${root}/elsewhere`, `${folder.path}/name`);
          return await place.land(part, name);
        },
      });
      const at = { part: ".openred-1.part", given: "name", chosen: () => Promise.resolve() };
      assertEquals(await new Landing().land(late, at), "name (2)");
      assertEquals(Deno.readLinkSync(`${folder.path}/name`), `${root}/elsewhere`);
    });
  });

  Deno.test(`twins, and two at once, of one ${grown.what} get a name each`, async () => {
    await withFolder(async (_, folder) => {
      const landing = new Landing();
      const given = ["A", "a", "\u00e9", "e\u0301", "x", "x"];
      const landed = await Promise.all(given.map(async (name, index) => {
        const part = `.openred-${index}.part`;
        await grown.make(folder, part);
        return await land(landing, grown, { folder, part, given: name });
      }));
      assertEquals(new Set(landed.map((name) => name.toLowerCase().normalize("NFC"))).size, 6);
      assertEquals(filesIn(folder.path), landed.toSorted());
    });
  });
}

for (
  const [what, change] of [
    ["grows", (path: string) => Deno.writeFileSync(path, bep52Content(3 * MIB))],
    ["shrinks", (path: string) => Deno.truncateSync(path, MIB)],
    ["changes with the same size and time", (path: string) => {
      const { mtime, size } = Deno.statSync(path);
      Deno.writeFileSync(path, new Uint8Array(size));
      Deno.utimeSync(path, mtime!, mtime!);
    }],
  ] as const
) {
  Deno.test(`of a file that ${what} while it is sent nothing wrong lands`, async () => {
    await using nodes = await SharingNodes.start();
    const { alice, bob } = nodes;
    const content = bep52Content(2 * MIB);
    const { share, offer } = await nodes.offer("a.bin", content);
    change(`${alice.folder}/a.bin`);
    await bob.accept(offer);
    const { state } = await bob.reaches(offer, "done", "failed", "paused");
    if (state === "done") assertEquals(Deno.readFileSync(`${bob.folder}/a.bin`), content);
    else {
      assertEquals((await alice.shown(share)).state, "failed");
      await bob.ask("POST", `/m/file_sharing/transfers/${offer}/cancel`);
      assertEquals(filesIn(bob.folder), []);
    }
  });
}

Deno.test("a disk that is full in the middle of a folder pauses it; it goes on when there is room", async () => {
  await using nodes = new SharingNodes();
  const { alice, bob } = nodes;
  const disk = new WatchedDisk(bob.data);
  bob.ports = { disk };
  alice.ports = { disk: createOwnerFiles(alice.data) };
  await nodes.begin();
  Deno.mkdirSync(`${alice.folder}/many`);
  for (let n = 0; n < 30; n++) {
    Deno.writeFileSync(`${alice.folder}/many/${n}`, bep52Content(100_000));
  }
  await alice.share({ peer: bob.id, paths: [`${alice.folder}/many`] });
  const { id } = await bob.offered();
  let writes = 0;
  disk.beforeWrite = () => {
    disk.isFull = ++writes > 12;
  };
  await bob.accept(id);
  const { why } = await bob.reaches(id, "paused", "failed", "done");
  assertEquals(why, "The disk is full");
  disk.beforeWrite = () => {};
  disk.isFull = false;
  await bob.ask("POST", `/m/file_sharing/transfers/${id}/resume`);
  assertEquals((await bob.reaches(id, "done", "failed", "paused")).landed, ["many"]);
  assertEquals(filesIn(`${bob.folder}/many`).length, 30);
  assertEquals(Deno.readFileSync(`${bob.folder}/many/29`), bep52Content(100_000));
});
