/**
 * What most tests begin with.
 *
 * @module
 */
import { MiniDirectory } from "./mini_directory.ts";
import { Peer } from "./peer.ts";
import { RealNode } from "./real_world.ts";
import type { NodeConfig } from "../../peer/config.ts";
import type { HeldHalf } from "./envelope.ts";
import { halfOf, type Pair } from "./tokens.ts";
import { RealDirectory } from "../world/real_directory.ts";

/** A real directory, a real node registered there, and the independent peer, registered as well. */
export async function openScene(config: Partial<NodeConfig> = {}) {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await new RealDirectory().start());
  const node = stack.use(new RealNode());
  const peer = stack.use(new Peer("the peer"));
  await node.start({ directories: [directory.url], ...config });
  await node.registered(directory.url);
  const answer = await peer.register(directory.url);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return { directory, node, peer, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The scale of the node's timers in tests that wait for its repeats. */
export const FAST_TIMERS = 0.1;

/** A real node whose one directory is the mini-directory, and the independent peer. */
export async function openMiniScene(config: Partial<NodeConfig> = {}) {
  const stack = new AsyncDisposableStack();
  const mini = stack.use(new MiniDirectory());
  const node = stack.use(new RealNode());
  const peer = stack.use(new Peer("the peer"));
  await node.start({ directories: [mini.url], ...config });
  await node.registered(mini.url);
  peer.directory = mini.record;
  mini.records.set(peer.id, peer.record);
  const nodeRecord = () => mini.records.get(node.id)!;

  /** Pushes the node's responder half of a fresh pair; the peer may start from what is returned. */
  async function introduce(members: Parameters<MiniDirectory["pair"]>[2] = {}): Promise<HeldHalf> {
    const pair = mini.pair(peer.id, node.id, members);
    const to = nodeRecord();
    const envelope = mini.envelope(pair, "b", { to, peer: peer.record });
    const { status, body } = await mini.push(node.url, envelope);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return heldBy(pair, to);
  }
  function heldBy(pair: Pair, peerRecord: string): HeldHalf {
    return { half: halfOf(pair, "a"), peerRecord };
  }
  return {
    mini,
    node,
    peer,
    nodeRecord,
    introduce,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
