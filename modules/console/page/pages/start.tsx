/**
 * The first page: whether all is well, who is here, and what needs somebody.
 *
 * @module
 */
import type { PeerView, StatusView, WarningView } from "../../../../protocol/admin_api.ts";
import { formatDuration } from "../format.ts";
import { RelayNote } from "../parts/relay_note.tsx";
import { Icon, type IconName } from "../parts/icons.tsx";
import { Card, Empty, LinkButton, Loading, NodeWords, Page } from "../parts/ui.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { placeLink } from "../router.ts";
import { isOwner } from "../session.ts";
import { challenges, conversations, groups, openOffers, requests, status } from "../store.ts";
import { t, tn, tx } from "../language.ts";
import { isLive } from "../live.ts";
import { warningKey } from "../warnings.ts";
import { FirstSteps } from "./first_steps.tsx";

interface Need {
  readonly icon: IconName;
  readonly text: string;
  readonly href: string;
}

function needs(): Need[] {
  const list: Need[] = [];
  const add = (count: number, icon: IconName, text: string, href: string) => {
    if (count > 0) list.push({ icon, text, href });
  };
  const challenged = challenges.want()?.challenges.length ?? 0;
  add(challenged, "shield", tn("start.challenges", challenged), placeLink("security"));
  const asking = requests.want()?.requests.length ?? 0;
  add(asking, "people", tn("start.requests", asking), placeLink("people"));
  const unread = conversations.want()?.conversations.filter((one) => one.unread > 0) ?? [];
  const first = unread[0];
  add(
    unread.length,
    "chat",
    tn("start.unread", unread.length),
    placeLink("chats", unread.length === 1 ? first!.peer : ""),
  );
  const offered = openOffers().length;
  add(offered, "file", tn("start.offers", offered), placeLink("files"));
  const invited = groups.want()?.groups.filter(({ stage }) => stage === "invited") ?? [];
  add(
    invited.length,
    "people",
    tn("start.invited", invited.length),
    placeLink("chats", invited[0]?.group ?? ""),
  );
  return list;
}

function NeedsYou({ warned }: { warned: readonly WarningView[] }) {
  const list = needs();
  return (
    <Card title={t("start.needs_you")}>
      {list.length + warned.length === 0
        ? <Empty icon="check" title={t("start.nothing")} />
        : (
          <ul class="list">
            {list.map(({ icon, text, href }) => (
              <li key={text}>
                <a class="list-row" href={href}>
                  <span class="sign">
                    <Icon name={icon} />
                  </span>
                  <span class="grow">{text}</span>
                </a>
              </li>
            ))}
            {warned.map((one) => <Warning key={one.topic} warning={one} />)}
          </ul>
        )}
    </Card>
  );
}

/** What the node warns of: in the reader's words, and in its own where the page cannot mend it. */
function Warning({ warning: { topic, text } }: { warning: WarningView }) {
  const key = warningKey(topic);
  return (
    <li class="list-row top">
      <span class="sign warn">
        <Icon name="warn" />
      </span>
      <span class="grow two-lines">
        <span>{t(key ?? "warning.other")}</span>
        {topic === "no_recovery_phrase"
          ? (
            <span>
              <LinkButton href={placeLink("guide", "phrase")}>{t("phrase.make")}</LinkButton>
            </span>
          )
          : (
            <small class={key === null ? "" : "muted"}>
              <NodeWords text={text} />
            </small>
          )}
      </span>
    </li>
  );
}

function isHere({ sessions }: StatusView, peer: PeerView): boolean {
  return sessions.some((session) => session.peer === peer.node_id && session.state === "confirmed");
}

function WhoIsHere({ of }: { of: StatusView }) {
  const known = of.peers.filter(({ standing }) => standing === "allowed");
  const here = known.filter((peer) => isHere(of, peer));
  return (
    <Card
      title={t("start.here")}
      actions={<LinkButton href={placeLink("people")} kind="quiet">{t("start.all")}</LinkButton>}
    >
      {known.length === 0
        ? (
          <Empty icon="people" title={t("start.nobody_known")}>
            <LinkButton href={placeLink("people", "connect")} icon="plus" kind="primary">
              {t("people.connect")}
            </LinkButton>
          </Empty>
        )
        : here.length === 0
        ? <p class="muted">{t("start.nobody_here")}</p>
        : (
          <ul class="faces">
            {here.slice(0, 24).map(({ node_id: id, petname }) => (
              <li key={id}>
                <a href={placeLink("chats", id)}>
                  <Avatar id={id} name={plainName(id, petname)} here size={48} />
                  <span class="face-name">
                    <Name id={id} petname={petname} />
                  </span>
                </a>
              </li>
            ))}
          </ul>
        )}
    </Card>
  );
}

/** Whether the node can be found, and how long it runs. */
function Health({ of }: { of: StatusView }) {
  const registered = of.directories.filter(({ state }) => state === "registered").length;
  const isWell = registered > 0 && (of.relay === null || of.relay.state === "linked");
  return (
    <section class={`health ${isWell ? "good" : "warn"}`}>
      <span class="health-sign">
        <Icon name={isWell ? "check" : "warn"} size={28} />
      </span>
      <div>
        <h2>
          {t(
            isWell
              ? "start.well"
              : registered > 0
              ? "start.not_reached"
              : "start.not_found_by_others",
          )}
        </h2>
        <p>
          {registered > 0
            ? tn("start.registered", registered)
            : of.directories.length === 0
            ? t("start.no_directory")
            : t("start.directory_trying")} {of.relay !== null && (
            <>
              <RelayNote relay={of.relay} />
              {" "}
            </>
          )}
          {t("start.runs", { time: formatDuration(1000 * of.uptime_s) })}{" "}
          {!isLive.value && t("start.not_live")}
        </p>
      </div>
      <div class="health-figure">
        <strong>{of.sessions.filter(({ state }) => state === "confirmed").length}</strong>
        <span>{t("start.sessions")}</span>
      </div>
    </section>
  );
}

export function Start() {
  const now = status.want();
  if (now === null) {
    return (
      <Page title={t("nav.start")}>
        <Loading of={status} />
      </Page>
    );
  }
  return (
    <Page title={t("start.hello")} lead={tx("start.version", { version: now.version })}>
      <Health of={now} />
      <FirstSteps />
      <div class="columns">
        {isOwner() && <NeedsYou warned={now.warned} />}
        <WhoIsHere of={now} />
      </div>
    </Page>
  );
}
