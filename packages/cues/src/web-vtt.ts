import type { CueSheet } from './cue-sheet.js';

/** Players show a hit about so long; shorter and nobody can read it. */
const SHOWN_S = 0.4;

/**
 * A cue sheet as WebVTT metadata and captions for players: one cue for each hit and each layer that sounds, `[wood]`.
 * Its ids are those of the sheet. https://www.w3.org/TR/webvtt1/
 */
export function toWebVtt({ video, hits, layers }: CueSheet): string {
  const cues = [
    ...layers.filter(({ muted }) => !muted).map((layer) => ({ ...layer, text: `[${layer.class}]` })),
    ...hits
      .filter(({ muted }) => !muted)
      .map((hit, index, all) => ({
        id: hit.id,
        startS: hit.timeS,
        endS: Math.min(hit.timeS + SHOWN_S, all[index + 1]?.timeS ?? Infinity, video.durationS),
        text: `[${hit.class}]`,
      })),
  ]
    .filter(({ startS, endS }) => Math.round(endS * 1000) > Math.round(startS * 1000))
    .sort((a, b) => a.startS - b.startS);
  const written = cues.map(
    ({ id, startS, endS, text }) => `${plain(id)}\n${clock(startS)} --> ${clock(endS)}\n${plain(text)}\n`,
  );
  return `WEBVTT\n\n${written.join('\n')}`;
}

/** An arrow or a line break would end what it stands in. */
function plain(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function clock(timeS: number): string {
  const ms = Math.round(timeS * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [
    Math.floor(ms / 3_600_000),
    Math.floor(ms / 60_000) % 60,
    Math.floor(ms / 1000) % 60,
  ];
  return `${two(hours)}:${two(minutes)}:${two(seconds)}.${String(ms % 1000).padStart(3, '0')}`;
}
