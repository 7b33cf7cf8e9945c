/** Signed texts of another program, as the real directory judges them. */
import { assertEquals } from "@std/assert";
import { base64Url, randomBytes, utf8 } from "./bytes.ts";
import { Identity, idOfKey, type Json, open } from "./identity.ts";
import { Peer } from "./peer.ts";
import { postJson } from "./session.ts";
import { RealDirectory } from "../world/real_directory.ts";

async function openDirectory() {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await new RealDirectory().start());
  const peer = stack.use(new Peer("the peer"));
  const codeOf = async (record: string) => {
    const { status, body } = await postJson(`${directory.url}/api/v3/nodes/register`, { record });
    return [status, body.code];
  };
  return { peer, codeOf, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("a header of other members, type, algorithm or signer is refused, Ed25519 is read", async () => {
  await using scene = await openDirectory();
  const { peer, codeOf } = scene;
  const payload = open("record", peer.record);
  const signed = (bend: Json, members: Json = {}) =>
    peer.identity.sign("record", { ...payload, ...members }, bend);
  const refused = async (record: string, what: string) => {
    const [status, code] = await codeOf(record);
    assertEquals(status, 400, what);
    assertEquals(["bad_request", "bad_signature"].includes(String(code)), true, `${what}: ${code}`);
  };
  await refused(signed({ jwk: {} }), "an extra header member");
  await refused(signed({ typ: undefined }), "no typ");
  await refused(signed({ typ: "openred-identity+jwt" }), "another typ");
  await refused(signed({ typ: "OPENRED-RECORD+JWT" }), "typ in capitals");
  await refused(signed({ alg: "none" }), "alg none");
  await refused(signed({ alg: "HS256" }), "alg HS256");
  await refused(signed({ kid: new Identity().id }), "another kid");
  await refused(signed({}, { iss: new Identity().id }), "another iss");
  await refused(signed({ kid: `${peer.id}1` }, { iss: `${peer.id}1` }), "no id");
  assertEquals((await codeOf(signed({ alg: "Ed25519" })))[0], 201);
});

Deno.test("signed text that does not encode back to itself is refused", async () => {
  await using scene = await openDirectory();
  const { peer, codeOf } = scene;
  const [header, payload, signature] = peer.record.split(".") as [string, string, string];
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet[alphabet.indexOf(signature.at(-1)!) + 1]!;
  for (
    const text of [
      `${header}.${payload}.${signature.slice(0, -1)}${last}`,
      `${header}.${payload}.${signature}==`,
      `${header}.${payload}.${signature}.`,
      ` ${peer.record}`,
      `${peer.record}\n`,
    ]
  ) {
    assertEquals((await codeOf(text))[0], 400, text.slice(-12));
  }
  assertEquals((await codeOf(peer.record))[0], 201);
});

Deno.test("a key of small order is nobody's id, though its signature verifies", async () => {
  await using scene = await openDirectory();
  const { peer, codeOf } = scene;
  const neutral = new Uint8Array(32);
  neutral[0] = 1;
  const id = idOfKey(neutral);
  const { payload: _, ...rest } = { ...open("record", peer.record), payload: null };
  const input = [{ alg: "EdDSA", typ: "openred-record+jwt", kid: id }, { ...rest, iss: id }]
    .map((part) => base64Url(utf8(JSON.stringify(part)))).join(".");
  const signature = new Uint8Array(64);
  signature[0] = 1;
  const forged = `${input}.${base64Url(signature)}`;
  // Node's own verification takes it, so the refusal is the directory's own doing.
  assertEquals(open("record", forged).iss, id);
  const [status, code] = await codeOf(forged);
  assertEquals([status, ["bad_request", "bad_signature"].includes(String(code))], [400, true]);
});

Deno.test("a record above 2 KiB is refused, one of unknown members below it is taken", async () => {
  await using scene = await openDirectory();
  const { peer, codeOf } = scene;
  const large = peer.sign({ later: base64Url(randomBytes(1_200)) });
  assertEquals(await codeOf(large), [413, "too_large"]);
  assertEquals((await codeOf(peer.sign({ later: base64Url(randomBytes(300)) })))[0], 201);
});
