/**
 * The one-time links by which somebody with the shell opens the console.
 *
 * @module
 */
import type { SignIn } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { jsonResponse } from "../../protocol/http.ts";
import {
  CONSOLE_ROUTES,
  type LinkStateView,
  newLinkSchema,
  type NewLinkView,
  type Role,
} from "../../protocol/sign_in_api.ts";
import type { ConsoleSettings } from "../config.ts";
import type { AddPost } from "./peer_routes.ts";

/** Makes links, where there is a console to open. */
export class ConsoleLinks {
  readonly #signIn: () => SignIn | null;
  readonly #settings: ConsoleSettings;
  readonly #whyNoPage: () => Promise<string | null>;

  constructor(
    signIn: () => SignIn | null,
    settings: ConsoleSettings,
    whyNoPage: () => Promise<string | null> = () => Promise.resolve(null),
  ) {
    this.#signIn = signIn;
    this.#settings = settings;
    this.#whyNoPage = whyNoPage;
  }

  /** The secret stands behind `#`, which no browser sends. @throws {OpenRedError} `not_found` without a console. */
  async make(role: Role): Promise<NewLinkView> {
    const { origin } = this.#settings;
    const why = origin === null ? this.#settings.why : await this.#whyNoPage();
    if (why !== null) throw new OpenRedError("not_found", why);
    const { secret, expiresAtMs } = await this.#module().makeLink(role);
    return { url: `${origin}${CONSOLE_ROUTES}#link=${secret}`, expires_at: expiresAtMs };
  }

  /** Lets whoever has the secret sign in, once. Without the module nobody can. */
  async take(secret: string): Promise<void> {
    await this.#signIn()?.makeLink("owner", secret);
  }

  state(): LinkStateView {
    return { state: this.#module().linkState() };
  }

  /** A link for the owner's first visit; `null` where there was one, or is no console. */
  async first(): Promise<string | null> {
    const signIn = this.#signIn();
    if (this.#settings.origin === null || signIn === null || !signIn.isFirst) return null;
    if (await this.#whyNoPage() !== null) return null;
    return (await this.make("owner")).url;
  }

  #module(): SignIn {
    const signIn = this.#signIn();
    if (signIn !== null) return signIn;
    throw new OpenRedError("not_found", "The module authentication does not run");
  }
}

/** Adds the routes about links. */
export function addConsoleRoutes(
  { get, post }: {
    readonly get: (path: string, handler: () => Response) => void;
    readonly post: AddPost;
  },
  links: ConsoleLinks,
): void {
  get("/console/link/state", () => jsonResponse(links.state()));
  post("/console/link", newLinkSchema, ({ role }) => links.make(role), { isForShell: true });
}
