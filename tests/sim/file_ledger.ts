/**
 * What was shared with whom, and what has landed: whatever lies in a folder is byte for byte what somebody has shared with
 * its owner, nothing lies elsewhere, and nobody gets more than they were given.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type {
  SharesView,
  ShareView,
  TransfersView,
  TransferView,
} from "../../protocol/file_sharing_api.ts";
import { checkInvariant } from "./invariant.ts";
import { LANDING } from "./virtual_owner_disk.ts";
import type { NodeMachine } from "./node_machine.ts";
import type { World } from "./world.ts";

const HIDDEN = ".";

export interface SharedEntry {
  readonly from: string;
  readonly to: string;
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly count: number | null;
  /** Given by the sender's node; `null` if its answer never came. */
  id: string | null;
  /** Taken back, or its file is another one by now: it need not arrive. */
  isExcused: boolean;
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The name that a file was given where its own was taken. */
function isNameOf(landed: string, name: string): boolean {
  const [stem, ending] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf("."))];
  return landed === name || new RegExp(`^${stem} \\(\\d+\\)\\${ending}$`).test(landed);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one === other || Buffer.compare(one, other) === 0;
}

export class FileLedger {
  readonly entries: SharedEntry[] = [];
  /** Whose node was set back to a backup: it has forgotten what it did since. */
  readonly setBack = new Set<string>();
  /** What lies outside of the landing folders, by host and path. */
  readonly outside = new Map<string, Uint8Array>();

  share(world: World, entry: Omit<SharedEntry, "id" | "isExcused">): SharedEntry {
    const whole: SharedEntry = { ...entry, id: null, isExcused: false };
    this.entries.push(whole);
    this.put(world, whole);
    return whole;
  }

  /** The owner writes a file. */
  put(
    world: World,
    { from, path, content }: Pick<SharedEntry, "from" | "path" | "content">,
  ): void {
    const { host } = world.nodes.find(({ name }) => name === from)!;
    host.files.put(path, content);
    this.outside.set(`${from} ${path}`, content);
  }

  /** What must hold at every moment, also in the middle of transfers. */
  checkDisks({ nodes }: World): void {
    for (const { name, host: { files } } of nodes) {
      for (const path of files.paths) {
        const content = files.peek(path)!;
        if (!path.startsWith(`${LANDING}/`)) {
          const known = this.outside.get(`${name} ${path}`);
          checkInvariant(known !== undefined, `${name} has a file at ${path}`);
          checkInvariant(isSame(known, content), `${path} of ${name} has changed`);
        } else if (!nameOf(path).startsWith(HIDDEN)) {
          this.#checkLanded(name, { landed: nameOf(path), content });
        }
      }
    }
  }

  #checkLanded(
    to: string,
    { landed, content }: { readonly landed: string; readonly content: Uint8Array },
  ): void {
    const isShared = this.entries.some((entry) =>
      entry.to === to && isNameOf(landed, nameOf(entry.path)) && isSame(entry.content, content)
    );
    checkInvariant(isShared, `"${landed}" of ${to} is nothing that was shared with it`);
  }

  /** What must hold once all links are whole, all disks have room, and there was time enough. */
  async checkEnd(world: World): Promise<void> {
    this.checkDisks(world);
    for (const node of world.nodes) {
      const { transfers } = await node.ask((admin) =>
        admin.ask<TransfersView>("GET", "/m/file_sharing/transfers")
      );
      const coming = transfers.filter(({ direction }) => direction === "in");
      for (const transfer of coming) this.#checkOver(world, { node, transfer });
      if (!this.setBack.has(node.name)) this.#checkFolder(node, coming);
      const { shares } = await node.ask((admin) =>
        admin.ask<SharesView>("GET", "/m/file_sharing/shares")
      );
      for (const share of shares) checkCount(node.name, share);
    }
  }

  /** It is over, and has not failed for nothing. */
  #checkOver(
    world: World,
    { node, transfer }: { readonly node: NodeMachine; readonly transfer: TransferView },
  ): void {
    const { state, why, peer, name, bytes } = transfer;
    const from = world.nameOf(peer);
    const what = `"${name}" of ${from} is ${state} at ${node.name}: ${why}`;
    checkInvariant(["done", "failed", "cancelled"].includes(state), what);
    if (state !== "failed" || this.setBack.has(from) || this.setBack.has(node.name)) return;
    const mayFail = this.entries.some((entry) =>
      entry.from === from && entry.to === node.name && entry.isExcused &&
      nameOf(entry.path) === name && entry.content.length === bytes
    );
    checkInvariant(mayFail, what);
  }

  /** Each transfer has landed once, and left nothing else. */
  #checkFolder({ name, host: { files } }: NodeMachine, transfers: readonly TransferView[]): void {
    const there = files.paths.filter((path) => path.startsWith(`${LANDING}/`)).map(nameOf);
    const landed = transfers.flatMap((transfer) => transfer.landed);
    const visible = there.filter((one) => !one.startsWith(HIDDEN));
    const [found, told] = [visible.sort().join(), landed.sort().join()];
    checkInvariant(found === told, `at ${name} there are ${found}, and have landed ${told}`);
    const isAnyLeft = transfers.some(({ state }) => state === "failed");
    checkInvariant(isAnyLeft || visible.length === there.length, `${name} has parts left`);
  }
}

function checkCount(name: string, { id, count, files }: ShareView): void {
  for (const { downloads } of files) {
    checkInvariant(downloads <= (count ?? Infinity), `${name} gave ${id} ${downloads} times`);
  }
}
