/**
 * One message.
 *
 * @module
 */
import { memo } from "preact/compat";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { DeliveryState, HistoryMessage } from "../../../../protocol/messaging_api.ts";
import { formatDate, formatTime, shown } from "../format.ts";
import { t, tn, tx, type WordKey } from "../language.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Button, Dialog, Other } from "./ui.tsx";
import { Name } from "./who.tsx";

/** What somebody can do with a message. */
export interface MessageActions {
  find(id: string): HistoryMessage | null;
  show(id: string): void;
  reply(message: HistoryMessage): void;
  edit(message: HistoryMessage): void;
  remove(message: HistoryMessage): void;
  react(message: HistoryMessage, reaction: string): void;
  readonly canWrite: boolean;
}

const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🙏"] as const;

const URL_TEXT = /https:\/\/[^\s<>"'\p{Cc}]+[^\s<>"'.,;:!?)\]}\p{Cc}]/gu;

/** A text with its links; nothing of where they lead is asked for. */
function LinkedText({ text }: { text: string }) {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(URL_TEXT)) {
    if (!URL.canParse(found)) continue;
    parts.push(
      shown(text.slice(at, index)),
      <a href={new URL(found).href} target="_blank" rel="noopener noreferrer">{shown(found)}</a>,
    );
    at = index + found.length;
  }
  return <bdi class="text">{parts}{shown(text.slice(at))}</bdi>;
}

const STATES: readonly DeliveryState[] = ["given_up", "waiting", "sent", "delivered", "read"];
const STATE_ICONS: Readonly<Record<DeliveryState, IconName>> = {
  given_up: "warn",
  waiting: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
};

/** How far a message has come with the recipient who has it least. */
function leastState(states: readonly DeliveryState[]): DeliveryState {
  return STATES.find((state) => states.includes(state)) ?? "waiting";
}

