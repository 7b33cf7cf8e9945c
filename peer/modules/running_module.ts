/**
 * One module that runs: what it registered, and what it is at.
 *
 * @module
 */
import type { OpenRedModule } from "../../modules/api.ts";
import {
  type FrameDeclaration,
  type Manifest,
  permissionOf,
} from "../../protocol/module_manifest.ts";
import type { Registrations } from "./registrations.ts";

export type ModuleKind = "built-in" | "file";

export interface RunningModuleOptions {
  readonly kind: ModuleKind;
  readonly manifest: Manifest;
  readonly module: OpenRedModule;
  readonly registered: Registrations;
}

/** A module between its start and its stop. */
export class RunningModule {
  readonly kind: ModuleKind;
  readonly manifest: Manifest;
  readonly module: OpenRedModule;
  readonly registered: Registrations;
  readonly #declared: ReadonlyMap<string, FrameDeclaration>;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: RunningModuleOptions) {
    this.kind = options.kind;
    this.manifest = options.manifest;
    this.module = options.module;
    this.registered = options.registered;
    this.#declared = new Map(this.manifest.frames.map((frame) => [frame.type, frame]));
  }

  get name(): string {
    return this.manifest.name;
  }

  /** What the manifest says of a frame type, by its second half. */
  declared(type: string): FrameDeclaration | undefined {
    return this.#declared.get(type);
  }

  permissionOf(frame: FrameDeclaration): string {
    return permissionOf(this.manifest, frame);
  }

  /** Follows a call into the module, so that {@linkcode settled} can wait for it. */
  run<T>(call: () => Promise<T>): Promise<T> {
    const work = call();
    this.#underWay.add(work);
    const end = () => void this.#underWay.delete(work);
    work.then(end, end);
    return work;
  }

  /** Resolves once no call is under way; none must begin meanwhile. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
}
