import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { sealBox } from "../../crypto/at_rest/stretched_box.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { OpenedKeystore } from "../../crypto/interface.ts";
import { createAeads } from "../../crypto/primitives/aead.ts";
import { argon2id } from "../../crypto/primitives/hashes.ts";
import { KEYSTORE_FILE, openKeystoreFiles } from "../../ports/keystore_files.ts";
import { SECRET_FILE, setPassphrase } from "../../ports/node_secret.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { repeated } from "../vectors/read_vectors.ts";

const COST = { memoryKiB: 8, passes: 1 };
const NODE_SECRET = repeated(6, 32);

/** A data directory as an earlier version of this program left it: its keystore has no storage root. */
class FormerKeys implements AsyncDisposable {
  readonly random = new SeededRandom("former keys");
  readonly files = new MemoryFiles();
  readonly crypto: LocalCryptoCore;

  private constructor(crypto: LocalCryptoCore) {
    this.crypto = crypto;
  }

  static async create(): Promise<FormerKeys> {
    const keys = new FormerKeys(await LocalCryptoCore.create());
    const random = (length: number) => keys.random.bytes(length);
    const sealed = await sealBox({ aeads: createAeads(), random, stretch: argon2id }, {
      magic: "ORKEYS01",
      secret: NODE_SECRET,
      plain: repeated(1, 64),
      cost: COST,
    });
    await keys.files.write(KEYSTORE_FILE, sealed);
    await keys.files.write(SECRET_FILE, NODE_SECRET);
    return keys;
  }

  get keystore(): Uint8Array {
    return this.files.content.get(KEYSTORE_FILE)!;
  }

  async sealRow({ storage }: OpenedKeystore): Promise<Uint8Array> {
    const key = await this.#key(storage);
    const [sealed] = await this.crypto.sealRows({
      key,
      rows: [{ aad: new Uint8Array(), content: encodeUtf8("kept") }],
    });
    return sealed!;
  }

  async opensRow({ storage }: OpenedKeystore, sealed: Uint8Array): Promise<boolean> {
    const key = await this.#key(storage);
    const [content] = await this.crypto.openRows({
      key,
      rows: [{ aad: new Uint8Array(), sealed }],
    });
    return content !== null;
  }

  #key(storage: OpenedKeystore["storage"]) {
    return this.crypto.deriveModuleKey({ storage, module: "notes", salt: new Uint8Array(16) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.crypto.stop();
  }
}

Deno.test("a keystore without storage root gets one on disk, once", async () => {
  await using keys = await FormerKeys.create();
  const former = keys.keystore.slice();
  const first = await openKeystoreFiles(keys);
  assert(`${keys.keystore}` !== `${former}`);
  const row = await keys.sealRow(first);
  const { writes } = keys.files;
  const second = await openKeystoreFiles(keys);
  assertEquals([second.nodeId, keys.files.writes], [first.nodeId, writes]);
  assertEquals(await keys.opensRow(second, row), true);
});

Deno.test("a keystore whose new root does not get onto the disk stays as it is, and gives out nothing", async () => {
  await using keys = await FormerKeys.create();
  const former = keys.keystore.slice();
  keys.files.isFull = true;
  await assertRejects(() => openKeystoreFiles(keys), Error, "No space");
  assertEquals(keys.keystore, former);
  keys.files.isFull = false;
  const opened = await openKeystoreFiles(keys);
  const row = await keys.sealRow(opened);
  assertEquals(await keys.opensRow(await openKeystoreFiles(keys), row), true);
});

Deno.test("a root made under a passphrase opens its rows after that changes", async () => {
  await using keys = await FormerKeys.create();
  const passphrase = () => encodeUtf8("a passphrase");
  await setPassphrase(keys, { passphrase: passphrase(), cost: COST });
  const row = await keys.sealRow(await openKeystoreFiles(keys, { passphrase: passphrase() }));
  const again = await openKeystoreFiles(keys, { passphrase: passphrase() });
  assertEquals(await keys.opensRow(again, row), true);
});
