import { assertEquals } from "@std/assert";
import { argon2id } from "../../crypto/primitives/hashes.ts";
import {
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
  type NodeId,
} from "../../crypto/encoding.ts";
import { PASSWORD_COST } from "../../crypto/interface.ts";
import {
  deriveAccess,
  derivePartKey,
  deriveSealing,
  openPiece,
  PASSWORD_COST as PAGE_COST,
  passwordBytes,
  sealPiece,
} from "../../modules/file_sharing/links/page/link_crypto.js";
import { publicKeyOf, setUpReceiver } from "../../modules/file_sharing/links/page/hpke.js";
import { aadOf, infoOf } from "../../modules/file_sharing/links/request.ts";
import { formatContactLink, parseContactLink } from "../../protocol/contact_link.ts";
import {
  formatDirectoryKey,
  parseDirectoryKey,
  showDirectoryKey,
} from "../../protocol/directory_key.ts";
import { isInvitationMac, makeInvitationMac } from "../../protocol/invitation.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import { decodeBase32 } from "../../protocol/base32.ts";
import { lastPieceSchema, linkHeadSchema, parseLink } from "../../protocol/file_links.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { bep52Content } from "../vectors/bep52.ts";
import { fixedValues } from "./protocol_markdown.ts";

const MIB = 2 ** 20;
const links = fixedValues("links");
const link = { id: links.bytes("id"), secret: links.bytes("secret") };

Deno.test("the keys of the link of docs/PROTOCOL.md are what this node derives", async () => {
  const parsed = parseLink(`https://node.example/${links.text("path")}`);
  assertEquals(parsed, { url: "https://node.example", ...link });
  const { access, salt } = await deriveAccess(link);
  assertEquals([access, salt], [links.bytes("access"), links.bytes("salt")]);
  const secret = passwordBytes(links.text("password"));
  const stretched = await argon2id({ secret, salt, ...PASSWORD_COST, length: 32 });
  assertEquals(stretched, links.bytes("stretched"));
  const { iterations, memorySize } = PAGE_COST;
  assertEquals([memorySize, iterations], [PASSWORD_COST.memoryKiB, PASSWORD_COST.passes]);
  const { open, sealing } = await deriveSealing(link, Uint8Array.from(stretched));
  assertEquals([open, sealing], [links.bytes("password_open"), links.bytes("password_sealing")]);
  assertEquals((await deriveSealing(link, null)).sealing, links.bytes("sealing"));
});

Deno.test("the pieces of the link of docs/PROTOCOL.md are what this node seals", async () => {
  const head = parseInput(linkHeadSchema, JSON.parse(links.text("head")));
  const { length, root: text } = head.files[0]!;
  const files = fixedValues("files");
  const root = files.bytes(`root_${length}`);
  assertEquals(text, encodeBase64Url(root));
  const content = bep52Content(length);
  const ofFile = { transfer: link.id, root, length };
  const ofHead = { transfer: link.id, part: "head", root: new Uint8Array(), length: 0 } as const;
  const seal = async (what: Parameters<typeof sealPiece>[1], number: number, bytes: Uint8Array) => {
    const key = await derivePartKey(links.bytes("sealing"), what);
    const plain = Uint8Array.from(bytes);
    const sealed = await sealPiece(key, what, { number, content: plain });
    assertEquals(await openPiece(key, what, { number, sealed }), plain);
    return sealed;
  };
  const sealedHead = await seal(ofHead, 0, encodeUtf8(links.text("head")));
  assertEquals(sealedHead, links.bytes("head_sealed"));
  const layer = await seal({ ...ofFile, part: "layer" }, 0, files.bytes("layer"));
  assertEquals(layer, links.bytes("layer_sealed"));
  const first = await seal({ ...ofFile, part: 0 }, 0, content.subarray(0, MIB));
  assertEquals(first.slice(-16), links.bytes("chunk_0_tag"));
  const second = await seal({ ...ofFile, part: 0 }, 1, content.subarray(MIB));
  assertEquals(second, links.bytes("chunk_1_sealed"));
});

Deno.test("what is sent by the link of docs/PROTOCOL.md opens, in order", async () => {
  const requests = fixedValues("requests");
  const id = requests.bytes("id");
  const upload = requests.bytes("upload");
  const secret = requests.bytes("private_key");
  const publicKey = await publicKeyOf(secret);
  assertEquals(requests.text("path"), `f/${encodeBase64Url(id)}#r${publicKey}`);
  const receiver = decodeBase64Url(publicKey)!;
  assertEquals((await deriveAccess({ id, secret: receiver })).access, requests.bytes("access"));
  const info = infoOf({ link: id, upload, file: 0 });
  const first = requests.bytes("piece_0");
  const context = await setUpReceiver(secret, { enc: first.slice(0, 32), receiver, info });
  const aad = (number: number, isLast: boolean) => aadOf({ upload, file: 0, number, isLast });
  const content = await context.open(aad(0, false), first.slice(32));
  assertEquals(content, encodeUtf8(requests.text("content")));
  const last = decodeUtf8((await context.open(aad(1, true), requests.bytes("piece_1")))!);
  assertEquals(last, requests.text("last"));
  assertEquals(parseInput(lastPieceSchema, JSON.parse(last)).name, "a.txt");
});

Deno.test("the contact links of docs/PROTOCOL.md are what this node writes and reads", () => {
  const values = fixedValues("contact-link");
  const link = {
    nodeId: fixedValues("ids").text("a") as NodeId,
    apiUrl: values.text("api_url"),
    directoryUrl: values.text("directory"),
    invitation: values.bytes("secret"),
  };
  assertEquals(formatContactLink(link), values.text("link"));
  assertEquals(parseContactLink(values.text("link")), link);
  assertEquals(decodeBase32(values.text("base32")), link.invitation);
  const local = { ...link, apiUrl: null, invitation: null, directoryUrl: "http://127.0.0.1:7600" };
  assertEquals(parseContactLink(values.text("local")), local);
  assertEquals(formatContactLink(local), values.text("local"));
});

Deno.test("the invitation of docs/PROTOCOL.md is shown as this node shows it", async () => {
  const values = fixedValues("invitation");
  const secret = values.bytes("secret");
  assertEquals(await secretId(secret), values.text("invitation"));
  const scene = {
    inviter: fixedValues("ids").text("a") as NodeId,
    invitee: fixedValues("ids").text("b") as NodeId,
    binding: values.bytes("binding"),
  };
  for (const role of ["invitee", "inviter"] as const) {
    const mac = values.bytes(`mac_${role}`);
    assertEquals(await makeInvitationMac(secret, { ...scene, role }), mac);
    assertEquals(await isInvitationMac(secret, { ...scene, role, mac }), true);
    const other = role === "invitee" ? "inviter" : "invitee";
    assertEquals(await isInvitationMac(secret, { ...scene, role: other, mac }), false);
  }
});

Deno.test("the key of docs/PROTOCOL.md is written and shown as this program does it", async () => {
  const values = fixedValues("directory-key");
  const node = fixedValues("ids").text("a") as NodeId;
  const secret = values.bytes("secret");
  assertEquals(formatDirectoryKey(secret), values.text("key"));
  assertEquals(parseDirectoryKey(values.text("key").toUpperCase()), secret);
  const { id, mac } = await showDirectoryKey(secret, node);
  assertEquals([id, decodeBase64Url(mac)], [values.text("id"), values.bytes("mac")]);
});
