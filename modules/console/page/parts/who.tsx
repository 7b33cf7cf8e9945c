/**
 * How people are named and pictured.
 *
 * @module
 */
import { shortId } from "../format.ts";
import { peers } from "../store.ts";
import { t, tx } from "../language.ts";
import { Other } from "./ui.tsx";

/** Colours that white text can be read on. */
const HUES = [
  "#a3303a",
  "#8a4b08",
  "#5f6b00",
  "#1d7044",
  "#0b6e75",
  "#2361a8",
  "#5a4db2",
  "#8d3b8a",
];

function hueOf(id: string): string {
  let sum = 0;
  for (const character of id) sum = (31 * sum + character.codePointAt(0)!) >>> 0;
  return HUES[sum % HUES.length]!;
}

function known(id: string) {
  return peers.want()?.peers.find((peer) => peer.node_id === id) ?? null;
}

/** What somebody is called in plain text: the owner's name, else the claim in quotation marks, else the id. */
export function plainName(id: string, petname?: string | null): string {
  const peer = known(id);
  const own = petname ?? peer?.petname ?? null;
  if (own !== null) return own;
  return peer?.alias == null ? shortId(id) : t("who.claims", { alias: peer.alias });
}

/** What somebody is called; a claim stands in quotation marks, so that it is not taken for the owner's own word. */
export function Name({ id, petname }: { id: string; petname?: string | null }) {
  const peer = known(id);
  const own = petname ?? peer?.petname ?? null;
  if (own !== null) return <Other text={own} />;
  if (peer?.alias == null) return <code class="id">{shortId(id)}</code>;
  return <span>{tx("who.claims", { alias: <Other text={peer.alias} /> })}</span>;
}

/** The first letter of a name, whatever quotation marks stand before it. */
export function initialOf(name: string): string | undefined {
  return [...name.replace(/^[“«"\s]+/, "")][0]?.toUpperCase();
}

/** A round sign with the first letter of a name, in a colour of its id. */
export function Avatar(
  { id, name, here, size = 40 }: { id: string; name: string; here?: boolean; size?: number },
) {
  return (
    <span class="avatar">
      <svg width={size} height={size} viewBox="0 0 40 40" aria-hidden="true">
        <circle cx="20" cy="20" r="20" fill={hueOf(id)} />
        <text x="20" y="26" text-anchor="middle" font-size="17" fill="#fff">
          {initialOf(name) ?? "?"}
        </text>
      </svg>
      {here && <span class="here" aria-hidden="true" />}
    </span>
  );
}
