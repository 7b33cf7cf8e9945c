/**
 * Sealed calls of one peer, whose end of each session a test has in its hands.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { AskFactors } from "../../../modules/api.ts";
import { FreshFactors } from "../../../peer/modules/fresh_factors.ts";
import { register } from "../../../peer/modules/registrations.ts";
import { RunningModule } from "../../../peer/modules/running_module.ts";
import { SealedCalls } from "../../../peer/modules/sealed_calls.ts";
import type { CallEnd } from "../../../peer/sessions/module_gate.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { Requirement } from "../../../protocol/factor_level.ts";
import { manifestSchema } from "../../../protocol/module_manifest.ts";
import { parseInput } from "../../../protocol/schemas.ts";
import { AskedModule } from "../../world/asked_module.ts";
import { settle } from "../../world/settle.ts";
import { type BothEnds, SessionWorld } from "../sessions/session_world.ts";

/** An opened answer. */
export interface Answer {
  readonly header: Record<string, unknown>;
  readonly body: Uint8Array;
}

/** The `ask` of a test, by its number. */
export function askOf(number: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return encodeBase64Url(bytes);
}

export class CallWorld implements Disposable {
  readonly module: AskedModule;
  readonly modules = new Map<string, RunningModule>();
  readonly calls: SealedCalls;
  /** Asks the peer's owner, who shows nothing unless a test says otherwise. */
  askFactors: AskFactors = () => Promise.reject(new OpenRedError("forbidden", "No"));
  ends: BothEnds;

  private constructor(readonly world: SessionWorld, ends: BothEnds, requires?: Requirement) {
    this.ends = ends;
    this.module = new AskedModule("echo", "say", requires);
    const manifest = parseInput(manifestSchema, this.module.manifest);
    const registered = register(this.module, manifest);
    const { module } = this;
    this.modules.set("echo", new RunningModule({ kind: "file", manifest, module, registered }));
    const modules = { all: this.modules.values(), get: (name: string) => this.modules.get(name) };
    const askFactors: AskFactors = (peer, wanted) => this.askFactors(peer, wanted);
    const freshFactors = new FreshFactors({ ...world.parts, askFactors: () => askFactors });
    this.calls = new SealedCalls({ ...world.parts, ...world, modules, freshFactors });
  }

  /** @param options `requires`: what the call asks of its caller's owner. */
  static async create(
    options: { readonly allowed?: boolean; readonly requires?: Requirement } = {},
  ): Promise<CallWorld> {
    const world = await SessionWorld.create();
    const test = new CallWorld(world, await world.session(), options.requires);
    if (options.allowed !== false) await test.allow(true);
    return test;
  }

  get clock() {
    return this.world.parts.clock;
  }

  allow(allowed: boolean): Promise<void> {
    return this.world.parts.permissions.decide(this.world.peer.id, { name: "echo", allowed });
  }

  /** Seals a call at the peer's end. */
  seal(ask: string, more: { header?: Record<string, unknown>; body?: Uint8Array } = {}) {
    const { header = {}, body = new Uint8Array() } = more;
    return this.ends.peer.seal({ type: "echo.say", ask, ...header }, body);
  }

  /** Has the node take a call, by POST unless told otherwise. */
  async take(frame: Uint8Array, via: "post" | "frame" = "post"): Promise<CallEnd> {
    const opened = await this.ends.own.open(frame);
    assert("header" in opened, "the call did not open");
    const { header, body, outcome } = opened;
    const input = JSON.parse(header);
    const { type, ask } = input;
    const call = { type, ask, header, input, body, fresh: outcome === "opened" };
    return await this.calls.call(this.world.peer.id, call, via);
  }

  /** Seals a call and has it answered at once. */
  async ask(number: number, more: Parameters<CallWorld["seal"]>[1] = {}): Promise<Answer> {
    return await this.read(await this.take(await this.seal(askOf(number), more)));
  }

  /** Opens an answer at the peer's end. */
  async read(end: CallEnd): Promise<Answer> {
    assertEquals(end.kind, "answered");
    return await this.open((end as { frame: Uint8Array }).frame);
  }

  async open(frame: Uint8Array): Promise<Answer> {
    const opened = await this.ends.peer.open(frame);
    assert("header" in opened, "the answer did not open");
    return { header: JSON.parse(opened.header), body: opened.body };
  }

  /** A handler that answers when the test says so. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { handler } = this.module;
    this.module.handler = (call) => promise.then(() => handler(call));
    return resolve;
  }

  /** Takes a call without waiting for what becomes of it. */
  async begin(
    frame: Uint8Array,
    via: "post" | "frame" = "post",
  ): Promise<{ end: Promise<CallEnd> }> {
    const end = this.take(frame, via);
    await settle();
    return { end };
  }

  [Symbol.dispose](): void {
    this.calls.stop();
    this.world[Symbol.dispose]();
  }
}

export function bytesOf(end: CallEnd): Uint8Array {
  assertEquals(end.kind, "answered");
  return (end as { frame: Uint8Array }).frame;
}
