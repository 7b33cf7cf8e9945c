/**
 * The order of a conversation: whatever the clocks say, nothing stands above what it builds on.
 *
 * @module
 * @see docs/PROTOCOL.md, "Order"
 */

/** A message as far as its place matters. */
export interface Placed {
  /** What others call it. */
  readonly name: string;
  /** Its sender's messages that are numbered together. */
  readonly chain: string;
  /** Its number there. */
  readonly n: number;
  readonly sentAt: number;
  /** Decides between messages of one moment. */
  readonly tie: string;
  /** The names of what it builds on, besides what stands before it in its chain. */
  readonly builtOn: readonly string[];
}

/** Whether a message goes first where both are free to. */
export function goesBefore(
  one: Pick<Placed, "sentAt" | "tie">,
  other: Pick<Placed, "sentAt" | "tie">,
): boolean {
  return one.sentAt === other.sentAt ? one.tie < other.tie : one.sentAt < other.sentAt;
}

interface Node<T extends Placed> {
  readonly message: T;
  readonly followers: Node<T>[];
  missing: number;
  isOut: boolean;
}

/** A binary heap: the first of those that are free. */
class Free<T extends Placed> {
  readonly #nodes: Node<T>[] = [];

  push(node: Node<T>): void {
    const nodes = this.#nodes;
    let at = nodes.length;
    nodes.push(node);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!goesBefore(node.message, nodes[parent]!.message)) break;
      nodes[at] = nodes[parent]!;
      at = parent;
    }
    nodes[at] = node;
  }

  pop(): Node<T> | undefined {
    const nodes = this.#nodes;
    const first = nodes[0];
    const last = nodes.pop();
    if (last === undefined || nodes.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= nodes.length) break;
      const right = nodes[child + 1];
      if (right !== undefined && goesBefore(right.message, nodes[child]!.message)) child += 1;
      if (!goesBefore(nodes[child]!.message, last.message)) break;
      nodes[at] = nodes[child]!;
      at = child;
    }
    nodes[at] = last;
    return first;
  }
}

/** After how many messages ordering may pause. */
const STEP = 2_048;

/** Links each message to what it builds on, as far as that is there. */
function* linked<T extends Placed>(messages: readonly T[]): Generator<void, Node<T>[]> {
  const nodes: Node<T>[] = [];
  const byName = new Map<string, Node<T>>();
  const chains = new Map<string, Node<T>[]>();
  for (const [index, message] of messages.entries()) {
    if (index % STEP === 0) yield;
    const node: Node<T> = { message, followers: [], missing: 0, isOut: false };
    nodes.push(node);
    byName.set(message.name, node);
    const chain = chains.get(message.chain);
    if (chain === undefined) chains.set(message.chain, [node]);
    else chain.push(node);
  }
  const link = (before: Node<T> | undefined, after: Node<T>) => {
    if (before === undefined || before === after) return;
    before.followers.push(after);
    after.missing += 1;
  };
  for (const [index, node] of nodes.entries()) {
    if (index % STEP === 0) yield;
    for (const name of new Set(node.message.builtOn)) link(byName.get(name), node);
  }
  for (const chain of chains.values()) {
    chain.sort((a, b) => a.message.n - b.message.n);
    for (let at = 1; at < chain.length; at++) {
      if (at % STEP === 0) yield;
      link(chain[at - 1], chain[at]!);
    }
  }
  return nodes;
}

/**
 * Puts messages in order: each behind the lower numbers of its chain and behind what it builds on; of those that are
 * free, the one of the smaller `sentAt` first, then of the smaller `tie`. What is named and not there holds nothing up.
 * Messages that name each other in a circle, which only a liar makes, are freed one by one in the same order.
 */
export function orderMessages<T extends Placed>(messages: readonly T[]): T[] {
  const steps = orderInSteps(messages);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** {@linkcode orderMessages}, with a pause after some thousands of them. */
export function* orderInSteps<T extends Placed>(messages: readonly T[]): Generator<void, T[]> {
  const nodes = yield* linked(messages);
  const free = new Free<T>();
  for (const node of nodes) if (node.missing === 0) free.push(node);
  const ordered: T[] = [];
  let stuck: Node<T>[] | null = null;
  while (ordered.length < nodes.length) {
    const next = free.pop() ?? (stuck ??= byKey(nodes)).pop()!;
    if (next.isOut) continue;
    next.isOut = true;
    ordered.push(next.message);
    if (ordered.length % STEP === 0) yield;
    for (const follower of next.followers) {
      follower.missing -= 1;
      if (follower.missing === 0 && !follower.isOut) free.push(follower);
    }
  }
  return ordered;
}

/** The last one first. */
function byKey<T extends Placed>(nodes: readonly Node<T>[]): Node<T>[] {
  return nodes.filter(({ isOut }) => !isOut)
    .sort((a, b) => goesBefore(a.message, b.message) ? 1 : -1);
}
