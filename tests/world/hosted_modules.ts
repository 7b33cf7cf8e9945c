/**
 * Modules that run in a real host, with its gate and its routes, and no node around it.
 *
 * @module
 */
import { machinePorts } from "./node_ports.ts";
import { HookJournal } from "../../peer/modules/hook_journal.ts";
import { openSandbox } from "../../peer/modules/sandbox/open_sandbox.ts";
import type { NodeId, OpenRedModule } from "../../modules/api.ts";
import { FrameGate } from "../../peer/modules/frame_gate.ts";
import { FrameIds } from "../../peer/modules/frame_ids.ts";
import { ModuleHost } from "../../peer/modules/host.ts";
import { ModuleRoutes } from "../../peer/modules/module_routes.ts";
import { ModuleStates } from "../../peer/modules/module_states.ts";
import { PermissionNames } from "../../peer/peers/permission_names.ts";
import type { ContextWorld } from "./module_context.ts";
import { builtInOf } from "./test_module.ts";

/** A frame as a test writes it. */
export interface TestFrame {
  readonly type: string;
  readonly id?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

export class HostedModules {
  readonly host: ModuleHost;
  readonly gate: FrameGate;
  readonly states: ModuleStates;
  readonly permissionNames = new PermissionNames();
  /** What the node serves, whenever that changed. */
  readonly services: (readonly string[])[] = [];
  readonly #routes: ModuleRoutes;

  /** @param ports Threads of its own, and a mark that nobody left, unless it says so. */
  constructor(
    world: ContextWorld,
    modules: readonly OpenRedModule[],
    ports: Partial<ReturnType<typeof machinePorts>> = {},
  ) {
    const { parts, storageKey } = world;
    const machine = { ...machinePorts(), ...ports };
    const frameIds = new FrameIds(parts.store);
    this.states = new ModuleStates(parts);
    this.host = new ModuleHost({
      ...world.contextParts,
      ...machine,
      background: parts.background,
      states: this.states,
      frameIds,
      permissionNames: this.permissionNames,
      storageKey,
      methods: parts.methods,
      asking: world.asking,
      journal: new HookJournal(parts.store),
      openFile: (file) => openSandbox({ ...parts, ...machine }, file),
      servicesChanged: () => this.services.push(this.host.services()),
    }, modules.map(builtInOf));
    this.#routes = new ModuleRoutes({ ...parts, modules: this.host.runs });
    this.gate = new FrameGate({ ...parts, frameIds }, {
      modules: this.host.runs,
      strangers: "ask",
    });
  }

  static async start(
    world: ContextWorld,
    ...modules: readonly OpenRedModule[]
  ): Promise<HostedModules> {
    const hosted = new HostedModules(world, modules);
    await hosted.host.start();
    return hosted;
  }

  /** Has the gate take a frame of a peer. @returns Whether it is acknowledged. */
  take(peer: NodeId, frame: TestFrame): Promise<boolean> {
    const { type, id, header = {}, body = new Uint8Array() } = frame;
    const input = { ...header, type, ...(id === undefined ? {} : { id }) };
    return this.gate.take(peer, { type, id, input, body });
  }

  /** Asks as the owner does. @throws {OpenRedError} As {@linkcode ModuleRoutes.answer}. */
  request(method: string, path: string, body?: BodyInit): Promise<Response> {
    const init = body === undefined ? { method } : { method, body };
    return this.#routes.answer(
      new Request(`http://127.0.0.1${path}`, init),
      () => Promise.resolve(),
    );
  }

  // deno-lint-ignore no-explicit-any
  async ask<T = any>(method: string, path: string, content?: unknown): Promise<T> {
    const body = content === undefined ? undefined : JSON.stringify(content);
    return await (await this.request(method, path, body)).json();
  }
}
