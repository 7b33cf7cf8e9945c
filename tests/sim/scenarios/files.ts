/**
 * Files that people share with each other while everything fails.
 *
 * @module
 */
import type {
  OffersView,
  ShareView,
  TransfersView,
  TransferView,
} from "../../../protocol/file_sharing_api.ts";
import { FileLedger, type SharedEntry } from "../file_ledger.ts";
import type { NodeMachine } from "../node_machine.ts";
import { LANDING, type VirtualOwnerDisk } from "../virtual_owner_disk.ts";
import type { SeededRandom } from "../../world/seeded_random.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const ROUNDS = 30;
const MAX_GAP_MS = 12_000;
const MIB = 2 ** 20;
const SIZES = [0, 1, 16_385, MIB, MIB + 1, 3 * MIB + 7];
const PART_BYTES = 1_024;
const NAMES = ["photo.jpg", "notes.txt"];
const ENDING_MS = 5 * 60_000;
const ROUTES = "/m/file_sharing";
/** A chunk comes in a few milliseconds, so that a part is looked at more often than one ends. */
const LOOK_MS = 2;
const LOOKS = 1_000;

/** No other content has such a part anywhere. */
function newContent(random: SeededRandom, length: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(length);
  const part = random.bytes(PART_BYTES);
  for (let at = 0; at < length; at += PART_BYTES) {
    new DataView(part.buffer).setFloat64(0, at);
    content.set(part.subarray(0, length - at), at);
  }
  return content;
}

/** The people, and what they know. */
class People {
  readonly world: World;
  readonly ledger = new FileLedger();
  #backup:
    | { readonly node: NodeMachine; readonly copy: ReturnType<NodeMachine["host"]["disk"]["copy"]> }
    | null = null;
  #files = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Somebody asks their node; whether an answer comes is another matter. */
  #tell<T>(node: NodeMachine, method: string, path: string, body?: unknown): Promise<T | null> {
    if (!node.isRunning) return Promise.resolve(null);
    this.world.trace.add(node.name, `person: ${method} ${path}`);
    return node.admin.ask<T>(method, `${ROUTES}${path}`, body).catch((error) => {
      this.world.trace.add(node.name, `refused: ${error}`);
      return null;
    });
  }

  share(bytes = this.world.random.pick(SIZES)): void {
    const { random, nodes } = this.world;
    const from = random.pick(nodes);
    const to = random.pick(nodes.filter((node) => node !== from));
    const entry = this.#entry(from, { to, bytes });
    const input = { peer: to.nodeId, paths: [entry.path], ...this.#countOf(entry) };
    void this.#tell<ShareView>(from, "POST", "/shares", input).then((share) => {
      entry.id = share?.id ?? null;
    });
  }

  #countOf({ count }: SharedEntry) {
    return count === null ? {} : { count };
  }

  /** Something new, or what somebody else has shared with the same person. */
  #entry(
    from: NodeMachine,
    { to, bytes }: { readonly to: NodeMachine; readonly bytes: number },
  ): SharedEntry {
    const { random } = this.world;
    const others = this.ledger.entries.filter((entry) => entry.to === to.name);
    const again = others.length > 0 && random.chance(0.3) ? random.pick(others).content : null;
    return this.ledger.share(this.world, {
      from: from.name,
      to: to.name,
      path: `/out/${++this.#files}/${random.pick(NAMES)}`,
      content: again ?? newContent(random, bytes),
      count: random.pick([null, null, 1, 2]),
    });
  }

  async accept(node = this.world.random.pick(this.world.nodes)): Promise<void> {
    const said = await this.#tell<OffersView>(node, "GET", "/offers");
    for (const { id, state } of said?.offers ?? []) {
      if (state !== "offered") continue;
      await this.#tell(node, "POST", `/offers/${id}/accept`, { folder: LANDING });
    }
  }

  /** One of the transfers to somebody. */
  async change(how: "pause" | "resume" | "cancel"): Promise<void> {
    const node = this.world.random.pick(this.world.nodes);
    const chance = this.world.random.unit();
    const coming = await this.#coming(node);
    const chosen = coming[Math.floor(chance * coming.length)];
    if (chosen !== undefined) await this.#tell(node, "POST", `/transfers/${chosen.id}/${how}`);
  }

  async #coming(node: NodeMachine): Promise<readonly TransferView[]> {
    const said = await this.#tell<TransfersView>(node, "GET", "/transfers");
    return (said?.transfers ?? []).filter(({ direction }) => direction === "in");
  }

  takeBack(): void {
    const { entries } = this.ledger;
    if (entries.length === 0) return;
    const entry = this.world.random.pick(entries);
    if (entry.id === null) return;
    entry.isExcused = true;
    const node = this.world.nodes.find(({ name }) => name === entry.from)!;
    void this.#tell(node, "POST", `/shares/${entry.id}/revoke`);
  }

  /** The owner writes something else where a shared file lay, of the same length. */
  changeFile(): void {
    const { entries } = this.ledger;
    if (entries.length === 0) return;
    const entry = this.world.random.pick(entries);
    entry.isExcused = true;
    const content = newContent(this.world.random, entry.content.length);
    this.ledger.put(this.world, { ...entry, content });
  }

  fill(): void {
    const { files } = this.world.random.pick(this.world.nodes).host;
    files.isFull = !files.isFull;
  }

  backUp(): void {
    const node = this.world.random.pick(this.world.nodes);
    this.#backup = { node, copy: node.host.disk.copy() };
  }

  /** The node goes back to its backup; the files of its owner stay as they are. */
  async restore(): Promise<void> {
    if (this.#backup === null) return;
    const { node, copy } = this.#backup;
    this.#backup = null;
    node.crash();
    this.world.trace.add(node.name, "its disk goes back to the backup");
    node.host.disk.settleCrash();
    node.host.disk.restore(copy);
    this.world.monitor.forgetful.add(node.name);
    this.ledger.setBack.add(node.name);
    await node.start();
  }

  /** All is whole again, and everybody has what they want go on. */
  async end(): Promise<void> {
    const { network, nodes } = this.world;
    network.heal();
    for (const { host } of nodes) host.files.isFull = false;
    await this.world.startAll();
    // Whoever was set back has forgotten sessions, which shows when somebody uses them.
    for (const from of nodes) {
      for (const to of nodes) if (to !== from) this.world.send(from, to);
    }
    for (let round = 0; round < 3; round++) {
      await this.world.runFor(ENDING_MS);
      for (const node of nodes) void this.accept(node);
      await this.#resumeAll();
    }
    await this.world.runFor(ENDING_MS);
    await this.ledger.checkEnd(this.world);
  }

  async #resumeAll(): Promise<void> {
    for (const node of this.world.nodes) {
      const { transfers } = await node.ask((admin) =>
        admin.ask<TransfersView>("GET", `${ROUTES}/transfers`)
      );
      for (const { id, state, direction } of transfers) {
        if (direction !== "in" || state !== "paused") continue;
        await node.ask((admin) => admin.ask("POST", `${ROUTES}/transfers/${id}/resume`, {}));
      }
    }
  }
}

