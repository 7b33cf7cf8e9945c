import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import { FrameGate } from "../../../peer/modules/frame_gate.ts";
import { FrameIds } from "../../../peer/modules/frame_ids.ts";
import type { StrangerPolicy } from "../../../protocol/node_settings.ts";
import { Permissions } from "../../../peer/peers/permissions.ts";
import { moduleOf, runningModule, runningModules } from "../../world/test_module.ts";
import { TestParts } from "../parts.ts";
import { RecordingHandler } from "../modules/recording_handler.ts";

const PEERS = [1, 2, 3].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill)));
const GROUPS = ["friends", "work"];
const MODULES = ["messaging", "file_sharing", "authentication", "weather"];
const NAMES = ["message", "files", "auth", "weather"];

/** What somebody who reads the rules would expect. */
class Model {
  readonly own = new Map<string, boolean>();
  readonly groups = new Map<string, Set<string>>();
  readonly members = new Map<string, Set<NodeId>>();
  readonly blocked = new Set<NodeId>();

  may(peer: NodeId, name: string): "yes" | "no" | "undecided" {
    if (this.blocked.has(peer) || this.own.get(`${peer} ${name}`) === false) return "no";
    const grouped = GROUPS.some((group) =>
      this.members.get(group)?.has(peer) === true && this.groups.get(group)?.has(name) === true
    );
    return this.own.get(`${peer} ${name}`) === true || grouped ? "yes" : "undecided";
  }
}

interface World {
  readonly parts: TestParts;
  readonly permissions: Permissions;
  readonly model: Model;
}
type Step = (world: World) => Promise<void>;

const peers = fc.constantFrom(...PEERS);
const groups = fc.constantFrom(...GROUPS);
const names = fc.constantFrom(...NAMES);

function setOf<V>(map: Map<string, Set<V>>, key: string): Set<V> {
  const set = map.get(key) ?? new Set<V>();
  map.set(key, set);
  return set;
}

/** Everything at once that moves from one id to another: denies and blocks win. */
function moveInModel(model: Model, old: NodeId, next: NodeId): void {
  for (const name of NAMES) {
    const [before, held] = [model.own.get(`${old} ${name}`), model.own.get(`${next} ${name}`)];
    model.own.delete(`${old} ${name}`);
    if (before !== undefined) model.own.set(`${next} ${name}`, before && held !== false);
  }
  for (const group of GROUPS) {
    if (setOf(model.members, group).delete(old)) setOf(model.members, group).add(next);
  }
  if (model.blocked.delete(old)) model.blocked.add(next);
}

const steps: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  fc.tuple(peers, names, fc.boolean()).map(([peer, name, allowed]) =>
    [`${allowed ? "allow" : "deny"} ${name}`, async ({ permissions, model }: World) => {
      model.own.set(`${peer} ${name}`, allowed);
      await permissions.decide(peer, { name, allowed });
    }] as const
  ),
  fc.tuple(peers, fc.option(names)).map(([peer, name]) =>
    [`reset ${name}`, async ({ permissions, model }: World) => {
      for (const each of name === null ? NAMES : [name]) model.own.delete(`${peer} ${each}`);
      await permissions.reset(peer, name);
    }] as const
  ),
  peers.map((peer) =>
    ["accept", async ({ permissions, model }: World) => {
      for (const key of [`${peer} message`, `${peer} files`]) {
        if (model.own.get(`${peer} message`) !== false && !model.own.has(key)) {
          model.own.set(key, true);
        }
      }
      await permissions.accept(peer);
    }] as const
  ),
  peers.map((peer) =>
    ["block", async ({ permissions, model }: World) => {
      model.blocked.add(peer);
      await permissions.block(peer);
    }] as const
  ),
  peers.map((peer) =>
    ["unblock", async ({ permissions, model }: World) => {
      model.blocked.delete(peer);
      await permissions.unblock(peer);
    }] as const
  ),
  fc.tuple(groups, peers).map(([group, peer]) =>
    ["join", async ({ permissions, model }: World) => {
      setOf(model.members, group).add(peer);
      await permissions.join(group, peer);
    }] as const
  ),
  fc.tuple(groups, peers).map(([group, peer]) =>
    ["leave", async ({ permissions, model }: World) => {
      setOf(model.members, group).delete(peer);
      await permissions.leave(group, peer);
    }] as const
  ),
  fc.tuple(groups, names).map(([group, name]) =>
    ["allow group", async ({ permissions, model }: World) => {
      setOf(model.groups, group).add(name);
      await permissions.allowGroup(group, name);
    }] as const
  ),
  fc.tuple(groups, names).map(([group, name]) =>
    ["reset group", async ({ permissions, model }: World) => {
      setOf(model.groups, group).delete(name);
      await permissions.resetGroup(group, name);
    }] as const
  ),
  groups.map((group) =>
    ["delete group", async ({ permissions, model }: World) => {
      model.members.delete(group);
      model.groups.delete(group);
      await permissions.deleteGroup(group);
    }] as const
  ),
);

const moves: fc.Arbitrary<readonly [string, Step]> = fc
  .tuple(peers, peers).filter(([old, next]) => old !== next)
  .map(([old, next]) =>
    ["succession", async ({ parts, permissions, model }: World) => {
      moveInModel(model, old, next);
      await parts.store.write(() => permissions.writeMove(old, next));
    }] as const
  );

async function checkAll(
  parts: TestParts,
  options: { model: Model; strangers: StrangerPolicy },
): Promise<void> {
  // Read by a program that starts now: what was acknowledged is on disk.
  const permissions = new Permissions(parts);
  const handlers = new Map(MODULES.map((module) => [module, new RecordingHandler()]));
  const frames = [{ type: "x", strangers: true }];
  const running = [...handlers].map(([name, handler], index) =>
    runningModule(moduleOf({ name, permissions: [NAMES[index]!], frames }, handler))
  );
  const gate = new FrameGate({ ...parts, permissions, frameIds: new FrameIds(parts.store) }, {
    modules: runningModules(...running),
    strangers: options.strangers,
  });
  let id = 0;
  for (const peer of PEERS) {
    for (const [index, module] of MODULES.entries()) {
      const may = options.model.may(peer, NAMES[index]!);
      const handler = handlers.get(module)!;
      handler.seen.length = 0;
      const frame = {
        type: `${module}.x`,
        id: `i${++id}`,
        input: { type: `${module}.x` },
        body: new Uint8Array(),
      };
      const isAcknowledged = await gate.take(peer, frame);
      const asked = may === "undecided" && options.strangers === "ask";
      const expected = may === "yes" ? ["frame"] : asked ? ["request"] : [];
      assertEquals([peer, module, handler.seen], [peer, module, expected]);
      assertEquals(isAcknowledged, expected.length > 0);
      assertEquals(permissions.of(peer).effective.includes(NAMES[index]!), may === "yes");
    }
    assertEquals(permissions.isBlocked(peer), options.model.blocked.has(peer));
  }
}

Deno.test("no sequence of decisions lets a denied, blocked or unknown peer's frame through", async () => {
  const step = fc.oneof({ weight: 12, arbitrary: steps }, { weight: 1, arbitrary: moves });
  const strangers = fc.constantFrom<StrangerPolicy>("ask", "deny");
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 30 }),
    strangers,
    async (chosen, strangers) => {
      using parts = await TestParts.create();
      const world = { parts, permissions: new Permissions(parts), model: new Model() };
      for (const [, run] of chosen) await run(world);
      await checkAll(parts, { model: world.model, strangers });
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
