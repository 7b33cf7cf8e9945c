import { assertEquals, assertStringIncludes } from "@std/assert";
import type { NodeKeeper } from "../../cli/node_keeper.ts";
import type { Typing } from "../../cli/passphrase_source.ts";
import { runInProcess } from "./command_line.ts";

const ID = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
const PHRASE = `${"zoo ".repeat(23)}vote`;
const encode = (text: string) => new TextEncoder().encode(text);

function keeperWith(part: Partial<NodeKeeper>): { keeper: NodeKeeper } {
  const none = () => Promise.reject(new Error("Not called here"));
  return {
    keeper: {
      init: none,
      succeed: none,
      renewNoiseKey: none,
      changePassphrase: none,
      backUp: none,
      restore: none,
      examine: none,
      ...part,
    },
  };
}

const showing: Pick<NodeKeeper, "init" | "succeed"> = {
  init: async ({ show }) => {
    await show({ id: ID, phrase: new Uint8Array(32).fill(0xff) });
    return ID;
  },
  succeed: async ({ show, phrase, from }) => {
    assertEquals([...new Set(phrase)], [0xff]);
    assertEquals(from, ID);
    await show({ id: ID, phrase: new Uint8Array(32) });
    return ID;
  },
};

Deno.test("init prints the recovery phrase, in JSON on one line", async () => {
  const people = await runInProcess(["init"], { ports: keeperWith(showing) });
  assertEquals(people.code, 0);
  assertEquals(people.out.match(/\bzoo\b/g)?.length, 23);
  const json = await runInProcess(["init", "--json"], { ports: keeperWith(showing) });
  assertEquals(JSON.parse(json.out), { id: ID, recovery_phrase: PHRASE });
});

Deno.test("noise-key renew asks for the passphrase where the keys have one, and says what holds", async () => {
  const asked: string[] = [];
  const renewNoiseKey: NodeKeeper["renewNoiseKey"] = async ({ data, askPassphrase }) => {
    asked.push(data, new TextDecoder().decode(await askPassphrase()));
    return ID;
  };
  const readSecretFile = () => Promise.resolve(encode("correct horse\n"));
  const ports = { ...keeperWith({ renewNoiseKey }), readSecretFile };
  const args = ["noise-key", "renew", "--data", "folder", "--passphrase-file", "secret.txt"];
  const people = await runInProcess(args, { ports });
  assertEquals([people.code, asked], [0, ["folder", "correct horse"]]);
  assertStringIncludes(people.out, "new noise key");
  const json = await runInProcess([...args, "--json"], { ports });
  assertEquals(JSON.parse(json.out), { id: ID });
});

Deno.test("succeed reads the phrase from standard input and shows the next one", async () => {
  const args = ["succeed", "--phrase-file", "-", "--from", ID, "--json"];
  const result = await runInProcess(args, { input: encode(PHRASE), ports: keeperWith(showing) });
  assertEquals(result.err, "");
  assertEquals(JSON.parse(result.out).recovery_phrase, `${"abandon ".repeat(23)}art`);
});

Deno.test("succeed reads no two secrets from standard input", async () => {
  const args = ["succeed", "--from", ID, "--phrase-file", "-", "--passphrase-file", "-"];
  const result = await runInProcess(args, { input: encode(PHRASE), ports: keeperWith(showing) });
  assertEquals([result.code, result.out], [2, ""]);
  assertStringIncludes(result.err, "only one can be standard input");
});

Deno.test("succeed and backup wipe what was typed, of which a phrase alone is shown", async () => {
  const typed: Uint8Array[] = [];
  const shown: string[] = [];
  const askSecret = (prompt: string, typing: Typing = {}) => {
    if (typing.isShown) shown.push(prompt);
    typed.push(encode(prompt.startsWith("Recovery") ? PHRASE : "long enough"));
    return Promise.resolve(typed.at(-1)!);
  };
  async function* pieces() {
    yield encode("a backup");
  }
  const backUp = () => Promise.resolve({ pieces: pieces(), leftOut: [] });
  const done = () => Promise.resolve();
  const file = { write: done, close: done, discard: done };
  const ports = {
    ...keeperWith({ ...showing, backUp }),
    askSecret,
    createFile: () => Promise.resolve(file),
  };
  assertEquals((await runInProcess(["succeed", "--from", ID], { ports })).code, 0);
  assertEquals((await runInProcess(["backup", "a.orb"], { ports })).code, 0);
  assertEquals(typed.map((bytes) => bytes.every((byte) => byte === 0)), [true, true, true]);
  const question = "Recovery phrase (24 words; numbers may stand before them): ";
  assertEquals(shown, [question], "a passphrase is never shown");
  const env = { TERM: "dumb" };
  assertEquals((await runInProcess(["succeed", "--from", ID], { ports, env })).code, 0);
  assertEquals(shown, [question], "nothing is shown that cannot be taken away again");
});

