/**
 * Where somebody stands with this node.
 *
 * @module
 */
import type { PeerDetail } from "../../../../protocol/admin_api.ts";
import { t } from "../language.ts";
import { Badge } from "./ui.tsx";

export function StateBadge({ peer }: { peer: PeerDetail }) {
  if (peer.blocked_since !== null) return <Badge tone="bad">{t("state.blocked")}</Badge>;
  if (peer.sessions > 0) return <Badge tone="good">{t("state.here")}</Badge>;
  if (peer.invited) return <Badge tone="warn">{t("state.invited")}</Badge>;
  if (!peer.permissions.includes("message")) {
    return <Badge tone="warn">{t("state.stranger")}</Badge>;
  }
  return <Badge>{t("state.away")}</Badge>;
}
