/**
 * Modules of tests: a manifest that says only what matters there, and handlers of frames.
 *
 * @module
 */
import type { FrameHandler, OpenRedModule } from "../../modules/api.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import type { RunningModules } from "../../peer/modules/frame_gate.ts";
import { register } from "../../peer/modules/registrations.ts";
import { type ModuleKind, RunningModule } from "../../peer/modules/running_module.ts";
import { type ManifestInput, manifestSchema } from "../../protocol/module_manifest.ts";
import { parseInput } from "../../protocol/schemas.ts";

/** What a test says of its module. */
export type TestManifest = Partial<ManifestInput> & Pick<ManifestInput, "name">;

export function testManifest(manifest: TestManifest): ManifestInput {
  return { version: "1.0.0", api: 1, summary: "A module of the tests", ...manifest };
}

/** A module that hands every frame that its manifest declares to one handler. */
export function moduleOf(
  manifest: TestManifest,
  handler: FrameHandler,
): OpenRedModule {
  const whole = testManifest(manifest);
  return {
    manifest: whole,
    registerPeerHandlers(peers) {
      for (const { type } of whole.frames ?? []) peers.frame(type, handler);
    },
  };
}

/** A module as a part of the program. */
export function builtInOf(module: OpenRedModule): BuiltInModule {
  return { name: module.manifest.name, load: () => Promise.resolve(module) };
}

/** A module with what it registers, as the host has it once it has started. */
export function runningModule(
  module: OpenRedModule,
  kind: ModuleKind = "built-in",
): RunningModule {
  const manifest = parseInput(manifestSchema, module.manifest);
  return new RunningModule({ kind, manifest, module, registered: register(module, manifest) });
}

/** The modules that run, in order. */
export function runningModules(...modules: readonly RunningModule[]): RunningModules {
  return { all: modules, get: (name) => modules.find((module) => module.name === name) };
}
