import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { CryptoError } from "../../crypto/interface.ts";
import { openKeystoreFiles } from "../../ports/keystore_files.ts";
import {
  changePassphrase,
  removePassphrase,
  SECRET_FILE,
  setPassphrase,
} from "../../ports/node_secret.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { MemoryFiles } from "../world/memory_files.ts";

const COST = { memoryKiB: 8, passes: 1 };
const pass = (text: string) => encodeUtf8(text);

/** A data directory with keys, and what a process that starts anew finds there. */
class Keys implements AsyncDisposable {
  readonly random = new SeededRandom("node secret");
  readonly files = new MemoryFiles();
  readonly crypto: LocalCryptoCore;

  private constructor(crypto: LocalCryptoCore) {
    this.crypto = crypto;
  }

  static async create(): Promise<Keys> {
    const keys = new Keys(await LocalCryptoCore.create());
    await keys.open();
    return keys;
  }

  async open(passphrase?: string): Promise<string> {
    const opened = await openKeystoreFiles(this, {
      cost: COST,
      passphrase: passphrase === undefined ? undefined : pass(passphrase),
    });
    return opened.nodeId;
  }

  get secret(): Uint8Array {
    return this.files.content.get(SECRET_FILE)!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.crypto.stop();
  }
}

Deno.test("A passphrase is set, changed and removed; the keystore stays as it is", async () => {
  await using keys = await Keys.create();
  const id = await keys.open();
  const [plain, keystore] = [keys.secret, keys.files.content.get("keystore")];
  await setPassphrase(keys, { passphrase: pass("first one"), cost: COST });
  assertEquals(keys.secret.length, 92);
  assertEquals(await keys.open("first one"), id);
  await changePassphrase(keys, {
    passphrase: pass("first one"),
    newPassphrase: pass("second one"),
    cost: COST,
  });
  assertEquals(await keys.open("second one"), id);
  await assertRejects(() => keys.open("first one"), CryptoError, "does not open");
  await removePassphrase(keys, { passphrase: pass("second one") });
  assertEquals(keys.secret, plain);
  assertEquals([await keys.open(), keys.files.content.get("keystore")], [id, keystore]);
});

Deno.test("A wrong passphrase changes nothing, and is refused with unseal_failed", async () => {
  await using keys = await Keys.create();
  await setPassphrase(keys, { passphrase: pass("the right one"), cost: COST });
  const before = keys.secret.slice();
  const wrong = () => ({ passphrase: pass("the wrong one") });
  const newPassphrase = pass("another one");
  const calls = [
    () => changePassphrase(keys, { ...wrong(), newPassphrase, cost: COST }),
    () => removePassphrase(keys, wrong()),
    () => keys.open("the wrong one"),
  ];
  for (const call of calls) {
    const error = await assertRejects(call, CryptoError);
    assertEquals(error.code, "unseal_failed");
  }
  assertEquals(keys.secret, before);
  const missing = await assertRejects(() => keys.open(), OpenRedError);
  assertEquals(missing.code, "unauthorized");
});

Deno.test("Setting twice, changing and removing nothing, and having no secret are said", async () => {
  await using keys = await Keys.create();
  const passphrase = () => pass("a passphrase");
  await assertRejects(
    () => removePassphrase(keys, { passphrase: passphrase() }),
    OpenRedError,
    "no passphrase",
  );
  const change = { passphrase: passphrase(), newPassphrase: passphrase() };
  await assertRejects(() => changePassphrase(keys, change), OpenRedError, "no passphrase");
  await setPassphrase(keys, { passphrase: passphrase(), cost: COST });
  await assertRejects(
    () => setPassphrase(keys, { passphrase: passphrase() }),
    OpenRedError,
    "already",
  );
  keys.files.content.delete(SECRET_FILE);
  await assertRejects(
    () => setPassphrase(keys, { passphrase: passphrase() }),
    OpenRedError,
    "no node secret",
  );
  await assertRejects(() => keys.open("a passphrase"), OpenRedError, SECRET_FILE);
  keys.files.content.set(SECRET_FILE, encodeUtf8("damaged"));
  await assertRejects(() => keys.open("a passphrase"), RangeError, "damaged");
});

Deno.test("A sealed secret with one flipped bit does not open", async () => {
  await using keys = await Keys.create();
  await setPassphrase(keys, { passphrase: pass("a passphrase"), cost: COST });
  const sealed = keys.secret.slice();
  for (let at = 0; at < sealed.length; at++) {
    const flipped = sealed.slice();
    flipped[at]! ^= 1;
    keys.files.content.set(SECRET_FILE, flipped);
    await assertRejects(() => keys.open("a passphrase"), Error, "", `byte ${at}`);
  }
});

Deno.test("Whoever is killed while the passphrase changes leaves one state or the other", async () => {
  for (const killedBefore of ["list", "remove", "write", "nothing"] as const) {
    await using keys = await Keys.create();
    const id = await keys.open();
    const { files } = keys;
    files.content.set(`.${SECRET_FILE}.tmp`, new Uint8Array(32));
    await setPassphrase(keys, { passphrase: pass("first one"), cost: COST });
    assert(!files.content.has(`.${SECRET_FILE}.tmp`), "what an interrupted write left is gone");
    const dead = new MemoryFiles();
    for (const [name, content] of files.content) dead.content.set(name, content);
    dead.content.set(`.${SECRET_FILE}.tmp`, new Uint8Array(92));
    if (killedBefore !== "nothing") {
      const die = () => Promise.reject<never>(new Error("Killed"));
      Object.assign(dead, { [killedBefore]: die });
    }
    const options = {
      passphrase: pass("first one"),
      newPassphrase: pass("second one"),
      cost: COST,
    };
    const change = changePassphrase({ crypto: keys.crypto, files: dead }, options);
    const holds = killedBefore === "nothing" ? "second one" : "first one";
    if (killedBefore === "nothing") await change;
    else await assertRejects(() => change, Error, "Killed");
    for (const [name, content] of dead.content) files.content.set(name, content);
    assertEquals(await keys.open(holds), id, killedBefore);
  }
});

Deno.test("Passphrases are wiped once they were used", async () => {
  await using keys = await Keys.create();
  const [first, again, next] = [pass("first one"), pass("first one"), pass("second one")];
  await setPassphrase(keys, { passphrase: first, cost: COST });
  await changePassphrase(keys, { passphrase: again, newPassphrase: next, cost: COST });
  const last = pass("second one");
  await openKeystoreFiles(keys, { cost: COST, passphrase: last });
  for (const used of [first, again, next, last]) assert(used.every((byte) => byte === 0));
});
