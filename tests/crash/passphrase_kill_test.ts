import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { openKeystoreFiles } from "../../ports/keystore_files.ts";
import { openFiles, systemRandom } from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { CHEAP_COST } from "../world/cores.ts";

const KILLS = 24;
const MAX_LIFE_MS = 40;
const PASSPHRASES = ["the first passphrase", "the second passphrase"];
const PROGRAM = new URL("./passphrase_changer.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Keys on a real disk, and who opens them. */
class Keys {
  readonly #data: string;
  readonly #crypto: LocalCryptoCore;

  constructor(data: string, crypto: LocalCryptoCore) {
    this.#data = data;
    this.#crypto = crypto;
  }

  async open(passphrase: string): Promise<string> {
    const ports = { crypto: this.#crypto, files: openFiles(this.#data), random: systemRandom };
    const keys = await openKeystoreFiles(ports, {
      cost: CHEAP_COST,
      passphrase: passphrase === "" ? undefined : encodeUtf8(passphrase),
    });
    return keys.nodeId;
  }

  /** @returns The one passphrase that opens them; empty for none. */
  async present(): Promise<string> {
    const { length } = Deno.readFileSync(`${this.#data}/node-secret`);
    if (length === 32) return "";
    await assertRejects(() => this.open(""), OpenRedError, "none was given");
    const opening = await Promise.allSettled(PASSPHRASES.map((text) => this.open(text)));
    const found = PASSPHRASES.filter((_, at) => opening[at]?.status === "fulfilled");
    assertEquals(found.length, 1);
    return found[0]!;
  }
}

/** @returns What the process said it was changing when it was killed. */
async function killWhileChanging(data: string, present: string): Promise<readonly string[]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `--config=${CONFIG}`, "-A", PROGRAM, data, present],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = (await reader.read()).value ?? "";
  // A process is killed in the middle of what it does only in real time.
  const timer = setTimeout(() => process.kill("SIGKILL"), Math.random() * MAX_LIFE_MS);
  for (let read = await reader.read(); !read.done; read = await reader.read()) said += read.value;
  clearTimeout(timer);
  await process.status;
  const lines = said.split("\n").slice(0, -1);
  const from = lines.findLast((line) => line.startsWith("from "))!.slice("from ".length);
  const to = lines.at(-1)!.startsWith("to ") ? lines.at(-1)!.slice("to ".length) : from;
  return [from, to];
}

Deno.test("a process that is killed while it changes the passphrase leaves the old or the new one", async () => {
  using directory = makeTemporaryDirectory();
  const crypto = await LocalCryptoCore.create();
  const keys = new Keys(directory.path, crypto);
  const id = await keys.open("");
  let present = "";
  for (let kill = 0; kill < KILLS; kill++) {
    const [from, to] = await killWhileChanging(directory.path, present);
    present = await keys.present();
    assert(present === from || present === to, `${present}: neither ${from} nor ${to}`);
    assertEquals(await keys.open(present), id);
    if (present !== "") assertEquals(leftOvers(directory.path), []);
  }
  await crypto.stop();
});

/** Where a plain secret could still be. */
function leftOvers(data: string): string[] {
  return [...Deno.readDirSync(data)].map(({ name }) => name).filter((name) =>
    name.endsWith(".tmp")
  );
}
