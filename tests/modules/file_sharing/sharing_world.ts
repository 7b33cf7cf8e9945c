/**
 * File sharing in a host, as its owner and its peers meet it, with a real folder and nobody at the other end.
 *
 * @module
 */
import { encodeBase64Url, encodeNodeId, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { CallAnswer, NodeId, PublicAnswer, PublicStream } from "../../../modules/api.ts";
import { createFileSharing } from "../../../modules/file_sharing/mod.ts";
import type {
  OffersView,
  SharesView,
  ShareView,
  TransfersView,
} from "../../../protocol/file_sharing_api.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { machinePorts } from "../../world/node_ports.ts";
import { settle } from "../../world/settle.ts";
import { until } from "../../world/until.ts";
import { WatchedDisk } from "./watched_disk.ts";

/** Ids that nobody has the keys of. */
export const PEERS = Array.from(
  { length: 32 },
  (_, index) => encodeNodeId(new Uint8Array(32).fill(index + 1)),
) as [NodeId, NodeId, ...NodeId[]];

/** 16 bytes in base64url. */
export function testId(byte: number): string {
  return encodeBase64Url(new Uint8Array(16).fill(byte));
}

export class SharingWorld implements AsyncDisposable {
  readonly world: ContextWorld;
  readonly folder = Deno.realPathSync(Deno.makeTempDirSync());
  readonly data = Deno.makeTempDirSync();
  readonly disk = new WatchedDisk(this.data);
  hosted!: HostedModules;
  /** The headers of the sealed calls that left, and what they are answered with. */
  readonly asked: { readonly peer: NodeId; readonly header: Record<string, unknown> }[] = [];
  answer: () => Promise<Record<string, unknown>> = () => Promise.resolve({ state: "offered" });

  private constructor(world: ContextWorld) {
    this.world = world;
    world.asking.ask = async ({ peer, header }) => {
      this.asked.push({ peer, header });
      return { header: await this.answer(), body: new Uint8Array() };
    };
  }

  static async start(): Promise<SharingWorld> {
    const sharing = new SharingWorld(await ContextWorld.create());
    await sharing.open();
    await sharing.allow(PEERS[0]);
    return sharing;
  }

  async open(): Promise<void> {
    this.hosted = new HostedModules(this.world, [createFileSharing()], {
      ...machinePorts(),
      disk: this.disk,
    });
    await this.hosted.host.start();
  }

  /** The module in the hands of a process that starts anew. */
  async restart(): Promise<void> {
    await this.hosted.host.stop();
    await this.open();
  }

  async allow(peer: NodeId, name = "files"): Promise<void> {
    await this.world.parts.permissions.decide(peer, { name, allowed: true });
  }

  /** A peer makes a sealed call. */
  call(
    type: "share" | "request" | "unlock",
    peer: NodeId,
    header: object,
    body?: string,
  ): Promise<CallAnswer> {
    const handler = this.hosted.host.runs.get("file_sharing")!.registered.calls.get(type)!;
    return handler({
      peer,
      type: `file_sharing.${type}`,
      id: undefined,
      header: { ...header },
      body: encodeUtf8(body ?? ""),
      isRequest: false,
    });
  }

  /** A peer offers one small file. */
  offer(peer: NodeId, share: number, more: object = {}): Promise<CallAnswer> {
    const root = encodeBase64Url(new Uint8Array(32));
    const body = JSON.stringify([{ name: "a.txt", length: 5, root }]);
    return this.call("share", peer, { share: testId(share), ...more }, body);
  }

  async offers(): Promise<OffersView["offers"]> {
    return (await this.hosted.ask<OffersView>("GET", "/m/file_sharing/offers")).offers;
  }

  async transfers(): Promise<TransfersView["transfers"]> {
    return (await this.hosted.ask<TransfersView>("GET", "/m/file_sharing/transfers")).transfers;
  }

  async shares(): Promise<SharesView["shares"]> {
    return (await this.hosted.ask<SharesView>("GET", "/m/file_sharing/shares")).shares;
  }

  /** The owner shares a file of this content. @returns What the peer calls it, and what the owner does. */
  async share(
    peer: NodeId,
    content: Uint8Array,
    more: object = {},
  ): Promise<{ id: string; wire: string }> {
    const before = this.asked.length;
    const path = `${this.folder}/shared.bin`;
    Deno.writeFileSync(path, content);
    const input = { peer, paths: [path], ...more };
    const { id } = await this.hosted.ask<ShareView>("POST", "/m/file_sharing/shares", input);
    await until(
      async () => (await this.shares()).some((one) => one.id === id && one.state !== "hashing"),
      "the file is hashed",
    );
    await until(() => this.asked.length > before, "it is offered");
    return { id, wire: String(this.asked.at(-1)?.header.share) };
  }

  /**
   * Whoever knows a path asks for what lies there.
   * @param file_url As a request was answered with it.
   */
  async get(
    file_url: unknown,
    range?: string,
    signal = new AbortController().signal,
    isRelayed = false,
  ): Promise<PublicAnswer> {
    const [route] = this.hosted.host.runs.get("file_sharing")!.registered.publicRoutes;
    return await route!.handler({
      method: "GET",
      path: `/${file_url}`,
      params: { id: String(file_url).split("/").at(-1)! },
      query: {},
      headers: range === undefined ? {} : { range },
      body: null,
      source: "192.0.2.1",
      isRelayed,
      signal,
    });
  }

  /** The same, read to its end. */
  async read(file_url: unknown, range?: string): Promise<Uint8Array> {
    const { body } = await this.get(file_url, range);
    return await new Response(
      (body as PublicStream).parts as ReadableStream<Uint8Array<ArrayBuffer>>,
    )
      .bytes();
  }

  async settle(): Promise<void> {
    await settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosted.host.stop();
    this.world[Symbol.dispose]();
    for (const path of [this.folder, this.data]) Deno.removeSync(path, { recursive: true });
  }
}
