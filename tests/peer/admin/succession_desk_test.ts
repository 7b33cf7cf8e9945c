import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { NextRun } from "../../../peer/config.ts";
import type { NewSuccessionView } from "../../../protocol/succession_api.ts";
import type { NewPhraseView } from "../../../protocol/recovery_phrase_api.ts";
import { toPhrase } from "../../../ports/recovery_words.ts";
import { mistyped } from "../../world/mistyped_phrase.ts";
import { TestNode } from "../test_node.ts";

const HALF_HOUR_MS = 30 * 60_000;
const PASSPHRASE = "several long words";

/** A node that notes whom it is to be opened anew for, and its recovery phrase. */
class Followed implements AsyncDisposable {
  readonly test: TestNode;
  readonly phrase: string;
  readonly reopened: (string | null)[];

  private constructor(test: TestNode, options: { phrase: string; reopened: (string | null)[] }) {
    this.test = test;
    this.phrase = options.phrase;
    this.reopened = options.reopened;
  }

  static async start(): Promise<Followed> {
    const reopened: (string | null)[] = [];
    const reopen = ({ passphrase }: NextRun) => {
      reopened.push(passphrase === null ? null : new TextDecoder().decode(passphrase));
    };
    const test = await TestNode.start({}, [], { reopen });
    const { body } = await test.admin("POST", "/recovery-phrase", {});
    const { words } = body as NewPhraseView;
    await test.admin("POST", "/recovery-phrase/keep", { words: answerOf(body) });
    return new Followed(test, { phrase: words.join(" "), reopened });
  }

  async begin(phrase = this.phrase): Promise<NewSuccessionView> {
    const { status, body } = await this.test.admin("POST", "/succession", { phrase });
    assertEquals(status, 200);
    return body;
  }

  async make(
    words: readonly string[],
    { phrase = this.phrase, passphrase = null as string | null } = {},
  ): Promise<[number, string]> {
    const { status, body } = await this.test.admin("POST", "/succession/make", {
      phrase,
      words,
      passphrase: passphrase === null ? null : encodeBase64Url(encodeUtf8(passphrase)),
    });
    return [status, body.code ?? body.node_id];
  }

  /** Whether the next start finds a succession. */
  get isMade(): boolean {
    return this.test.files.content.has("succession");
  }

