import { html, Html } from '@soundstage/html';
import { amount } from './words.js';

const WIDTH = 480;
const LEFT = 78;
const FRAME = 30;
const FRAMES = 13;
/** The frame in which something is seen: the lips open. */
const EVENT_FRAME = 5;
const STRIP_TOP = 10;
const SOUND_MIDDLE = 118;
const ARROW_Y = 72;
const BAR = 5;
/** An offset of so much is drawn a frame wide; larger ones grow ever less, and stay in the picture. */
const SHORTEST_SHIFT = 24;
const LONGEST_SHIFT = 118;

/**
 * What the sign of an offset means: the picture above, its sound below, an arrow from what is seen to where it is heard.
 * It is drawn not to scale. Colours come from the page, or from `standalone`.
 */
export function signPicture(offsetMs: number): Html {
  return html`<svg class="sign" viewBox="0 0 ${WIDTH} 150" role="img" aria-label="${signInWords(offsetMs)}">
    ${drawing(offsetMs)}
  </svg>`;
}

/** What the picture shows, in words. */
export function signInWords(offsetMs: number): string {
  const whole = Math.round(offsetMs);
  if (whole === 0) return 'Picture above, sound below: what is seen is heard at the same moment.';
  return `Picture above, sound below: what is seen is heard ${amount(whole)} ${whole > 0 ? 'later' : 'earlier'}. The offset is ${whole > 0 ? 'positive' : 'negative'}.`;
}

/** The picture for the documentation: both signs, in colours of its own, for light and dark pages. */
export function standaloneSigns(): string {
  const row = (y: number, words: string, offsetMs: number) =>
    html`<g transform="translate(20 ${y})"
      ><text class="title" x="0" y="0">${words}</text><g transform="translate(0 14)">${drawing(offsetMs)}</g></g
    >`;
  const style = `
    .ground { fill: #f2f4f1 } .title { fill: #11201f; font-weight: 600; font-size: 15px }
    text { font: 13px system-ui, sans-serif; fill: #51605d } .amount { fill: #b0271f; font-weight: 700; font-size: 15px }
    .frame { fill: #0b1213; stroke: #f2f4f1 } .seen { fill: #162123; stroke: #b0271f; stroke-width: 3 }
    .lips { stroke: #9fb0ae; stroke-width: 2; fill: none } .open { fill: #ff6a58; stroke: #ff6a58 }
    .wave { fill: #00666f } .quiet { opacity: 0.45 } .link { stroke: #b0271f; stroke-width: 1.5; stroke-dasharray: 3 4 }
    .arrow { stroke: #b0271f; stroke-width: 2.5; fill: none }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #131b1c } .title { fill: #e6eeec } text { fill: #a2b3b0 } .amount { fill: #ff8273 }
      .frame { stroke: #131b1c; fill: #080d0e } .seen, .link, .arrow { stroke: #ff8273 } .wave { fill: #5ed4dd }
    }`;
  return `${html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 520 400"
    role="img"
    aria-label="The sign of an offset. Positive: the sound comes later than the picture. Negative: the sound comes earlier."
  >
    <style>
      ${new Html(style)}
    </style>
    <rect class="ground" width="520" height="400" rx="10" />
    ${row(32, 'offset_ms = +120: the sound comes late', 120)}
    ${row(222, 'offset_ms = −120: the sound comes early', -120)}
  </svg>`.text.replace(/>\s+</g, '>\n<')}\n`;
}

function drawing(offsetMs: number): Html {
  const whole = Math.round(offsetMs);
  const seenX = LEFT + (EVENT_FRAME + 0.5) * FRAME;
  const shift =
    Math.sign(whole) * (SHORTEST_SHIFT + (LONGEST_SHIFT - SHORTEST_SHIFT) * (1 - Math.exp(-Math.abs(whole) / 300)));
  const heardX = round(seenX + (whole === 0 ? 0 : shift));
  const end = LEFT + FRAMES * FRAME;
  return html`<text x="0" y="${STRIP_TOP + 24}">Picture</text>
    ${Array.from({ length: FRAMES }, (_, i) => frame(i))}
    <text x="0" y="${SOUND_MIDDLE + 5}">Sound</text>
    ${Array.from({ length: Math.floor((end - LEFT) / (BAR + 2)) }, (_, i) => bar(i, heardX))}
    <path class="link" d="M${seenX} ${STRIP_TOP + 42}V${SOUND_MIDDLE + 26}" />
    ${whole === 0 ? html`` : arrow(seenX, heardX, amount(whole))}`;
}

function frame(index: number): Html {
  const x = LEFT + index * FRAME;
  const isEvent = index === EVENT_FRAME;
  const [middleX, middleY] = [x + FRAME / 2, STRIP_TOP + 19];
  return html`<rect class="frame ${isEvent && 'seen'}" x="${x}" y="${STRIP_TOP}" width="${FRAME}" height="38" rx="3" />
    ${
      isEvent
        ? html`<ellipse class="lips open" cx="${middleX}" cy="${middleY}" rx="7" ry="8" />`
        : html`<path class="lips" d="M${middleX - 6} ${middleY}q6 3 12 0" />`
    }`;
}

/** A quiet ground, and the burst that is heard: a decay, as a syllable has one. */
function bar(index: number, heardX: number): Html {
  const x = LEFT + index * (BAR + 2);
  const since = x + BAR / 2 - heardX;
  const burst = since > -BAR - 1 ? 25 * Math.exp(-Math.max(0, since) / 26) : 0;
  const ripple = 0.65 + 0.35 * Math.abs(Math.sin(index * 2.4));
  const height = Math.max(1.5 + 1.5 * Math.abs(Math.sin(index * 1.7)), burst * ripple);
  return html`<rect
    class="wave ${burst < 4 && 'quiet'}"
    x="${x}"
    y="${round(SOUND_MIDDLE - height)}"
    width="${BAR}"
    height="${round(2 * height)}"
    rx="2"
  />`;
}

function arrow(fromX: number, toX: number, words: string): Html {
  const head = Math.sign(toX - fromX) * 7;
  const right = Math.max(fromX, toX);
  return html`<path class="link" d="M${toX} ${ARROW_Y - 8}V${SOUND_MIDDLE - 26}" />
    <path class="arrow" d="M${fromX} ${ARROW_Y}H${toX}m${-head} -5l${head} 5l${-head} 5" />
    <text class="amount" x="${right + 10}" y="${ARROW_Y + 5}">${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
