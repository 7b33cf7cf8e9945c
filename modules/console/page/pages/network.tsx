/**
 * Connections: who is there and how, sessions, and tokens with their next renewal.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type {
  PeerView,
  RelayView,
  SessionView,
  StatusView,
} from "../../../../protocol/admin_api.ts";
import type { TokenView } from "../../../../protocol/token_api.ts";
import { post } from "../api.ts";
import { directoryText, relayText } from "../codes.ts";
import { formatDate, formatDuration, formatNumber, shortId, shown } from "../format.ts";
import { TokenClock } from "../parts/token_clock.tsx";
import { PeerMap } from "../parts/peer_map.tsx";
import { RelayBadge, Way } from "../parts/relay_note.tsx";
import { Traffic } from "../parts/traffic.tsx";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Empty,
  Loading,
  Page,
  Table,
  useAction,
} from "../parts/ui.tsx";
import { Name } from "../parts/who.tsx";
import { isOwner } from "../session.ts";
import { identity, status, tokens } from "../store.ts";
import { hasWord, t } from "../language.ts";

export function Network() {
  const now = status.want();
  return (
    <Page title={t("nav.network")} lead={t("network.lead")} wide>
      {now === null ? <Loading of={status} /> : (
        <>
          <div class="columns">
            <Card title={t("network.map")}>
              <PeerMap status={now} />
            </Card>
            <div class="stack">
              <Card title={t("network.clock")}>
                <TokenClock tokens={tokens.want()?.tokens ?? []} />
              </Card>
              <Card title={t("network.traffic")}>
                <Traffic />
              </Card>
            </div>
          </div>
          <Directories status={now} />
          {now.relay !== null && <Relay relay={now.relay} />}
          <Sessions sessions={now.sessions} peers={now.peers} />
          <Tokens />
        </>
      )}
    </Page>
  );
}

function Directories({ status: { directories } }: { status: StatusView }) {
  const own = identity.want();
  return (
    <Card title={t("network.directories")}>
      {directories.length === 0 ? <p class="muted">{t("start.no_directory")}</p> : (
        <ul class="list">
          {directories.map((one) => (
            <li key={one.url} class="list-row">
              <span class="grow two-lines">
                <strong class="breakable">{shown(one.url)}</strong>
                <small class="muted">
                  {one.directory_id !== null && <code class="id">{shortId(one.directory_id)}</code>}
                  {one.last_error !== null &&
                    ` ${directoryText(one.last_error, one.last_reason)}`}
                </small>
              </span>
              <Badge
                tone={one.state === "registered" ? "good" : one.state === "trying" ? "warn" : "bad"}
              >
                {t(`directory.${one.state}`)}
              </Badge>
            </li>
          ))}
        </ul>
      )}
      {own !== null && (
        <p class="hint">
          {t("network.reached_at")} <code class="breakable">{own.api_url}</code>
        </p>
      )}
    </Card>
  );
}

function Relay({ relay }: { relay: RelayView }) {
  return (
    <Card title={t("relay.title")}>
      <ul class="list">
        <li class="list-row">
          <span class="grow two-lines">
            <strong class="breakable">{shown(relay.url)}</strong>
            <small class="muted">
              {relay.relay_id !== null && <code class="id">{shortId(relay.relay_id)}</code>}
              {relay.last_error !== null && ` ${relayText(relay.last_error)}`}
            </small>
          </span>
          <RelayBadge relay={relay} />
        </li>
      </ul>
      <p class="hint">{t("relay.means")}</p>
    </Card>
  );
}

function Sessions(
  { sessions, peers }: { sessions: readonly SessionView[]; peers: readonly PeerView[] },
) {
  const ways = new Map(peers.map(({ node_id: id, way }) => [id, way]));
  const [revoking, setRevoking] = useState<string | null>(null);
  const action = useAction();
  const renew = (peer: string) =>
    action.run(async () => {
      await post("/admin/v1/tokens/renew", { peer, wait_ms: 15_000 });
      await Promise.all([status.load(), tokens.load()]);
    }, t("network.renewed"));
  return (
    <Card title={t("network.sessions")}>
      {sessions.length === 0 ? <Empty icon="network" title={t("network.no_sessions")} /> : (
        <Table
          label={t("network.sessions")}
          heads={[
            t("network.with"),
            t("network.method"),
            t("network.epoch"),
            t("network.protection"),
            t("network.way"),
            t("network.renewal"),
            t("network.delay"),
            ...(isOwner() ? [<span key="actions" class="unseen">{t("chat.actions")}</span>] : []),
          ]}
        >
          {sessions.map((one) => (
            <tr key={one.session_id}>
              <th scope="row">
                <Name id={one.peer} />
              </th>
              <td>{shown(one.method)}</td>
              <td>{one.epoch}</td>
              <td>
                {one.post_quantum
                  ? <Badge tone="good">{t("network.post_quantum")}</Badge>
                  : <Badge tone="warn">{t("network.classic")}</Badge>}
              </td>
              <td>
                <span class="two-lines">
                  <span>{t(`carrier.${one.carrier}`)}</span>
                  <Way of={ways.get(one.peer) ?? null} />
                </span>
              </td>
              <td>
                {t("network.within", {
                  time: formatDuration(Math.max(0, one.life_ms - one.age_ms)),
                })}
              </td>
              <td>
                {one.rtt_ms === null ? "–" : `${formatNumber(Math.round(one.rtt_ms))} ms`}
              </td>
              {isOwner() && (
                <td>
                  <span class="row nowrap">
                    <Button
                      kind="quiet"
                      icon="refresh"
                      label={t("network.renew")}
                      busy={action.busy}
                      onClick={() => renew(one.peer)}
                    />
                    <Button
                      kind="quiet"
                      icon="cross"
                      label={t("network.revoke")}
                      onClick={() => setRevoking(one.peer)}
                    />
                  </span>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      {sessions.length > 0 && <p class="hint">{t("way.means")}</p>}
      {revoking !== null && (
        <ConfirmDialog
          title={
            <>
              {t("network.revoke")} · <Name id={revoking} />
            </>
          }
          confirm={t("network.revoke")}
          danger
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await post("/admin/v1/tokens/revoke", { target: revoking });
            await Promise.all([status.load(), tokens.load()]);
          }}
        >
          <p>{t("network.revoke_means")}</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

const MOST_TOKENS = 50;

function Tokens() {
  const [showsAll, setShowsAll] = useState(false);
  const view = tokens.want();
  const usable = view?.tokens.filter(({ state }) => state !== "ended" && state !== "spent") ?? [];
  const list: readonly TokenView[] = showsAll ? view?.tokens ?? [] : usable.slice(0, MOST_TOKENS);
  return (
    <Card
      title={t("network.tokens")}
      actions={
        <Button kind="quiet" pressed={showsAll} onClick={() => setShowsAll(!showsAll)}>
          {t("network.all_tokens")}
        </Button>
      }
    >
      <p class="muted">{t("network.tokens_text")}</p>
      {view === null
        ? <Loading of={tokens} />
        : list.length === 0
        ? <p class="muted">{t("network.no_tokens")}</p>
        : (
          <Table
            label={t("network.tokens")}
            heads={[
              t("network.with"),
              t("network.pair"),
              t("network.method"),
              t("network.state"),
              t("network.ends"),
            ]}
          >
            {list.map((one) => (
              <tr key={one.pair_id}>
                <th scope="row">
                  <Name id={one.peer} />
                </th>
                <td>
                  <code>{one.pair_id.slice(0, 8)}</code>
                </td>
                <td>{shown(one.method)} · {one.epoch}</td>
                <td>{hasWord(`token.${one.state}`) ? t(`token.${one.state}`) : one.state}</td>
                <td>{formatDate(one.ends_at)}</td>
              </tr>
            ))}
          </Table>
        )}
    </Card>
  );
}