function States({ message }: { message: HistoryMessage }) {
  const [isOpen, setOpen] = useState(false);
  const entries = Object.entries(message.state);
  if (entries.length === 0) return null;
  const state = leastState(entries.map(([, one]) => one));
  const label = t(`delivery.${state}`);
  if (entries.length === 1) {
    return (
      <span class={`delivery ${state}`} title={label}>
        <Icon name={STATE_ICONS[state]} size={15} />
        <span class="unseen">{label}</span>
      </span>
    );
  }
  const read = entries.filter(([, one]) => one === "read").length;
  return (
    <>
      <button type="button" class={`delivery ${state}`} onClick={() => setOpen(true)}>
        <Icon name={STATE_ICONS[state]} size={15} />
        <span>{t("delivery.of", { read, all: entries.length })}</span>
      </button>
      {isOpen && (
        <Dialog title={t("delivery.title")} onClose={() => setOpen(false)}>
          <ul class="list">
            {entries.map(([id, one]) => (
              <li key={id} class="list-row">
                <span class="grow">
                  <Name id={id} />
                </span>
                <span class={`delivery ${one}`}>
                  <Icon name={STATE_ICONS[one]} size={16} /> {t(`delivery.${one}`)}
                </span>
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </>
  );
}

function Quote({ id, actions }: { id: string | null; actions: MessageActions }) {
  const found = id === null ? null : actions.find(id);
  if (found === null) return <p class="quoted muted">{t("chat.reply_missing")}</p>;
  return (
    <button type="button" class="quoted" onClick={() => actions.show(found.id)}>
      <strong>
        <Name id={found.from} />
      </strong>{" "}
      <Other text={found.removed ? t("chat.removed") : found.text.slice(0, 140)} />
    </button>
  );
}

function goneText(message: HistoryMessage): WordKey | null {
  if (message.removed) return "chat.removed";
  if (message.expired) return "chat.expired";
  return message.damaged ? "chat.damaged" : null;
}

function Reactions({ message, actions }: { message: HistoryMessage; actions: MessageActions }) {
  const given = Object.entries(message.reactions ?? {});
  if (given.length === 0) return null;
  const counts = new Map<string, number>();
  for (const [, reaction] of given) counts.set(reaction, (counts.get(reaction) ?? 0) + 1);
  return (
    <div class="reactions">
      {[...counts].map(([reaction, count]) => (
        <button
          key={reaction}
          type="button"
          disabled={!actions.canWrite}
          aria-label={tn("chat.reacted", count, { reaction: shown(reaction) })}
          onClick={() => actions.react(message, reaction)}
        >
          <Other text={reaction} /> {count > 1 && count}
        </button>
      ))}
    </div>
  );
}

function Actions(
  { message, isOwn, actions, onClose }: {
    message: HistoryMessage;
    isOwn: boolean;
    actions: MessageActions;
    onClose: () => void;
  },
) {
  const act = (work: (message: HistoryMessage) => void) => () => {
    onClose();
    work(message);
  };
  return (
    <Dialog title={t("chat.actions")} onClose={onClose}>
      <div class="row reactions-row" role="group" aria-label={t("chat.react")}>
        {REACTIONS.map((reaction) => (
          <button
            key={reaction}
            type="button"
            class="button quiet emoji"
            aria-label={t("chat.react_with", { reaction })}
            onClick={act((of) => actions.react(of, reaction))}
          >
            {reaction}
          </button>
        ))}
      </div>
      <div class="stack">
        <Button icon="reply" onClick={act(actions.reply)}>{t("chat.reply")}</Button>
        {isOwn && (
          <>
            <Button icon="edit" onClick={act(actions.edit)}>{t("chat.edit")}</Button>
            <Button kind="danger" icon="trash" onClick={act(actions.remove)}>
              {t("chat.remove")}
            </Button>
          </>
        )}
      </div>
      <p class="hint">{tx("chat.sent_at", { when: formatDate(message.sent_at) })}</p>
    </Dialog>
  );
}

export const Message = memo(function Message(
  { message, isOwn, showsAuthor, actions }: {
    message: HistoryMessage;
    isOwn: boolean;
    showsAuthor: boolean;
    actions: MessageActions;
  },
) {
  const [isOpen, setOpen] = useState(false);
  const gone = goneText(message);
  const canAct = actions.canWrite && gone === null;
  return (
    <>
      {message.missing_before !== undefined && (
        <p class="day warn">{tn("chat.missing", message.missing_before)}</p>
      )}
      <div class={`message ${isOwn ? "own" : "theirs"}`}>
        <div class="bubble">
          {showsAuthor && (
            <p class="author">
              <Name id={message.from} />
            </p>
          )}
          {message.reply_to !== undefined && <Quote id={message.reply_to} actions={actions} />}
          {gone === null ? <LinkedText text={message.text} /> : <em class="muted">{t(gone)}</em>}
          {message.two_stories && <p class="failure">{t("chat.two_stories")}</p>}
          <p class="meta">
            {message.expires_at !== undefined && (
              <span title={t("chat.expires", { when: formatDate(message.expires_at) })}>
                <Icon name="clock" size={13} />
                <span class="unseen">
                  {t("chat.expires", { when: formatDate(message.expires_at) })}
                </span>
              </span>
            )}
            {message.edited && <span>{t("chat.edited")}</span>}
            <time dateTime={new Date(message.sent_at).toISOString()}>
              {formatTime(message.sent_at)}
            </time>
            {isOwn && gone === null && <States message={message} />}
          </p>
          <Reactions message={message} actions={actions} />
        </div>
        {canAct && (
          <button
            type="button"
            class="message-more"
            aria-label={t("chat.actions")}
            onClick={() => setOpen(true)}
          >
            <Icon name="more" size={18} />
          </button>
        )}
      </div>
      {isOpen && (
        <Actions
          message={message}
          isOwn={isOwn}
          actions={actions}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
});