type Action = (people: People) => Promise<void> | void;

const crash: Action = ({ world }) => world.random.pick(world.nodes).crash();
const stop: Action = ({ world }) => world.random.pick(world.nodes).stop();

const startAll: Action = ({ world }) => world.startAll();

/** Somebody dies while files come. */
const crashAmidst: Action = async (people) => {
  const { world } = people;
  await world.startAll();
  people.share(5 * MIB + 3);
  await world.runFor(world.random.between(1_000, 4_000));
  for (const node of world.nodes) void people.accept(node);
  await world.runFor(world.random.between(50, 400));
  crash(people);
};

/** Somebody dies with a part on the disk of which nothing is synced, and goes on with what a crash has left of it. */
const crashReceiver: Action = async (people) => {
  const { world } = people;
  await world.startAll();
  people.share(5 * MIB + 3);
  await world.runFor(world.random.between(1_000, 4_000));
  for (const node of world.nodes) void people.accept(node);
  const growing = () => world.nodes.find(({ host }) => partBytes(host.files) > 2 * MIB);
  for (let look = 0; look < LOOKS && growing() === undefined; look++) await world.runFor(LOOK_MS);
  growing()?.crash();
  await world.startAll();
};

function partBytes(files: VirtualOwnerDisk): number {
  const parts = files.paths.filter((path) => path.startsWith(`${LANDING}/.`));
  return Math.max(0, ...parts.map((path) => files.peek(path)!.length));
}
const heal: Action = ({ world: { network } }) => network.heal();

const cut: Action = ({ world: { random, nodes, network } }) => {
  const { name } = random.pick(nodes);
  network.cut(name, random.pick(nodes.filter((node) => node.name !== name)).name);
};

const changeFaults: Action = ({ world: { random, network } }) => {
  const isBad = random.chance(0.5);
  network.faults = {
    leastLatencyMs: 1,
    mostLatencyMs: random.pick([20, 200, 1_500]),
    delayRate: isBad ? random.unit() * 0.1 : 0,
    lossRate: isBad ? random.unit() * 0.3 : 0,
    duplicateRate: isBad ? random.unit() * 0.2 : 0,
  };
  network.flipRate = isBad ? random.unit() * 0.1 : 0;
};

/** What is not waited for goes on while other things happen. */
const ACTIONS: readonly (readonly [number, Action])[] = [
  [8, (people) => people.share()],
  [10, (people) => void people.accept()],
  [1, (people) => void people.change("pause")],
  [2, (people) => void people.change("resume")],
  [1, (people) => void people.change("cancel")],
  [1, (people) => people.takeBack()],
  [1, (people) => people.changeFile()],
  [1, (people) => people.fill()],
  [1, (people) => people.backUp()],
  [1, (people) => people.restore()],
  [1, stop],
  [1, crash],
  [8, crashAmidst],
  [8, crashReceiver],
  [4, startAll],
  [2, cut],
  [2, heal],
  [2, changeFaults],
];

function pickAction({ world }: People): Action {
  const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  let rest = world.random.unit() * total;
  return ACTIONS.find(([weight]) => (rest -= weight) < 0)?.[1] ?? heal;
}

export const sharedFiles: Scenario = {
  name: "shared files",
  async run(world) {
    const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
    for (const [one, other] of [[alice, bob], [carol, alice], [bob, carol]] as const) {
      await world.connectAndWait(one, other);
    }
    const people = new People(world);
    for (let round = 0; round < ROUNDS; round++) {
      await pickAction(people)(people);
      await world.runFor(world.random.unit() ** 2 * MAX_GAP_MS);
      people.ledger.checkDisks(world);
    }
    await people.end();
  },
};
