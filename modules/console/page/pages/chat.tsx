/**
 * One conversation.
 *
 * @module
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { GroupView } from "../../../../protocol/groups_api.ts";
import type { HistoryMessage } from "../../../../protocol/messaging_api.ts";
import { ApiError, post } from "../api.ts";
import { Conversation } from "../conversation.ts";
import { shown } from "../format.ts";
import { Composer, type Writing } from "../parts/composer.tsx";
import { dropFiles, FileTray } from "../parts/file_tray.tsx";
import { Icon } from "../parts/icons.tsx";
import type { MessageActions } from "../parts/message.tsx";
import { MessageList, showMessage } from "../parts/message_list.tsx";
import {
  Button,
  ConfirmDialog,
  Empty,
  errorText,
  Loading,
  notify,
  Other,
  useAction,
} from "../parts/ui.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { placeLink } from "../router.ts";
import { isOwner } from "../session.ts";
import { conversations, groups, onEvent, peers, status } from "../store.ts";
import { t, tn, tx } from "../language.ts";
import { GroupDialog, reloadGroups } from "./group.tsx";

/** @param message The one to show, or `null` for the newest. */
export function Chat({ peer, message }: { peer: string; message: string | null }) {
  const conversation = useMemo(() => new Conversation(peer), [peer]);
  const list = useRef<HTMLDivElement>(null);
  const [writing, setWriting] = useState<Writing>({ kind: "new" });
  const [removing, setRemoving] = useState<HistoryMessage | null>(null);
  const own = status.want()?.node_id ?? "";
  useEffect(() => {
    void conversation.open();
    const end = onEvent((event) => conversation.hear(event));
    return () => {
      end();
      conversation.close();
    };
  }, [conversation]);
  useReading(conversation);
  const actions = useMemo<MessageActions>(() => ({
    canWrite: isOwner(),
    find: (id) => conversation.find(id),
    show: (id) => void show(conversation, list.current!, id),
    reply: (to) => setWriting({ kind: "reply", to }),
    edit: (of) => setWriting({ kind: "edit", of }),
    remove: setRemoving,
    react: (of, reaction) => void react(conversation, { of, reaction, own }),
  }), [conversation, own]);
  const isOpened = conversation.head.value !== null;
  useEffect(() => {
    if (message !== null && isOpened && list.current !== null) {
      void show(conversation, list.current, message);
    }
  }, [message, isOpened]);
  const failure = conversation.failed.value;
  if (failure !== null && !isOpened) {
    return (
      <Empty icon="warn" title={errorText(failure)}>
        <Button onClick={() => void conversation.open()}>{t("app.again")}</Button>
      </Empty>
    );
  }
  const group = groups.want()?.groups.find((one) => one.group === peer);
  if (!isOpened && group?.stage !== "invited") return <Loading />;
  const view = peers.want()?.peers.find((one) => one.node_id === peer);
  const blocked = (view?.blocked_since ?? null) !== null;
  const canWrite = isOwner() && !blocked && (group === undefined || group.stage === "joined");
  return (
    <Dropping isOn={canWrite && group === undefined} peer={peer}>
      <ChatHead peer={peer} group={group} isHere={(view?.sessions ?? 0) > 0} />
      {group?.stage === "invited" && <Invited group={group.group} inviter={group.inviter} />}
      {conversation.count === 0 && group?.stage !== "invited" && (
        <p class="day">{group === undefined ? t("chat.first") : t("group.first")}</p>
      )}
      <MessageList conversation={conversation} own={own} actions={actions} list={list} />
      <p class="typing muted" role="status">
        {conversation.typing.value !== null &&
          tx("chat.typing", { name: <Name id={conversation.typing.value} /> })}
      </p>
      {group === undefined && <FileTray peer={peer} />}
      {canWrite
        ? (
          <Composer
            conversation={conversation}
            writing={writing}
            onDone={() => setWriting({ kind: "new" })}
            canAttach={group === undefined}
          />
        )
        : group?.stage !== "invited" && (
          <p class="composer-closed muted">
            {blocked ? t("chat.blocked") : t(isOwner() ? "group.closed" : "chat.viewer")}
          </p>
        )}
      {removing !== null && (
        <ConfirmDialog
          title={t("chat.remove")}
          confirm={t("chat.remove")}
          danger
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await post("/m/messaging/remove", { peer, id: removing.id });
            conversation.refresh();
          }}
        >
          <p>{t("chat.remove_means")}</p>
        </ConfirmDialog>
      )}
    </Dropping>
  );
}

