import { assertEquals } from "@std/assert";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import { type HpkeContext, setUpSender } from "../../../../modules/file_sharing/links/page/hpke.js";
import { concat, deriveAccess } from "../../../../modules/file_sharing/links/page/link_crypto.js";
import { aadOf, infoOf } from "../../../../modules/file_sharing/links/request.ts";
import { bep52Content, bep52Files } from "../../../vectors/bep52.ts";
import { filesIn } from "../sharing_nodes.ts";
import { LinkNode, type Told } from "./link_node.ts";

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;

/** Somebody who has a link to send by. */
class Sender {
  readonly #url: string;
  readonly #link: Uint8Array<ArrayBuffer>;
  readonly #receiver: Uint8Array<ArrayBuffer>;
  upload = "";
  #context!: HpkeContext;
  #enc!: Uint8Array<ArrayBuffer>;

  constructor(link: string) {
    const [url, key] = link.split("#r");
    this.#url = url!;
    this.#link = decodeBase64Url(url!.split("/").at(-1)!)!;
    this.#receiver = decodeBase64Url(key!)!;
  }

  async #post(path: string, body: Uint8Array<ArrayBuffer> | string): Promise<Told> {
    const answer = await fetch(`${this.#url}/${path}`, { method: "POST", body });
    return { status: answer.status, body: await answer.json() };
  }

  async #shown(more: object): Promise<string> {
    const { access } = await deriveAccess({ id: this.#link, secret: this.#receiver });
    return JSON.stringify({ access: encodeBase64Url(access), ...more });
  }

  async look(): Promise<Told> {
    return await this.#post("request", await this.#shown({}));
  }

  async begin(bytes: number, files = 1): Promise<Told> {
    const told = await this.#post("uploads", await this.#shown({ bytes, files }));
    this.upload = told.body.upload ?? this.upload;
    return told;
  }

  async seal(
    number: number,
    content: Uint8Array<ArrayBuffer>,
    { file = 0, isLast = false } = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const upload = decodeBase64Url(this.upload)!;
    if (number === 0) {
      const info = infoOf({ link: this.#link, upload, file });
      ({ enc: this.#enc, context: this.#context } = await setUpSender(this.#receiver, info));
    }
    const sealed = await this.#context.seal(aadOf({ upload, file, number, isLast }), content);
    return number === 0 ? concat(this.#enc, sealed) : sealed;
  }

  piece(
    number: number,
    sealed: Uint8Array<ArrayBuffer>,
    { file = 0, isLast = false } = {},
  ): Promise<Told> {
    return this.#post(`${this.upload}/${file}/${number}${isLast ? "?last=1" : ""}`, sealed);
  }

  /** Sends a file of a known root. */
  async file(name: string, length: number, place = 0): Promise<Told> {
    const content = bep52Content(length);
    let number = 0;
    for (let at = 0; at < length; at += MIB, number++) {
      const sealed = await this.seal(number, content.slice(at, at + MIB), { file: place });
      const told = await this.piece(number, sealed, { file: place });
      if (told.status !== 200) return told;
    }
    const hex = bep52Files.find((one) => one.length === length)?.root;
    const root = hex === undefined ? {} : { root: encodeBase64Url(Uint8Array.fromHex(hex)) };
    const last = Uint8Array.from(encodeUtf8(JSON.stringify({ name, length, ...root })));
    const options = { file: place, isLast: true };
    return await this.piece(number, await this.seal(number, last, options), options);
  }

  done(): Promise<Told> {
    return this.#post(`${this.upload}/done`, "");
  }
}

async function receivedIn(node: LinkNode): Promise<string> {
  return (await node.requests())[0]!.received[0]!.name;
}

Deno.test("files of a sending land together, under clean names, once all are whole", async () => {
  await using node = await LinkNode.start();
  const { link } = await node.request();
  const sender = new Sender(link);
  assertEquals((await sender.look()).body.max_bytes, 2 ** 30);
  await sender.begin(MIB + 1 + 1, 3);
  assertEquals((await sender.file("../x", MIB + 1)).body, { next: 3 });
  assertEquals((await sender.done()).body.code, "bad_request");
  await sender.file("_x", 1, 1);
  await sender.file("empty", 0, 2);
  assertEquals(filesIn(node.folder).length, 1);
  assertEquals((await sender.done()).body, { done: true });
  assertEquals((await sender.done()).body, { done: true });
  const folder = `${node.folder}/${await receivedIn(node)}`;
  assertEquals(filesIn(folder), ["_x", "_x (2)", "empty"]);
  assertEquals(Deno.readFileSync(`${folder}/_x`), bep52Content(MIB + 1));
  assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
  assertEquals((await sender.begin(1)).body.reason, "used");
});

Deno.test("what was changed, moved, cut off or announced otherwise does not land", async () => {
  await using node = await LinkNode.start();
  const { link } = await node.request({ max_bytes: 3 * MIB, count: 9 });
  const sender = new Sender(link);
  assertEquals((await sender.begin(3 * MIB + 1)).body.code, "too_large");
  const content = bep52Content(2 * MIB);
  const half = content.slice(0, MIB);
  await sender.begin(2 * MIB);
  const first = await sender.seal(0, half);
  assertEquals((await sender.piece(0, first.with(99, first[99]! ^ 1))).body.code, "bad_signature");
  assertEquals((await sender.piece(1, first)).body.code, "bad_request");
  await sender.begin(2 * MIB);
  const again = await sender.seal(0, half);
  assertEquals((await sender.piece(0, again)).body, { next: 1 });
  assertEquals((await sender.piece(0, again)).body, { next: 1 });
  const second = await sender.seal(1, half);
  assertEquals((await sender.piece(1, second, { isLast: true })).body.code, "bad_signature");
  // The end says another content than came.
  await sender.begin(MIB);
  await sender.piece(0, await sender.seal(0, half));
  const wrong = JSON.stringify({ name: "a", length: MIB, root: "A".repeat(43) });
  const last = await sender.seal(1, Uint8Array.from(encodeUtf8(wrong)), { isLast: true });
  assertEquals((await sender.piece(1, last, { isLast: true })).body.code, "bad_signature");
  // More comes than was announced.
  await sender.begin(10);
  assertEquals((await sender.file("a", 16_384)).body.code, "too_large");
  assertEquals((await sender.done()).status, 400);
  assertEquals((await node.requests())[0]!.received, []);
});

Deno.test("a link to send by ends with its time, its count and when it is taken back", async () => {
  await using node = await LinkNode.start();
  const expired = await node.request();
  const revoked = await node.request();
  const sender = new Sender(revoked.link);
  await sender.begin(1);
  await node.unshare(revoked.id);
  assertEquals((await sender.file("a", 1)).body.reason, "revoked");
  assertEquals((await sender.look()).body.reason, "revoked");
  assertEquals(filesIn(node.folder), []);
  node.clock.wallMs = 8 * DAY_MS;
  assertEquals((await new Sender(expired.link).look()).body.reason, "expired");
  const stranger = new Sender(`${expired.link.slice(0, -43)}${"A".repeat(43)}`);
  const unknown = new Sender(`${node.url}/f/${"A".repeat(22)}#r${"A".repeat(43)}`);
  assertEquals(await stranger.look(), await unknown.look());
  assertEquals((await stranger.look()).status, 404);
});

Deno.test("who comes back sends anew, and what was begun goes", async () => {
  await using node = await LinkNode.start();
  const { link } = await node.request();
  const first = new Sender(link);
  await first.begin(1);
  const second = new Sender(link);
  assertEquals((await second.begin(1)).body.code, "overloaded");
  node.clock.spanMs += 61_000;
  await second.begin(1);
  assertEquals((await first.file("a", 1)).status, 404);
  assertEquals(filesIn(node.folder).length, 1);
  await node.stop();
  assertEquals(filesIn(node.folder), []);
  await node.start({}, node.clock);
  assertEquals((await second.file("a", 1)).status, 404);
  await second.begin(1);
  await second.file("a", 1);
  assertEquals((await second.done()).status, 200);
});