Deno.test("succeed takes no phrase that does not hold, and no id that is none", async () => {
  const words = await runInProcess(["succeed", "--phrase-file", "-"], {
    input: encode("zoo ".repeat(24)),
    ports: keeperWith({}),
  });
  assertEquals(words.code, 2);
  const id = await runInProcess(["succeed", "--from", "z6Mk"], { ports: keeperWith({}) });
  assertEquals(id.code, 2);
  assertStringIncludes(id.err, "--from: expected a node id");
});

Deno.test("backup writes what the keeper of a stopped node gives, and asks for a long passphrase", async () => {
  const written: Uint8Array[] = [];
  async function* pieces() {
    yield encode("a back");
    yield encode("up");
  }
  const ports = {
    ...keeperWith({
      backUp: ({ file }) => {
        assertEquals(file, "a.orb");
        return Promise.resolve({ pieces: pieces(), leftOut: [".env~", "notes\n/"] });
      },
    }),
    createFile: () =>
      Promise.resolve({
        write: (piece: Uint8Array) => Promise.resolve(void written.push(piece)),
        close: () => Promise.resolve(),
        discard: () => Promise.reject(new Error("It was whole")),
      }),
  };
  const args = ["backup", "a.orb", "--passphrase-file", "-", "--json"];
  const done = await runInProcess(args, { input: encode("long enough\n"), ports });
  assertStringIncludes(done.err, "Left out, as it is not the node's: .env~, notes");
  assertEquals(done.err.trimEnd().includes("\n"), false);
  assertEquals(JSON.parse(done.out), {
    file: "a.orb",
    bytes: 8,
    left_out: [".env~", "notes\n/"],
  });
  assertEquals(written.length, 2);
  const short = await runInProcess(args, { input: encode("short\n"), ports });
  assertEquals(short.code, 2);
});

Deno.test("backup makes no file when there is nothing to write, leaves none that broke off, and says why", async () => {
  let [files, discarded] = [0, 0];
  async function* failing(after: number): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < after; piece++) yield encode("piece");
    throw new Error("The node went away");
  }
  const run = (after: number) =>
    runInProcess(["backup", "a.orb", "--passphrase-file", "-"], {
      input: encode("long enough"),
      ports: {
        ...keeperWith({
          backUp: () => Promise.resolve({ pieces: failing(after), leftOut: [] }),
        }),
        createFile: () => {
          files++;
          return Promise.resolve({
            write: () => Promise.resolve(),
            close: () => Promise.reject(new Error("It is not whole")),
            discard: () => Promise.resolve(void (discarded += 1)),
          });
        },
      },
    });
  assertEquals((await run(0)).code, 1);
  assertEquals(files, 0);
  const broken = await run(2);
  assertEquals([broken.code, files, discarded], [1, 1, 1]);
  assertStringIncludes(broken.err, "broke off, and there is none: The node went away");
});

Deno.test("backup and restore take - for no file", async () => {
  const words = ["--passphrase-file", "-"];
  const toTerminal = await runInProcess(["backup", "-", ...words], {
    isTerminal: true,
    ports: keeperWith({}),
  });
  assertEquals(toTerminal.code, 2);
  assertEquals((await runInProcess(["restore", "-", ...words], { ports: keeperWith({}) })).code, 2);
});

Deno.test("restore says whose backup it was, and of when", async () => {
  const ports = keeperWith({
    restore: ({ file, data }) => {
      assertEquals([file, data], ["a.orb", "there"]);
      return Promise.resolve({ id: ID, createdAt: 1_790_000_000_000 });
    },
  });
  const args = ["restore", "a.orb", "--data", "there", "--passphrase-file", "-"];
  const result = await runInProcess(args, { input: encode("long enough"), ports });
  assertStringIncludes(result.out, ID);
  assertStringIncludes(result.out, "2026-09-21");
});