  /** What the root does once it is to open the data anew. */
  async restart(passphrase: string | null = null): Promise<void> {
    await this.test.stop();
    await this.test.boot(passphrase === null ? {} : { passphrase: encodeUtf8(passphrase) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}

function answerOf({ words, asked }: NewPhraseView): string[] {
  return asked.map((place) => words[place - 1]!);
}

async function audited(test: TestNode, event: string): Promise<Record<string, string>[]> {
  await test.clock.advance(10);
  const { body } = await test.admin("GET", "/audit?limit=1000");
  return body.entries.filter((entry: { event: string }) => entry.event === event);
}

Deno.test("a running node is followed by the identity of its recovery phrase, which knows what it knew and where its log ended", async () => {
  await using node = await Followed.start();
  const { test } = node;
  await test.decide();
  const former = test.node.id;
  const shown = await node.begin(node.phrase.toUpperCase().replaceAll(" ", "\n 1. "));
  assert(shown.node_id !== former);
  assertEquals(node.isMade, false);
  assertEquals(await node.make(answerOf(shown)), [200, shown.node_id]);
  assertEquals([node.isMade, node.reopened], [true, [null]]);
  assertEquals(await node.make(answerOf(shown)), [503, "overloaded"]);
  await node.restart();
  assertEquals([test.node.id, node.isMade], [shown.node_id, false]);
  assertEquals((await test.admin("POST", "/peers/show", { peer: test.peer.id })).status, 200);
  const [noted] = await audited(test, "succeeded");
  assertEquals(noted!.former, former);
  const lines = test.files.text(`former-${former}.audit-000001.jsonl`).trim().split("\n");
  const hash = await crypto.subtle.digest("SHA-256", encodeUtf8(lines.at(-1)!));
  assertStringIncludes(noted!.former_head!, `:${encodeBase64Url(new Uint8Array(hash))}`);
  // The new phrase is the one that leads on from here.
  assertEquals((await test.admin("POST", "/succession", { phrase: node.phrase })).status, 403);
  await node.begin(shown.words.join(" "));
});

Deno.test("another node's phrase, or none, begins no succession, and says why", async () => {
  await using node = await Followed.start();
  const { test, phrase } = node;
  const foreign = toPhrase((await test.crypto.createSuccessor()).phrase);
  for (
    const [given, status, said] of [
      [foreign, 403, "not the recovery phrase of this node"],
      [phrase.split(" ").slice(1).join(" "), 400, "24 words, and these are 23"],
      [phrase.replace(/^\w+/, "openred"), 400, "Word 1 of the recovery phrase is not on the list"],
      [mistyped(phrase.split(" ")).join(" "), 400, "does not hold"],
    ] as const
  ) {
    const { body, ...answer } = await test.admin("POST", "/succession", { phrase: given });
    assertEquals(answer.status, status);
    assertStringIncludes(body.detail, said);
    assertEquals(body.word ?? null, said.startsWith("Word") ? 1 : null);
  }
  const shown = await node.begin();
  assertEquals(await node.make(answerOf(shown), { phrase: foreign }), [403, "forbidden"]);
  assertEquals([node.isMade, node.reopened], [false, []]);
  assertEquals((await audited(test, "succession_made")).length, 2);
  assertEquals(JSON.stringify(test.log.entries).includes(phrase.split(" ")[0]!), false);
});

Deno.test("a node without a recovery phrase cannot be followed", async () => {
  await using test = await TestNode.start();
  const phrase = toPhrase((await test.crypto.createSuccessor()).phrase);
  assertEquals((await test.admin("POST", "/succession", { phrase })).status, 404);
});

Deno.test("a succession waits for the words of the new phrase, half an hour and five tries long", async () => {
  await using node = await Followed.start();
  assertEquals(await node.make(["a", "b", "c"]), [404, "not_found"]);
  const first = await node.begin();
  await node.test.clock.advance(HALF_HOUR_MS);
  assertEquals(await node.make(answerOf(first)), [404, "not_found"]);
  const second = await node.begin();
  for (let turn = 0; turn < 5; turn++) {
    assertEquals(await node.make(["a", "b", "c"]), [400, "bad_request"]);
  }
  assertEquals(await node.make(answerOf(second)), [404, "not_found"]);
  assertEquals([node.isMade, node.reopened], [false, []]);
});

Deno.test("the new keys are under the passphrase of the former ones, which has to be right", async () => {
  await using node = await Followed.start();
  const { test } = node;
  const shown = await node.begin();
  const words = answerOf(shown);
  assertEquals(await node.make(words, { passphrase: "of no use" }), [400, "bad_request"]);
  await test.admin("POST", "/passphrase", {
    passphrase: encodeBase64Url(encodeUtf8(PASSPHRASE)),
    current: null,
  });
  assertEquals(await node.make(words), [403, "forbidden"]);
  assertEquals(await node.make(words, { passphrase: "another one" }), [403, "forbidden"]);
  assertEquals(node.isMade, false);
  const made = await node.make(words, { passphrase: PASSPHRASE });
  assertEquals([made, node.reopened], [[200, shown.node_id], [PASSPHRASE]]);
  await node.restart(PASSPHRASE);
  assertEquals(test.node.id, shown.node_id);
});

Deno.test("no passphrase is changed under a succession, nor after it", async () => {
  await using node = await Followed.start();
  const { test } = node;
  const passphrase = encodeBase64Url(encodeUtf8(PASSPHRASE));
  const change = async () => {
    const { status, body } = await test.admin("POST", "/passphrase", { passphrase, current: null });
    return [status, body.code ?? body.is_set];
  };
  const shown = await node.begin();
  const words = answerOf(shown);
  // The words hold for another try.
  assertEquals(await Promise.all([change(), node.make(words, { passphrase: "no" })]), [
    [200, true],
    [503, "overloaded"],
  ]);
  const made = node.make(words, { passphrase: PASSPHRASE });
  assertEquals(await Promise.all([made, change()]), [
    [200, shown.node_id],
    [503, "overloaded"],
  ]);
  assertEquals(await change(), [503, "overloaded"]);
});

Deno.test("a node that is killed right after the answer is the new one at its next start", async () => {
  await using node = await Followed.start();
  const { test } = node;
  const shown = await node.begin();
  await node.make(answerOf(shown));
  const killed = new Map(test.files.content);
  await test.stop();
  test.files.content.clear();
  for (const [name, content] of killed) test.files.content.set(name, content);
  await test.boot();
  assertEquals(test.node.id, shown.node_id);
});

Deno.test("a disk that takes nothing makes no succession, and the words hold for another try", async () => {
  await using node = await Followed.start();
  const { test } = node;
  const shown = await node.begin();
  test.files.isFull = true;
  assertEquals(await node.make(answerOf(shown)), [503, "overloaded"]);
  assertEquals([node.isMade, node.reopened], [false, []]);
  test.files.isFull = false;
  assertEquals(await node.make(answerOf(shown)), [200, shown.node_id]);
});
