/**
 * What the three nodes do: every pair connects, and writes both ways.
 *
 * @module
 */
import type { SessionView } from "../../protocol/admin_api.ts";
import type { MessageView, SentView } from "../../protocol/messaging_api.ts";
import type { LocalNetwork, LocalNode } from "./network.ts";
import { poll } from "./timeout.ts";

const CONNECT_WAIT_MS = 30_000;
const DELIVERY_WAIT_MS = 30_000;
const ARRIVAL_TIMEOUT_MS = 120_000;
const PAGE = 100;

/** Every pair once. */
export function pairsOf<T>(items: readonly T[]): (readonly [T, T])[] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b) => [a, b] as const));
}

/** Ends with the log of whoever the step was about. */
async function step<T>(nodes: readonly LocalNode[], what: string, run: () => Promise<T>) {
  try {
    return await run();
  } catch (cause) {
    const logs = nodes.map(({ name, child }) => `  last lines of ${name}:\n${child.logTail()}`);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error([`${what} failed: ${why}`, ...logs].join("\n"), { cause });
  }
}

/**
 * Makes a session between two nodes.
 * @throws {Error} Unless it is confirmed in time.
 */
export function connectNodes(from: LocalNode, to: LocalNode): Promise<SessionView> {
  return step([from, to], `Connecting ${from.name} to ${to.name}`, async () => {
    const session = await from.admin.connect({ peer: to.id, waitMs: CONNECT_WAIT_MS });
    if (session.state !== "confirmed") throw new Error(`the session is ${session.state}`);
    if (session.peer !== to.id) throw new Error("the session is with somebody else");
    return session;
  });
}

/** All messages of a node's inbox. */
export async function readInbox(node: LocalNode): Promise<MessageView[]> {
  const messages: MessageView[] = [];
  let after = 0;
  while (true) {
    const page = await node.admin.inbox({ after, limit: PAGE });
    messages.push(...page.messages);
    if (page.messages.length === 0) return messages;
    after = page.cursor;
  }
}

/**
 * Waits until a text from a node lies in another's inbox.
 * @returns Every message with this text and sender: one, unless it was delivered twice.
 */
export async function untilArrived(
  message: { readonly from: LocalNode; readonly to: LocalNode; readonly text: string },
): Promise<readonly MessageView[]> {
  const { from, to, text } = message;
  const ask = async () => {
    const found = (await readInbox(to)).filter((m) => m.peer === from.id && m.text === text);
    return found.length > 0 ? found : null;
  };
  const what = `a message of ${from.name} at ${to.name}`;
  return await poll(ask, { timeoutMs: ARRIVAL_TIMEOUT_MS, what });
}

/**
 * Sends a text and waits until it is acknowledged and lies in the other's inbox, once.
 * @throws {Error} Unless it does in time.
 */
export function exchangeMessage(
  message: { readonly from: LocalNode; readonly to: LocalNode; readonly text: string },
): Promise<SentView> {
  const { from, to, text } = message;
  return step([from, to], `Sending from ${from.name} to ${to.name}`, async () => {
    const sent = await from.admin.send({ peer: to.id, text, waitMs: DELIVERY_WAIT_MS });
    if (sent.state !== "delivered") throw new Error(`the message is ${sent.state}`);
    const arrived = await untilArrived(message);
    if (arrived.length !== 1) throw new Error(`the message arrived ${arrived.length} times`);
    return sent;
  });
}

/** Connects every pair. */
export async function* connectAll(network: LocalNetwork): AsyncGenerator<
  { readonly from: LocalNode; readonly to: LocalNode; readonly session: SessionView }
> {
  for (const [from, to] of pairsOf(network.nodes)) {
    yield { from, to, session: await connectNodes(from, to) };
  }
}

/** Sends a message each way between every pair. */
export async function* greetAll(network: LocalNetwork): AsyncGenerator<
  { readonly from: LocalNode; readonly to: LocalNode; readonly text: string; sent: SentView }
> {
  for (const [from, to] of pairsOf(network.nodes).flatMap(([a, b]) => [[a, b], [b, a]] as const)) {
    const text = `Hello ${to.name}, this is ${from.name}`;
    yield { from, to, text, sent: await exchangeMessage({ from, to, text }) };
  }
}
