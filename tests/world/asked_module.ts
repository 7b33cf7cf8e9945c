/**
 * A module of the tests whose sealed calls, and frames, a test answers as it likes.
 *
 * @module
 */
import type {
  CallHandler,
  FrameHandler,
  ModuleContext,
  OpenRedModule,
  PeerFrame,
} from "../../modules/api.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import type { Requirement } from "../../protocol/factor_level.ts";
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export class AskedModule implements BuiltInModule, OpenRedModule {
  readonly manifest: ManifestInput;
  /** Every call that came to the handler. */
  readonly calls: PeerFrame[] = [];
  readonly frames: PeerFrame[] = [];
  /** What answers; unless a test says otherwise, with the same body and how many came so far. */
  handler: CallHandler = ({ body }) =>
    Promise.resolve({ header: { count: this.calls.length }, body });
  receive: FrameHandler["receive"] = () => Promise.resolve(true);
  #context: ModuleContext | null = null;

  /**
   * @param type That of a sealed call; there is a frame `note` besides.
   * @param requires What the call asks of its caller's owner.
   */
  constructor(readonly name = "echo", readonly type = "say", requires?: Requirement) {
    this.manifest = {
      name,
      version: "1.0.0",
      api: 1,
      summary: "Answers what a test has it answer",
      permissions: [name],
      frames: [
        {
          type,
          answers: true,
          members: ["known"],
          ...(requires === undefined ? {} : { requires }),
        },
        { type: "note", members: ["known"] },
      ],
    };
  }

  get context(): ModuleContext {
    if (this.#context === null) throw new TypeError("The module does not run");
    return this.#context;
  }

  load(): Promise<OpenRedModule> {
    return Promise.resolve(this);
  }

  registerPeerHandlers(peers: Parameters<NonNullable<OpenRedModule["registerPeerHandlers"]>>[0]) {
    peers.call(this.type, (call) => {
      this.calls.push(call);
      return this.handler(call);
    });
    peers.frame("note", {
      receive: (frame) => {
        this.frames.push(frame);
        return this.receive(frame);
      },
    });
  }

  start(context: ModuleContext): Promise<void> {
    this.#context = context;
    return Promise.resolve();
  }
}
