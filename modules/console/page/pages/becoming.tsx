/**
 * What is shown while the node begins anew: as another identity, or with what a backup holds.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { SignedInView } from "../../../../protocol/sign_in_api.ts";
import { ApiError, post } from "../api.ts";
import { Button, Card, Loading } from "../parts/ui.tsx";
import { t } from "../language.ts";
import { go } from "../router.ts";

const RETRY_MS = 500;
/** How long a node that answers may refuse the link: it does so until it has begun. */
const REFUSED_MS = 15_000;
/** After that somebody has to look. */
const LATE_MS = 60_000;

/** Who this node is about to be. */
export interface NextNode {
  readonly node_id: string;
  /** The secret of a link that opens its console. */
  readonly link: string;
  /** What the names of the files begin with that a restored backup took the place of. */
  readonly kept?: string;
  /** Why, and so in which words it is told. */
  readonly by: "succession" | "restore";
}

export const becoming = signal<NextNode | null>(null);

/** Signs in anew. @param late Called when it takes long. */
async function signInAnew(link: string, late: () => void): Promise<void> {
  const begunMs = performance.now();
  let refusedMs = 0;
  while (refusedMs < REFUSED_MS) {
    // The node that still stops would note a stranger.
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    try {
      await post<SignedInView>("/auth/v1/link", { secret: link });
      return;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "unauthorized") refusedMs += RETRY_MS;
    }
    if (performance.now() - begunMs > LATE_MS) late();
  }
}

/** A restored node has been through the guide, and shows what it has. */
function goOn({ by }: NextNode): void {
  if (by === "restore") go("start");
  location.reload();
}

/** Takes the place of all pages: none of them is right any more. */
export function Becoming({ next }: { next: NextNode }) {
  const [state, setState] = useState<"waits" | "late" | "done">("waits");
  useEffect(() => {
    signInAnew(next.link, () => setState("late")).then(() => setState("done"));
  }, []);
  return (
    <main class="centre">
      <div class="sign-in">
        <img src="icon.svg" alt="" width="56" height="56" />
        <h1>{t(state === "done" ? `becoming.done_${next.by}` : `${next.by}.title`)}</h1>
        <Card>
          <div class="stack" role="status">
            {state === "done" ? <p>{t(`becoming.text_${next.by}`)}</p> : <Loading />}
            {state === "late" && <p>{t(`becoming.late_${next.by}`)}</p>}
            <p>
              {t(`becoming.id_${next.by}`)} <code class="id">{next.node_id}</code>
            </p>
            {next.kept !== undefined && (
              <p>
                {t("restore.kept")} <code class="id">{next.kept}</code>
              </p>
            )}
          </div>
          {state === "done" && (
            <Button kind="primary" onClick={() => goOn(next)}>
              {t("succession.go_on")}
            </Button>
          )}
        </Card>
      </div>
    </main>
  );
}
