/**
 * The code of a module from a file, as the node holds it.
 *
 * @module
 */
import type { OpenRedModule } from "../../modules/api.ts";
import type { PeerHook } from "./hook_journal.ts";

/** Why the code of a module is gone. `detail` is the module's word in part. */
export interface FileEnd {
  readonly why: string;
  readonly detail: string;
}

/** The code of a file, loaded where it can reach nothing but its context. */
export interface OpenedFile {
  readonly module: OpenRedModule;
  /** Resolves when its code is gone; never rejects. */
  readonly ended: Promise<FileEnd>;
  /** Tells it of a peer. @throws {OpenRedError} `overloaded` where it does not confirm that in time. */
  tell(hook: PeerHook): Promise<void>;
  /** Ends it: in order, unless it is said why. */
  terminate(why?: string, detail?: string): Promise<void>;
}

export type OpenFile = (
  file: {
    readonly name: string;
    readonly code: string;
    /** Called whenever it is about to do something, or has. */
    readonly busy?: () => void;
  },
) => Promise<OpenedFile>;

/** Below it stand the frames of a stack, which say more of the house than of the module. The log has them. */
export function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
