/**
 * Two real nodes on loopback that let each other use files, with a folder each.
 *
 * @module
 */
import type {
  OffersView,
  OfferView,
  SharesView,
  ShareView,
  TransfersView,
  TransferView,
} from "../../../protocol/file_sharing_api.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";

const WAIT_MS = 20_000;

/** A node with the routes of file sharing. */
export class SharingNode extends LoopbackNode {
  readonly folder = Deno.realPathSync(Deno.makeTempDirSync());

  /** Writes a file to be shared. @returns Its path. */
  write(name: string, content: Uint8Array): string {
    const path = `${this.folder}/${name}`;
    Deno.writeFileSync(path, content);
    return path;
  }

  async share(input: Record<string, unknown>): Promise<ShareView> {
    const { id } = await this.ask<ShareView>("POST", "/m/file_sharing/shares", input);
    await until(async () => (await this.shown(id)).state !== "hashing", "the files are hashed");
    return await this.shown(id);
  }

  async shares(): Promise<readonly ShareView[]> {
    return (await this.ask<SharesView>("GET", "/m/file_sharing/shares")).shares;
  }

  async shown(id: string): Promise<ShareView> {
    return (await this.shares()).find((one) => one.id === id)!;
  }

  async offers(): Promise<readonly OfferView[]> {
    return (await this.ask<OffersView>("GET", "/m/file_sharing/offers")).offers;
  }

  /** Waits until so many offers have come. @returns The last one. */
  async offered(count = 1): Promise<OfferView> {
    await until(async () => (await this.offers()).length >= count, `${count} offers have come`);
    return (await this.offers()).at(-1)!;
  }

  async accept(offer: string, folder = this.folder): Promise<TransferView> {
    return await this.ask("POST", `/m/file_sharing/offers/${offer}/accept`, { folder });
  }

  async transfers(): Promise<readonly TransferView[]> {
    return (await this.ask<TransfersView>("GET", "/m/file_sharing/transfers")).transfers;
  }

  async transfer(id: string): Promise<TransferView> {
    return (await this.transfers()).find((one) => one.id === id)!;
  }

  /** Waits until a transfer is in a state. */
  async reaches(id: string, ...states: readonly TransferView["state"][]): Promise<TransferView> {
    await until(
      async () => states.includes((await this.transfer(id)).state),
      `the transfer is ${states.join(" or ")}`,
    );
    return await this.transfer(id);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

export class SharingNodes implements AsyncDisposable {
  readonly directory = new RealDirectory();
  readonly alice = new SharingNode();
  readonly bob = new SharingNode();

  static async start(): Promise<SharingNodes> {
    const test = new SharingNodes();
    await test.begin();
    return test;
  }

  async begin(): Promise<void> {
    const { alice, bob } = this;
    await this.directory.start();
    for (const node of [alice, bob]) await this.startNode(node);
    await alice.admin.connect(bob.id, WAIT_MS);
    await alice.admin.decide("allow", { peer: bob.id, permission: "files" });
    await bob.admin.decide("allow", { peer: alice.id, permission: "files" });
  }

  async startNode(node: SharingNode): Promise<void> {
    await node.start({ directories: [this.directory.url] });
    await until(
      async () => (await node.status()).directories[0]?.state === "registered",
      "the node is registered",
    );
  }

  /** Alice shares a file; bob hears of it. @returns The ids of the share and of the offer. */
  async offer(name: string, content: Uint8Array): Promise<{ share: string; offer: string }> {
    const before = (await this.bob.offers()).length;
    const path = this.alice.write(name, content);
    const { id } = await this.alice.share({ peer: this.bob.id, paths: [path] });
    return { share: id, offer: (await this.bob.offered(before + 1)).id };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [this.alice, this.bob]) await node[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** The files in a folder. */
export function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