/** Notes as read what is seen: while the conversation is open and the window is too. */
function useReading(conversation: Conversation): void {
  const unread = conversation.head.value?.unread ?? 0;
  useEffect(() => {
    if (unread === 0 || !isOwner()) return;
    const read = () => {
      if (document.visibilityState !== "visible") return;
      conversation.read().then(() => conversations.load(), () => undefined);
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [unread, conversation]);
}

async function show(conversation: Conversation, list: HTMLElement, id: string): Promise<void> {
  if (!await conversation.readUpTo(id)) return notify(t("chat.not_there"), "warn");
  const at = conversation.blocks.value.findIndex(({ messages }) =>
    messages.some((message) => message.id === id)
  );
  await showMessage(list, at, id);
}

async function react(
  conversation: Conversation,
  { of, reaction, own }: { of: HistoryMessage; reaction: string; own: string },
): Promise<void> {
  const isTakenBack = of.reactions?.[own] === reaction;
  try {
    await post("/m/messaging/react", {
      peer: conversation.peer,
      id: of.id,
      reaction: isTakenBack ? "" : reaction,
    });
    conversation.refresh();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notify(errorText(error), "bad");
  }
}

function ChatHead(
  { peer, group, isHere }: { peer: string; group: GroupView | undefined; isHere: boolean },
) {
  const [isOpen, setOpen] = useState(false);
  const name = group?.name ?? plainName(peer);
  const about = (
    <>
      <Avatar id={peer} name={name} here={isHere} />
      <span class="two-lines grow">
        <strong>{group === undefined ? <Name id={peer} /> : <Other text={group.name} />}</strong>
        <small class="muted">
          {group !== undefined
            ? tn("group.members", group.members.filter(({ state }) => state === "member").length)
            : isHere
            ? t("state.here")
            : t("state.away")}
        </small>
      </span>
    </>
  );
  return (
    <header class="chat-head">
      <h1 class="unseen" tabIndex={-1}>{shown(name)}</h1>
      <a class="button quiet bare chat-back" href={placeLink("chats")} aria-label={t("app.back")}>
        <Icon name="back" />
      </a>
      {group === undefined
        ? <a class="chat-who" href={placeLink("people", peer)}>{about}</a>
        : <button type="button" class="chat-who" onClick={() => setOpen(true)}>{about}</button>}
      {isOpen && group !== undefined && (
        <GroupDialog
          group={group}
          onClose={() => setOpen(false)}
        />
      )}
    </header>
  );
}

function Invited({ group, inviter }: { group: string; inviter: string }) {
  const action = useAction();
  const answer = (path: string, done: string) =>
    action.run(async () => {
      await post(`/m/messaging/groups/${path}`, { group });
      await reloadGroups();
    }, done);
  return (
    <div class="card calm invited">
      <p>{tx("group.invited_by", { name: <Name id={inviter} /> })}</p>
      <p class="muted">{t("group.accept_means")}</p>
      <div class="row">
        <Button
          kind="primary"
          busy={action.busy}
          onClick={() => answer("accept", t("group.accepted"))}
        >
          {t("group.accept")}
        </Button>
        <Button busy={action.busy} onClick={() => answer("decline", t("group.declined"))}>
          {t("group.decline")}
        </Button>
      </div>
    </div>
  );
}

/** Takes files that are dropped on the conversation. */
function Dropping(
  { isOn, peer, children }: { isOn: boolean; peer: string; children: ComponentChildren },
) {
  const [isOver, setOver] = useState(false);
  const depth = useRef(0);
  const hasFiles = (event: DragEvent) => isOn && event.dataTransfer?.types.includes("Files");
  const enter = (by: number) => (event: DragEvent) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  return (
    <div
      class="chat"
      onDragEnter={enter(1)}
      onDragLeave={enter(-1)}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        void dropFiles(peer, [...event.dataTransfer!.files]);
      }}
    >
      {children}
      {isOver && (
        <div class="drop-sign">
          <Icon name="upload" size={40} />
          <p>{t("files.drop_here")}</p>
        </div>
      )}
    </div>
  );
}
