import { assertEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { parseContactLink } from "../../protocol/contact_link.ts";
import { base64Url } from "./bytes.ts";
import { openMiniScene } from "./scene.ts";
import type { Session } from "./session.ts";

/** As docs/PROTOCOL.md writes it, and by nothing of this implementation. */
function enc(...items: (string | Uint8Array)[]): Uint8Array {
  const parts = items.map((item) =>
    typeof item === "string" ? new TextEncoder().encode(item) : item
  );
  const length = new Uint8Array(4);
  return Uint8Array.from(parts.flatMap((part) => {
    new DataView(length.buffer).setUint32(0, part.length);
    return [...length, ...part];
  }));
}

interface Shown {
  readonly secret: Uint8Array;
  readonly inviter: string;
  readonly invitee: string;
  readonly binding: Uint8Array;
}

function macOf(role: string, { secret, inviter, invitee, binding }: Shown): Uint8Array {
  const hmac = createHmac("sha256", secret);
  return hmac.update(enc("openred/v3/invitation", role, inviter, invitee, binding)).digest();
}

async function openInvited() {
  const scene = await openMiniScene();
  const { link } = await scene.node.ask("POST", "/invitations", {});
  const secret = Uint8Array.from(parseContactLink(link).invitation!);
  const session = await scene.peer.connect(await scene.introduce());
  const shown = {
    secret,
    inviter: scene.node.id,
    invitee: scene.peer.id,
    binding: session.keys.binding,
  };
  const invitation = base64Url(createHash("sha256").update(secret).digest().subarray(0, 8));
  return Object.assign(scene, { session, shown, invitation });
}

async function show(session: Session, invitation: string, mac: Uint8Array) {
  await session.send({ header: { type: "core.invitation", invitation, mac: base64Url(mac) } });
  return (await session.next("core.invited")).header;
}

Deno.test("the node lets in who shows the secret, and shows that it holds it", async () => {
  await using scene = await openInvited();
  const { session, shown, invitation, node, peer } = scene;
  const mac = base64Url(macOf("inviter", shown));
  for (let time = 0; time < 2; time++) {
    const answer = await show(session, invitation, macOf("invitee", shown));
    assertEquals(answer, { type: "core.invited", invitation, mac });
  }
  const { allowed } = await node.ask("POST", "/peers/show", { peer: peer.id });
  assertEquals(allowed, ["files", "message"]);
});

Deno.test("the node takes no MAC of another role, session, id or secret, and does not tell them apart", async () => {
  await using scene = await openInvited();
  const { session, shown, invitation, node, peer } = scene;
  const unknown = { type: "core.invited", invitation, error: "invitation_unknown" };
  const wrong: [string, Shown][] = [
    ["inviter", shown],
    ["invitee", { ...shown, binding: new Uint8Array(32) }],
    ["invitee", { ...shown, invitee: shown.inviter }],
    ["invitee", { ...shown, inviter: shown.invitee }],
    ["invitee", { ...shown, secret: new Uint8Array(16) }],
  ];
  for (const [role, other] of wrong) {
    assertEquals(await show(session, invitation, macOf(role, other)), unknown);
  }
  const answer = await show(session, "AAAAAAAAAAA", macOf("invitee", shown));
  assertEquals(answer, { ...unknown, invitation: "AAAAAAAAAAA" });
  const { allowed } = await node.ask("POST", "/peers/show", { peer: peer.id });
  assertEquals(allowed, []);
  const [{ state, used_by }] = (await node.ask("GET", "/invitations")).invitations;
  assertEquals([state, used_by], ["open", []]);
});
