/**
 * The relay through which others reach this node, and the ways to them.
 *
 * @module
 */
import type { PeerWay, RelayView } from "../../../../protocol/admin_api.ts";
import { t, tx } from "../language.ts";
import { Badge, Other } from "./ui.tsx";

const TONES = { linked: "good", trying: "warn", replaced: "bad" } as const;

/** One sentence about it. */
export function RelayNote({ relay }: { relay: RelayView }) {
  const url = <Other text={URL.canParse(relay.url) ? new URL(relay.url).host : relay.url} />;
  return <>{tx(`relay.says_${relay.state}`, { url })}</>;
}

export function RelayBadge({ relay: { state } }: { relay: RelayView }) {
  return <Badge tone={TONES[state]}>{t(`relay.${state}`)}</Badge>;
}

/** By which way this node calls a peer now. */
export function Way({ of }: { of: PeerWay | null }) {
  if (of === null) return null;
  return <span class="muted">{t(`way.${of.kind}`)}</span>;
}
