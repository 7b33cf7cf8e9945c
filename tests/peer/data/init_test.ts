import { assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import { initNode } from "../../../peer/data/init.ts";
import { type DataPorts, succeedNode } from "../../../peer/data/succeed.ts";
import { openKeystoreFiles } from "../../../ports/keystore_files.ts";
import { setPassphrase } from "../../../ports/node_secret.ts";
import { systemRandom } from "../../../ports/system.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MortalDisk, type MortalProcess } from "../../crash/mortal_disk.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const PLAIN_BYTES = 32;
const SEALED_BYTES = 92;
const passphrase = () => encodeUtf8("a passphrase of the keys");

/** The disk of a node, and the core of all that works on it. */
class Place implements AsyncDisposable {
  readonly #folder = makeTemporaryDirectory();
  readonly disk = new MortalDisk(this.#folder.path);
  readonly #crypto: LocalCryptoCore;
  phrase = new Uint8Array();
  readonly show = (shown: { phrase: Uint8Array }): Promise<void> => {
    this.phrase = shown.phrase.slice();
    return Promise.resolve();
  };

  constructor(crypto: LocalCryptoCore) {
    this.#crypto = crypto;
  }

  portsOf(process: MortalProcess = this.disk.boot()): DataPorts {
    const { clock, files, openDatabase } = process;
    return { crypto: this.#crypto, clock, random: systemRandom, files, openDatabase };
  }

  init(
    options: { passphrase?: Uint8Array; show?: Place["show"] },
    ports: DataPorts = this.portsOf(),
  ): Promise<string> {
    return initNode(ports, { cost: CHEAP_COST, show: this.show, ...options });
  }

  get secretBytes(): number {
    return this.disk.files.content.get("node-secret")!.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crypto.stop();
    this.#folder[Symbol.dispose]();
  }
}

async function openPlace(): Promise<Place> {
  return new Place(await LocalCryptoCore.create());
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

Deno.test("init with a passphrase makes keys that never were on disk without it", async () => {
  await using place = await openPlace();
  const ports = place.portsOf();
  const written: number[] = [];
  const watched = {
    ...ports.files,
    write: async (name: string, content: Uint8Array) => {
      if (name === "node-secret") written.push(content.length);
      await ports.files.write(name, content);
    },
  };
  const given = passphrase();
  const id = await place.init({ passphrase: given }, { ...ports, files: watched });
  assertEquals(written, [SEALED_BYTES]);
  assertEquals(given, new Uint8Array(given.length));
  assertEquals(await codeOf(openKeystoreFiles(place.portsOf())), "unauthorized");
  const opened = await openKeystoreFiles(place.portsOf(), { passphrase: passphrase() });
  assertEquals(opened.nodeId, id);
});

Deno.test("init with a passphrase that is killed before any write ends well the second time", async () => {
  let steps = Infinity;
  for (let step = 1; step <= steps; step++) {
    await using place = await openPlace();
    const process = place.disk.boot(step);
    const first = place.init({ passphrase: passphrase() }, place.portsOf(process))
      .catch(() => null);
    const ended = await Promise.race([first, process.died]);
    process.kill();
    if (ended !== null && ended !== "died") steps = process.steps;
    else await place.init({ passphrase: passphrase() });
    assertEquals(place.secretBytes, SEALED_BYTES);
    await openKeystoreFiles(place.portsOf(), { passphrase: passphrase() });
    assertEquals(await codeOf(place.init({ passphrase: passphrase() })), "bad_request");
  }
});

Deno.test("init and succeed refuse a passphrase for keys that lie there without one", async () => {
  await using place = await openPlace();
  const { nodeId } = await openKeystoreFiles(place.portsOf(), { cost: CHEAP_COST });
  assertEquals(await codeOf(place.init({ passphrase: passphrase() })), "bad_request");
  assertEquals(await place.init({}), nodeId);
  const { phrase } = place;
  const succeeding = succeedNode(place.portsOf(), {
    phrase: phrase.slice(),
    from: null,
    passphrase: passphrase(),
    cost: CHEAP_COST,
    show: place.show,
  });
  assertEquals(await codeOf(succeeding), "bad_request");
  assertEquals((await openKeystoreFiles(place.portsOf())).nodeId, nodeId);
  assertEquals(place.secretBytes, PLAIN_BYTES);
});

Deno.test("init and succeed wipe what they were given, also when they refuse", async () => {
  await using place = await openPlace();
  let shown: Uint8Array = new Uint8Array([1]);
  await place.init({ show: ({ phrase }) => Promise.resolve(void (shown = phrase)) });
  assertEquals(shown, new Uint8Array(32));
  const refuse = async (text: { init: string; succeed: string }) => {
    const [forInit, forSucceed] = [passphrase(), passphrase()];
    const phrase = new Uint8Array(32).fill(7);
    await assertRejects(() => place.init({ passphrase: forInit }), OpenRedError, text.init);
    const options = { phrase, passphrase: forSucceed, from: null, show: place.show };
    await assertRejects(() => succeedNode(place.portsOf(), options), OpenRedError, text.succeed);
    const given = [forInit, forSucceed, phrase];
    assertEquals(given, given.map(({ length }) => new Uint8Array(length)));
  };
  await refuse({ init: "recovery phrase already", succeed: "not the recovery phrase" });
  await place.disk.files.write("restoring", new Uint8Array());
  await refuse({ init: "broke off", succeed: "broke off" });
});

Deno.test("succeed for a lost directory takes no place that holds a node, and no id that the phrase makes", async () => {
  await using place = await openPlace();
  const id = await place.init({});
  await using empty = await openPlace();
  const { nodeId } = await empty.portsOf().crypto.openSuccessor({ phrase: place.phrase.slice() });
  const succeed = (ports: DataPorts, from: string) =>
    codeOf(succeedNode(ports, {
      phrase: place.phrase.slice(),
      from: from as NodeId,
      cost: CHEAP_COST,
      show: place.show,
    }));
  assertEquals(await succeed(place.portsOf(), id), "bad_request");
  assertEquals(await succeed(empty.portsOf(), nodeId), "bad_request");
  assertEquals([...empty.disk.files.content.keys()], []);
});

Deno.test("init makes no new identity where a node has lost its keystore", async () => {
  await using place = await openPlace();
  await place.init({ passphrase: passphrase() });
  const next = place.portsOf().openDatabase("node.db");
  next.exec("DELETE FROM self WHERE name = 'next'");
  next.close();
  place.disk.files.content.delete("keystore");
  assertEquals(await codeOf(place.init({ passphrase: passphrase() })), "not_found");
  assertEquals(place.disk.files.content.has("keystore"), false);
});

Deno.test("a phrase that could not be shown is void, and init shows another one", async () => {
  await using place = await openPlace();
  const show = () => Promise.reject(new Error("Broken pipe"));
  await assertRejects(() => place.init({ show }), Error, "Broken pipe");
  await place.init({});
  const before = new Map(place.disk.files.content);
  const { phrase } = place;
  const options = { phrase: phrase.slice(), from: null, cost: CHEAP_COST, show };
  await assertRejects(() => succeedNode(place.portsOf(), options), Error, "Broken pipe");
  assertEquals(place.disk.files.content, before);
});

Deno.test("the keys that follow are under the passphrase of the former ones, with a secret of their own", async () => {
  await using place = await openPlace();
  const id = await place.init({});
  await setPassphrase(place.portsOf(), { passphrase: passphrase(), cost: CHEAP_COST });
  const before = new Map(place.disk.files.content);
  const next = await succeedNode(place.portsOf(), {
    phrase: place.phrase.slice(),
    from: null,
    passphrase: passphrase(),
    cost: CHEAP_COST,
    show: place.show,
  });
  const opened = await openKeystoreFiles(place.portsOf(), { passphrase: passphrase() });
  assertEquals(opened.nodeId, next);
  const { content } = place.disk.files;
  assertEquals(content.get(`former-${id}.node-secret`), before.get("node-secret"));
  content.set("node-secret", before.get("node-secret")!);
  await assertRejects(
    () => openKeystoreFiles(place.portsOf(), { passphrase: passphrase() }),
    Error,
    "does not open",
  );
});
