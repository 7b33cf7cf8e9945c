/**
 * The messages of a conversation. Only blocks near what is seen are drawn; the others keep their room.
 *
 * @module
 */
import { memo } from "preact/compat";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { HistoryMessage } from "../../../../protocol/messaging_api.ts";
import type { Block } from "../blocks.ts";
import type { Conversation } from "../conversation.ts";
import { formatDay } from "../format.ts";
import { t } from "../language.ts";
import { Message, type MessageActions } from "./message.tsx";

const NEAR = "700px 0px";
const GUESSED_HEIGHT = 68;
const BLOCKS_PER_FRAME = 2;
/** Who is so near the end stays there when something comes. */
const AT_END_PX = 80;

/** @param height Of the element, as it was seen without asking for it. */
type Take = (isNear: boolean, height: number) => void;
type Watch = (element: Element, take: Take) => () => void;

/** One observer for all blocks, which has few of them drawn in one frame, so that none takes long. */
function makeWatch(root: Element): { watch: Watch; end: () => void } {
  const takers = new Map<Element, Take>();
  const waiting = new Map<Element, IntersectionObserverEntry>();
  const near = new Set<Element>();
  let frame = 0;
  const takeSome = () => {
    frame = 0;
    // What came last is what is looked at: who scrolls fast has left the others behind.
    for (const [element, entry] of [...waiting].slice(-BLOCKS_PER_FRAME)) {
      waiting.delete(element);
      if (entry.isIntersecting) near.add(element);
      else near.delete(element);
      takers.get(element)?.(entry.isIntersecting, entry.boundingClientRect.height);
    }
    if (waiting.size > 0) frame = requestAnimationFrame(takeSome);
  };
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      waiting.delete(entry.target);
      if (entry.isIntersecting || near.has(entry.target)) waiting.set(entry.target, entry);
    }
    if (frame === 0 && waiting.size > 0) frame = requestAnimationFrame(takeSome);
  }, { root, rootMargin: NEAR });
  return {
    watch(element, take) {
      takers.set(element, take);
      observer.observe(element);
      return () => {
        takers.delete(element);
        waiting.delete(element);
        near.delete(element);
        observer.unobserve(element);
      };
    },
    end: () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    },
  };
}

interface BlockOptions {
  readonly block: Block;
  readonly previous: HistoryMessage | null;
  readonly watch: Watch;
  readonly actions: MessageActions;
  readonly isLast: boolean;
  readonly own: string;
  readonly isGroup: boolean;
}

const BlockView = memo(function BlockView(
  { block, previous, watch, actions, isLast, own, isGroup }: BlockOptions,
) {
  const ref = useRef<HTMLDivElement>(null);
  const height = useRef(GUESSED_HEIGHT * block.messages.length);
  const [isNear, setNear] = useState(isLast);
  useEffect(() =>
    watch(ref.current!, (near, tall) => {
      if (!near && isShown.current) height.current = tall;
      setNear(near);
    }), [watch]);
  const isDrawn = isNear || isLast;
  const isShown = useRef(isDrawn);
  isShown.current = isDrawn;
  return (
    <div
      ref={ref}
      class="block"
      style={isDrawn ? { minHeight: "" } : { minHeight: `${height.current}px` }}
    >
      {isDrawn && block.messages.map((message, at) => {
        const before = at === 0 ? previous : block.messages[at - 1]!;
        const isNewDay = before === null ||
          new Date(before.sent_at).toDateString() !== new Date(message.sent_at).toDateString();
        return (
          <div key={message.id} role="listitem" data-id={message.id}>
            {isNewDay && <p class="day">{formatDay(message.sent_at)}</p>}
            <Message
              message={message}
              isOwn={message.from === own}
              showsAuthor={isGroup && message.from !== own &&
                (isNewDay || before?.from !== message.from)}
              actions={actions}
            />
          </div>
        );
      })}
    </div>
  );
});

/** Scrolls to a message once it is drawn, and marks it for a moment. */
export async function showMessage(list: HTMLElement, at: number, id: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const found = list.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
    if (found !== null) {
      found.scrollIntoView({ block: "center" });
      found.classList.add("found");
      setTimeout(() => found.classList.remove("found"), 2_000);
      return;
    }
    list.querySelectorAll(".block")[at]?.scrollIntoView({ block: "center" });
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

export function MessageList(
  { conversation, own, actions, list }: {
    conversation: Conversation;
    own: string;
    actions: MessageActions;
    list: RefObject<HTMLDivElement | null>;
  },
) {
  const top = useRef<HTMLDivElement>(null);
  const [watching, setWatching] = useState<ReturnType<typeof makeWatch> | null>(null);
  const isAtEnd = useRef(true);
  const blocks = conversation.blocks.value;
  const last = blocks.at(-1)?.messages.at(-1);
  useEffect(() => {
    const made = makeWatch(list.current!);
    setWatching(made);
    return made.end;
  }, []);
  useEffect(() => {
    if (watching === null || top.current === null) return;
    let isNear = false;
    let isOver = false;
    const readOn = async () => {
      while (isNear && !isOver && await conversation.readOlder()) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const end = watching.watch(top.current, (near) => {
      isNear = near;
      if (near) void readOn();
    });
    return () => {
      isOver = true;
      end();
    };
  }, [watching, conversation, conversation.hasOlder.value]);
  const first = blocks[0]?.key;
  const formerFirst = useRef(first);
  useLayoutEffect(() => {
    const at = blocks.findIndex(({ key }) => key === formerFirst.current);
    formerFirst.current = first;
    const element = list.current!;
    // Browsers keep what is seen in its place but where the list stands at its very top.
    if (at <= 0 || element.scrollTop > 0) return;
    const former = element.querySelectorAll<HTMLElement>(".block")[at];
    if (former !== undefined) element.scrollTop = former.offsetTop;
  }, [first]);
  useLayoutEffect(() => {
    const element = list.current!;
    if (isAtEnd.current || last?.from === own) element.scrollTop = element.scrollHeight;
  }, [last?.id, watching]);
  return (
    <div
      ref={list}
      class="messages"
      tabIndex={0}
      aria-label={t("chat.messages")}
      role="log"
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < AT_END_PX;
      }}
    >
      {conversation.hasOlder.value && (
        <div ref={top} class="older muted" aria-hidden="true">{t("chat.older")}</div>
      )}
      <div role="list" class="message-rows">
        {watching !== null && blocks.map((block, at) => (
          <BlockView
            key={block.key}
            block={block}
            previous={blocks[at - 1]?.messages.at(-1) ?? null}
            watch={watching.watch}
            actions={actions}
            isLast={at >= blocks.length - 2}
            own={own}
            isGroup={conversation.group !== null}
          />
        ))}
      </div>
    </div>
  );
}
