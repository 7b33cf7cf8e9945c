/**
 * What must hold once the faults are over and there was time enough.
 *
 * @module
 */
import type { SessionView, StatusView } from "../../protocol/admin_api.ts";
import { checkAuditLogs } from "./audit_check.ts";
import { checkInvariant } from "./invariant.ts";
import type { NodeMachine } from "./node_machine.ts";
import { isExcused, pairProblem, type Statuses } from "./pair_agreement.ts";
import { reconnectAlone } from "./reconnect_alone.ts";
import type { World } from "./world.ts";

const SETTLING_MS = 15 * 60_000;
/** A renewal may be under way at the very moment of the check. */
const GRACE_MS = 60_000;
const POLL_MS = 2_000;
const REPLAYING_MS = 10_000;

/** Ends all faults, starts everybody, lets the time pass, and checks every invariant. */
export async function finish(world: World): Promise<void> {
  world.network.tampers.length = 0;
  world.network.heal();
  for (const { host } of [...world.nodes, ...world.directories]) {
    host.disk.statementsUntilCrash = null;
    host.wallOffsetMs = 0;
  }
  await world.startAll();
  askAgain(world);
  await world.runFor(SETTLING_MS / 3);
  askAgain(world);
  await world.runFor(SETTLING_MS * 2 / 3);
  const untilMs = world.loop.nowMs + GRACE_MS;
  for (;;) {
    const problem = await findProblem(world);
    if (problem === null) break;
    checkInvariant(world.loop.nowMs < untilMs, problem);
    await world.runFor(POLL_MS);
  }
  await checkInboxes(world);
  await tryMore(world);
  await checkAuditLogs(world);
}

/** Once everybody agrees: every old message 1 again, and the standby pairs that are left. */
async function tryMore(world: World): Promise<void> {
  world.replayer.replayHandshakes();
  await world.runFor(REPLAYING_MS);
  const statuses = await readStatuses(world);
  const pairs = wantedPairs(world).filter(([a, b]) => !isExcused(a, b, statuses));
  if (pairs.length > 0) await reconnectAlone(world, world.random.pick(pairs));
  await checkAlways(world);
}

/** People whose connection never came about press the button again. */
function askAgain(world: World): void {
  for (const [from, to] of wantedPairs(world)) world.connect(from, to);
}

function wantedPairs(world: World): (readonly [NodeMachine, NodeMachine])[] {
  return [...world.wanted].map((pair) => {
    const [a, b] = pair.split(" ").map((name) => world.nodes.find((node) => node.name === name));
    if (a === undefined || b === undefined) throw new TypeError(`There is no pair ${pair}`);
    return [a, b] as const;
  });
}

/** Checks what must hold at every moment; run it as often as you like. */
export async function checkAlways(world: World): Promise<void> {
  for (const node of world.nodes) {
    if (!node.isRunning) continue;
    const status = await node.ask((admin) => admin.status());
    for (const session of status.sessions) checkSession(world, node, session);
    const inbox = await node.ask((admin) => admin.inbox());
    world.ledger.checkInbox(node.name, inbox, (id) => world.nameOf(id));
  }
}

function checkSession(world: World, node: NodeMachine, session: SessionView): void {
  const { session_id: id, state } = session;
  if (state === "unconfirmed") return;
  checkInvariant(
    world.monitor.knowsSession(id),
    `${node.name} has a session out of nothing: ${id}`,
  );
  const peer = world.nodes.find((other) => other.nodeIdOrNull === session.peer);
  checkInvariant(peer !== undefined, `${node.name} has a session with a stranger`);
  checkInvariant(
    world.issuers.has(session.issuer),
    `${node.name} has a session from a pair of ${session.issuer}`,
  );
  if (state === "confirmed") world.monitor.sawConfirmed(id, node.name);
}

async function readStatuses(world: World): Promise<Statuses> {
  const statuses = new Map<string, StatusView>();
  for (const node of world.nodes) {
    statuses.set(node.name, await node.ask((admin) => admin.status()));
  }
  return statuses;
}

async function findProblem(world: World): Promise<string | null> {
  const statuses = await readStatuses(world);
  for (const [a, b] of wantedPairs(world)) {
    const problem = isExcused(a, b, statuses) ? null : pairProblem(a, b, statuses);
    if (problem !== null) return `${a.name} and ${b.name}: ${problem}`;
  }
  return null;
}

async function checkInboxes(world: World): Promise<void> {
  await checkAlways(world);
  const statuses = await readStatuses(world);
  for (const node of world.nodes) {
    const inbox = await node.ask((admin) => admin.inbox());
    for (const { from, text } of world.ledger.missing(node.name, inbox)) {
      const sender = world.nodes.find(({ name }) => name === from);
      checkInvariant(
        sender !== undefined && isExcused(sender, node, statuses),
        `"${text}" never arrived at ${node.name}`,
      );
    }
  }
}
