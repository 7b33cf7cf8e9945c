/**
 * Conversations: the list of them, and the one that is open.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import type { ConversationView, SearchView } from "../../../../protocol/messaging_api.ts";
import { get } from "../api.ts";
import { formatWhen } from "../format.ts";
import { Icon } from "../parts/icons.tsx";
import { Badge, Button, Empty, errorText, Loading, Other } from "../parts/ui.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { type PageOptions, placeLink } from "../router.ts";
import { conversations, groups, peers } from "../store.ts";
import { t, tn } from "../language.ts";
import { isOwner } from "../session.ts";
import { Chat } from "./chat.tsx";
import { NewGroup } from "./group.tsx";

const SEARCH_AFTER_MS = 250;
const FOUND = "50";

/** @param item The conversation, and with `@` behind it a message in it. */
export function Chats({ item }: PageOptions) {
  const [peer = "", message = null] = item.split("@");
  return (
    <div class="chats">
      <ChatList open={peer} />
      <section class="chat-pane" aria-label={t("chat.conversation")}>
        {peer === ""
          ? <Empty icon="chat" title={t("chat.choose")} />
          : <Chat key={peer} peer={peer} message={message} />}
      </section>
    </div>
  );
}

interface Entry extends ConversationView {
  readonly invited?: boolean;
}

/** Everybody one can write to: conversations there are, invitations to groups, and people without a message yet. */
function entries(): Entry[] | null {
  const now = conversations.want();
  const all = groups.want()?.groups ?? [];
  const known = peers.want()?.peers ?? [];
  if (now === null) return null;
  const there = new Set(now.conversations.map(({ peer }) => peer));
  const blank = { unread: 0, waiting: 0, has_draft: false };
  const invited = all.filter(({ stage, group }) => stage === "invited" && !there.has(group))
    .map(({ group, name }) => ({
      ...blank,
      peer: group,
      petname: null,
      group: name,
      invited: true,
    }));
  const silent = [
    ...all.filter(({ stage, group }) => stage === "joined" && !there.has(group))
      .map(({ group, name }) => ({ ...blank, peer: group, petname: null, group: name })),
    ...known.filter((peer) => peer.permissions.includes("message") && !there.has(peer.node_id))
      .map(({ node_id: peer, petname }) => ({ ...blank, peer, petname })),
  ];
  const isInvited = (peer: string) =>
    all.some(({ group, stage }) => group === peer && stage === "invited");
  return [
    ...invited,
    ...now.conversations.map((one) => isInvited(one.peer) ? { ...one, invited: true } : one),
    ...silent,
  ];
}

function ChatList({ open }: { open: string }) {
  const [text, setText] = useState("");
  const [isMaking, setMaking] = useState(false);
  const list = entries();
  return (
    <section class="chat-list" aria-label={t("nav.chats")}>
      <header class="chat-list-head">
        <h1 tabIndex={-1}>{t("nav.chats")}</h1>
        {isOwner() && (
          <Button kind="quiet" icon="plus" onClick={() => setMaking(true)}>
            {t("group.new")}
          </Button>
        )}
      </header>
      <input
        type="search"
        class="search"
        placeholder={t("chat.search")}
        aria-label={t("chat.search")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {text.trim() !== ""
        ? <Found text={text.trim()} />
        : list === null
        ? <Loading of={conversations} />
        : list.length === 0
        ? (
          <Empty icon="chat" title={t("chat.none")}>
            <a class="button primary" href={placeLink("people", "connect")}>
              {t("people.connect")}
            </a>
          </Empty>
        )
        : (
          <ul class="list">
            {list.map((entry) => (
              <ChatRow key={entry.peer} entry={entry} isOpen={entry.peer === open} />
            ))}
          </ul>
        )}
      {isMaking && <NewGroup onClose={() => setMaking(false)} />}
    </section>
  );
}

function ChatRow({ entry, isOpen }: { entry: Entry; isOpen: boolean }) {
  const { peer, petname, group, unread, waiting, has_draft: hasDraft, invited } = entry;
  const isHere = peers.value.value?.peers.some((one) => one.node_id === peer && one.sessions > 0);
  return (
    <li>
      <a
        class="list-row"
        href={placeLink("chats", peer)}
        {...(isOpen ? { "aria-current": "true" as const } : {})}
      >
        <Avatar id={peer} name={group ?? plainName(peer, petname)} here={isHere === true} />
        <span class="grow two-lines">
          <strong>
            {group === undefined ? <Name id={peer} petname={petname} /> : <Other text={group} />}
          </strong>
          <small class="muted">
            {invited
              ? t("group.invites_you")
              : hasDraft
              ? t("chat.has_draft")
              : waiting > 0
              ? tn("chat.waiting", waiting)
              : group !== undefined
              ? t("group.group")
              : isHere
              ? t("state.here")
              : t("state.away")}
          </small>
        </span>
        {unread > 0 && (
          <span class="count">
            {unread}
            <span class="unseen">{t("chat.unread")}</span>
          </span>
        )}
        {invited && <Badge tone="warn">{t("group.invited")}</Badge>}
      </a>
    </li>
  );
}

function Found({ text }: { text: string }) {
  const [found, setFound] = useState<SearchView | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    let isShown = true;
    const timer = setTimeout(() => {
      get<SearchView>("/m/messaging/search", { text, limit: FOUND }).then(
        (view) => {
          if (!isShown) return;
          setFound(view);
          setFailure(null);
        },
        (error) => isShown && setFailure(error),
      );
    }, SEARCH_AFTER_MS);
    return () => {
      isShown = false;
      clearTimeout(timer);
    };
  }, [text]);
  if (failure !== null) return <p class="failure" role="alert">{errorText(failure)}</p>;
  if (found === null) return <Loading />;
  return (
    <>
      <p class="muted" role="status">
        {found.messages.length === 0
          ? t("chat.nothing_found")
          : tn("chat.found", found.messages.length)}
      </p>
      <ul class="list">
        {found.messages.map((message) => (
          <li key={message.id}>
            <a class="list-row" href={placeLink("chats", `${message.conversation}@${message.id}`)}>
              <span class="sign">
                <Icon name="chat" />
              </span>
              <span class="grow two-lines">
                <strong>
                  {message.group === undefined
                    ? <Name id={message.conversation} />
                    : <Other text={message.group} />}
                  <small class="muted when">{formatWhen(message.sent_at)}</small>
                </strong>
                <small class="clamp">
                  <Other text={message.text.slice(0, 200)} />
                </small>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
