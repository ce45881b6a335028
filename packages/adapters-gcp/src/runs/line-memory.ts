import type { LogPiece } from './log-lines.js';

/** As a line may be at most. */
const LINE_MAX = 64 * 1024;
/** Lines of so many of the newest seconds are remembered: the API takes whole seconds only. */
const REMEMBERED_S = 2;

/** Puts lines together over several answers of a log, each line told once. */
export interface LineMemory {
  /** The lines, or parts of long ones, that are new in a piece of an answer. */
  take(piece: LogPiece): string[];
  /** A new answer begins; where from it is to be asked for, or undefined for the log's start. */
  again(): string | undefined;
  /** What stands after the last line break, when nothing more comes. */
  rest(): string[];
}

/**
 * What has been told is recognised by its time stamps, in nanoseconds, of which it is remembered how many lines bore
 * each. A log that was rotated meanwhile lacks some of them, which does no harm.
 */
export function createLineMemory(): LineMemory {
  /** By second, then by time stamp: how many lines were told. */
  const told = new Map<string, Map<string, number>>();
  /** What is left to be recognised in this answer. */
  let known = new Map<string, number>();
  /** What is older is neither remembered nor asked for again. */
  let oldest = '';
  /** The line that is being told: how many of its characters were, the rest that waits for more. */
  let open: { time: string; toldChars: number; waiting: string } | undefined;
  /** The same, from an answer that broke off in the middle of it. */
  let broken: { time: string; toldChars: number } | undefined;
  /** Characters of the current line that are known, Infinity for all. */
  let skip = 0;

  function begin(time: string): void {
    const left = known.get(time) ?? 0;
    if (left > 0) {
      known.set(time, left - 1);
      [skip, open] = [Infinity, undefined];
      return;
    }
    skip = broken?.time === time ? broken.toldChars : 0;
    open = { time, toldChars: skip, waiting: '' };
    broken = undefined;
  }

  function text(more: string): string[] {
    if (!open) return [];
    const fresh = skip === 0 ? more : more.slice(skip);
    skip = Math.max(0, skip - more.length);
    open.waiting += fresh;
    const parts: string[] = [];
    // A line without an end, from a broken program, must not fill the memory.
    for (; open.waiting.length > LINE_MAX; open.waiting = open.waiting.slice(LINE_MAX)) {
      parts.push(open.waiting.slice(0, LINE_MAX));
      open.toldChars += LINE_MAX;
    }
    return parts;
  }

  function end(): string[] {
    if (!open) return [];
    const { time, toldChars, waiting } = open;
    open = undefined;
    remember(time);
    const last = waiting.endsWith('\r') ? waiting.slice(0, -1) : waiting;
    // An empty line is a line; the empty end of a long one is none.
    return last === '' && toldChars > 0 ? [] : [last];
  }

  function remember(time: string): void {
    const second = secondOf(time);
    // The two streams of a program may be a little out of order.
    if (second < oldest) return;
    const times = told.get(second) ?? new Map<string, number>();
    told.set(second, times.set(time, (times.get(time) ?? 0) + 1));
    const seconds = [...told.keys()].sort();
    for (const old of seconds.slice(0, -REMEMBERED_S)) told.delete(old);
    oldest = seconds.at(-REMEMBERED_S) ?? oldest;
  }

  return {
    take(piece) {
      if (piece.type === 'text') return text(piece.text);
      if (piece.type === 'end') return end();
      begin(piece.time);
      return [];
    },

    again() {
      if (open) broken = { time: open.time, toldChars: open.toldChars };
      [open, skip] = [undefined, 0];
      known = new Map([...told.values()].flatMap((times) => [...times]));
      return [...told.keys()].sort()[0] ?? (broken && secondOf(broken.time));
    },

    rest: end,
  };
}

/** The second of a time stamp: `2026-01-02T03:04:05Z`. */
function secondOf(time: string): string {
  return time.replace(/\.\d+/, '');
}
