/**
 * A small map of the people around this node, and the same as a table for those who do not see it.
 *
 * @module
 */
import type { StatusView } from "../../../../protocol/admin_api.ts";
import { placeLink } from "../router.ts";
import { t, tn } from "../language.ts";
import { Table } from "./ui.tsx";
import { Avatar, initialOf, Name, plainName } from "./who.tsx";

const MOST = 16;
const WIDTH = 440;
const RADIUS_X = 160;
/** Half of the room that names around the circle need. */
const MARGIN = 44;

type Link = "quantum" | "classic" | "away";

interface Dot {
  readonly id: string;
  readonly petname: string | null;
  readonly link: Link;
  readonly method: string | null;
  readonly epoch: number | null;
}

function dotsOf({ peers, sessions }: StatusView): Dot[] {
  const dots = peers.filter(({ standing }) => standing === "allowed").map((peer): Dot => {
    const session = sessions.find((one) => one.peer === peer.node_id && one.state === "confirmed");
    return {
      id: peer.node_id,
      petname: peer.petname,
      link: session === undefined ? "away" : session.post_quantum ? "quantum" : "classic",
      method: session?.method ?? null,
      epoch: session?.epoch ?? null,
    };
  });
  const order = { quantum: 0, classic: 1, away: 2 };
  return dots.toSorted((a, b) => order[a.link] - order[b.link]);
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length > 14 ? `${characters.slice(0, 13).join("")}…` : text;
}

export function PeerMap({ status }: { status: StatusView }) {
  const dots = dotsOf(status);
  const shownDots = dots.slice(0, MOST);
  const radiusY = Math.min(112, 24 * shownDots.length);
  const height = 2 * (radiusY + MARGIN);
  const [x0, y0] = [WIDTH / 2, height / 2 - 8];
  const spots = shownDots.map((dot, at) => {
    const angle = 2 * Math.PI * at / shownDots.length;
    return { dot, x: x0 + RADIUS_X * Math.cos(angle), y: y0 + radiusY * Math.sin(angle) };
  });
  if (dots.length === 0) return <p class="muted">{t("start.nobody_known")}</p>;
  return (
    <>
      <svg class="map" viewBox={`0 0 ${WIDTH} ${height}`} aria-hidden="true">
        {spots.map(({ dot, x, y }) => (
          <line key={dot.id} class={`link ${dot.link}`} x1={x0} y1={y0} x2={x} y2={y} />
        ))}
        <circle class="self" cx={x0} cy={y0} r="24" />
        <text class="self-text" x={x0} y={y0 + 5} text-anchor="middle">{t("network.you")}</text>
        {spots.map(({ dot, x, y }) => (
          <g key={dot.id} class={`dot ${dot.link}`} transform={`translate(${x} ${y})`}>
            <circle r="15" />
            <text class="initial" y="5" text-anchor="middle">
              {initialOf(plainName(dot.id, dot.petname))}
            </text>
            <text class="name" y="32" text-anchor="middle">
              {cut(plainName(dot.id, dot.petname))}
            </text>
          </g>
        ))}
      </svg>
      <ul class="legend">
        <li>
          <span class="key quantum" /> {t("network.post_quantum")}
        </li>
        <li>
          <span class="key classic" /> {t("network.classic")}
        </li>
        <li>
          <span class="key away" /> {t("state.away")}
        </li>
      </ul>
      {dots.length > MOST && <p class="hint">{tn("network.more_people", dots.length - MOST)}</p>}
      <details>
        <summary>{t("network.as_table")}</summary>
        <Table
          label={t("network.map")}
          heads={[
            t("network.with"),
            t("network.state"),
            t("network.method"),
            t("network.epoch"),
          ]}
        >
          {dots.map((dot) => (
            <tr key={dot.id}>
              <th scope="row">
                <a class="with-avatar" href={placeLink("people", dot.id)}>
                  <Avatar id={dot.id} name={plainName(dot.id, dot.petname)} size={24} />
                  <Name id={dot.id} petname={dot.petname} />
                </a>
              </th>
              <td>
                {dot.link === "away"
                  ? t("state.away")
                  : t(dot.link === "quantum" ? "network.post_quantum" : "network.classic")}
              </td>
              <td>{dot.method ?? "–"}</td>
              <td>{dot.epoch ?? "–"}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}
