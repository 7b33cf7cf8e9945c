import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NodeEvent } from "../../../protocol/admin_api.ts";
import { parseContactLink } from "../../../protocol/contact_link.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { NewInvitationView } from "../../../protocol/invitation_api.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";

const WAIT_MS = 60_000;

/** A directory, a node that invites, and others. */
class InvitingWorld implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly alice = this.#stack.use(new LoopbackNode());
  readonly told: NodeEvent[] = [];
  directories: string[] = [];

  static async start(): Promise<InvitingWorld> {
    const world = new InvitingWorld();
    world.directories = [world.#stack.use(await new RealDirectory().start()).url];
    await world.boot();
    return world;
  }

  /** Starts the inviter on what is on its disk. */
  async boot(): Promise<void> {
    await this.alice.start({ directories: this.directories, strangers: "deny" });
    this.alice.inside.events.subscribe((event) => this.told.push(event));
    await registered(this.alice);
  }

  async node(): Promise<LoopbackNode> {
    const node = await this.#stack.use(new LoopbackNode()).start({ directories: this.directories });
    await registered(node);
    return node;
  }

  invite(input: object = {}): Promise<NewInvitationView> {
    return this.alice.ask("POST", "/invitations", input);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function registered(node: LoopbackNode): Promise<void> {
  await until(
    async () => (await node.status()).directories.every(({ state }) => state === "registered"),
    "registered",
  );
}

async function refusal(connecting: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => connecting, OpenRedError)).code;
}

Deno.test("who has an invitation is accepted at both ends, with the name, and nobody after it", async () => {
  await using world = await InvitingWorld.start();
  const { alice } = world;
  const [bob, carol] = [await world.node(), await world.node()];
  const { link, invitation, page } = await world.invite({ name: "Bob" });
  assertEquals(page, `${world.directories[0]}/i/#${link}`);
  await bob.admin.connect(link, WAIT_MS);

  const seen = await alice.ask("POST", "/peers/show", { peer: bob.id });
  assertEquals([seen.petname, seen.allowed], ["Bob", ["files", "message"]]);
  const back = await bob.ask("POST", "/peers/show", { peer: alice.id });
  assertEquals([back.petname, back.allowed], [null, ["files", "message"]]);
  await bob.admin.connect(link, WAIT_MS);

  assertEquals(await refusal(carol.admin.connect(link, WAIT_MS)), "invitation_used");
  const stranger = await carol.ask("POST", "/peers/show", { peer: alice.id });
  assertEquals(stranger.allowed, [], "who is not let in has accepted nobody");
  const { invitations } = await alice.ask("GET", "/invitations");
  const [{ state, used_by }] = invitations;
  assertEquals([state, used_by.map(({ peer }: { peer: string }) => peer)], ["used", [bob.id]]);
  const told = world.told.filter(({ type }) => type.startsWith("invitation_"));
  assertEquals(told, [
    { type: "invitation_used", invitation, peer: bob.id, name: "Bob" },
    { type: "invitation_tried", invitation, peer: carol.id, code: "invitation_used" },
  ]);
});

Deno.test("an invitation counts ids, and what was used stays used after a restart", async () => {
  await using world = await InvitingWorld.start();
  const { link } = await world.invite({ uses: 2 });
  const [bob, carol, dave] = [await world.node(), await world.node(), await world.node()];
  for (const node of [bob, bob, carol]) await node.admin.connect(link, WAIT_MS);
  await world.alice.stop();
  await world.boot();
  assertEquals(await refusal(dave.admin.connect(link, WAIT_MS)), "invitation_used");
  await carol.admin.connect(link, WAIT_MS);
});

Deno.test("an invitation that was taken back or blocked lets nobody in", async () => {
  await using world = await InvitingWorld.start();
  const { alice } = world;
  const [bob, carol] = [await world.node(), await world.node()];
  const { link } = await world.invite();
  await alice.ask("POST", "/invitations/revoke", { invitation: `<${link}>` });
  assertEquals(await refusal(bob.admin.connect(link, WAIT_MS)), "invitation_revoked");

  const other = await world.invite();
  await alice.ask("POST", "/peers/block", { peer: carol.id });
  assertEquals(await refusal(carol.admin.connect(other.link, 0)), "unreachable");
  const { blocked_since, allowed } = await alice.ask("POST", "/peers/show", { peer: carol.id });
  assert(blocked_since !== null);
  assertEquals(allowed, []);
});

Deno.test("an invitation is shown once its maker is back, after a restart of both", async () => {
  await using world = await InvitingWorld.start();
  const { alice } = world;
  const bob = await world.node();
  const { link } = await world.invite({ name: "bob" });
  const awaited = async () => (await alice.status()).awaited;
  const invited = async () => (await bob.status()).peers.map((peer) => peer.invited);
  assertEquals(await awaited(), ["bob"]);
  const { id } = alice;
  await alice.stop();
  assertEquals(await refusal(bob.admin.connect(link, 0)), "unreachable");
  assertEquals(await invited(), [true]);
  assertEquals((await bob.ask("POST", "/peers/show", { peer: id })).invited, true);
  await bob.stop();
  await bob.start({ directories: world.directories });
  await world.boot();
  await until(
    async () => (await bob.ask("POST", "/peers/show", { peer: alice.id })).allowed.length > 0,
    "accepted",
  );
  assertEquals((await alice.ask("GET", "/invitations")).invitations[0].state, "used");
  assertEquals([await awaited(), await invited()], [[], [false]]);
});

Deno.test("the secret of an invitation is neither on the disk nor in the log", async () => {
  await using world = await InvitingWorld.start();
  const bob = await world.node();
  const { link } = await world.invite();
  await bob.admin.connect(link, WAIT_MS);
  const { invitation } = parseContactLink(link);
  const text = link.slice(link.lastIndexOf("/") + 1);
  for (const node of [world.alice, bob]) {
    for (const file of ["node.db", "node.db-wal"]) {
      const bytes = await Deno.readFile(`${node.data}/${file}`);
      const content = new TextDecoder("latin1").decode(bytes);
      assert(!content.includes(text), file);
      assert(!Array.from(bytes.keys()).some((at) => isAt(bytes, at, invitation!)), file);
    }
    assert(!JSON.stringify(node.log).includes(text));
  }
});

function isAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  return part.every((byte, index) => bytes[at + index] === byte);
}
