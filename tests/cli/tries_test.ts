import { assertEquals, assertRejects } from "@std/assert";
import { passphraseAsker } from "../../cli/passphrase_source.ts";
import { phrasePrinter } from "../../cli/phrase_output.ts";
import { CryptoError } from "../../crypto/interface.ts";
import { withTries } from "../../keeper/node_keys.ts";
import { Output } from "../../cli/output.ts";
import { MemorySink } from "./command_line.ts";

const WRONG = new CryptoError("unseal_failed", "Wrong");

function asking() {
  const prompts: string[] = [];
  const ports = {
    askSecret: (prompt: string) => {
      prompts.push(prompt);
      return Promise.resolve(new TextEncoder().encode(`typed ${prompts.length}`));
    },
    readSecretFile: () => Promise.resolve(new TextEncoder().encode("of the file")),
    readInput: () => Promise.reject(new TypeError("Not asked for")),
  };
  return { prompts, ports };
}

async function open(
  { askPassphrase, tries = 1 }: ReturnType<typeof passphraseAsker>,
  right: string,
): Promise<string> {
  return await withTries(tries, async (isAgain) => {
    const passphrase = new TextDecoder().decode(await askPassphrase(isAgain));
    if (passphrase !== right) throw WRONG;
    return passphrase;
  });
}

Deno.test("a passphrase that is wrong can be typed three times, and one of a file is read once", async () => {
  const { prompts, ports } = asking();
  assertEquals(await open(passphraseAsker(ports, null), "typed 3"), "typed 3");
  const prompt = "Passphrase of the node's keys: ";
  assertEquals(prompts, [prompt, `That one is wrong. ${prompt}`, `That one is wrong. ${prompt}`]);
  const other = asking();
  await assertRejects(() => open(passphraseAsker(other.ports, null), "typed 4"), CryptoError);
  assertEquals(other.prompts.length, 3);
  await assertRejects(() => open(passphraseAsker(ports, "file"), "another"), CryptoError);
});

Deno.test("withTries() repeats nothing but what a wrong passphrase has ended", async () => {
  let calls = 0;
  const fail = () => {
    calls += 1;
    return Promise.reject(new TypeError("Another fault"));
  };
  await assertRejects(() => withTries(3, fail), TypeError, "Another fault");
  assertEquals(calls, 1);
});

Deno.test("a phrase is shown with its words numbered, six on a line", async () => {
  const sink = new MemorySink(true, 80);
  const show = phrasePrinter(new Output(sink, { noColor: true }), { json: false });
  await show({ id: "z6Mk", phrase: new Uint8Array(32).fill(0xff) });
  const lines = sink.text.split("\n").filter((line) => /^ +\d/.test(line)).map((line) =>
    line.trim()
  );
  assertEquals(lines[0], "1 zoo        2 zoo        3 zoo        4 zoo        5 zoo        6 zoo");
  assertEquals(lines[3]?.split(/ +/), "19 zoo 20 zoo 21 zoo 22 zoo 23 zoo 24 vote".split(" "));
});
