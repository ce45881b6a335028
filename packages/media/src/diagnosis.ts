import { badInput, SoundstageError } from '@soundstage/core';
import type { MediaLimits } from './limits.js';
import type { Program } from './programs.js';

/** What a line of ffmpeg's or ffprobe's log tells about why it failed. */
export type Finding =
  | 'format' // a demuxer or protocol that isn't allowed
  | 'streams'
  | 'pixels'
  | 'truncated'
  | 'disk'
  | 'memory'
  | 'signalled'
  | 'missing-part' // this build of ffmpeg lacks a codec or filter
  | 'arguments';

const PATTERNS: readonly [Finding, RegExp][] = [
  ['format', /not on whitelist/],
  ['streams', /exceeds max_streams/],
  ['pixels', /exceeds specified max pixel count|Picture size \d+x\d+ is invalid/],
  ['truncated', /partial file|ended prematurely|moov atom not found|Truncat|truncated/],
  ['disk', /No space left on device|Disk quota exceeded|File too large/],
  ['memory', /Cannot allocate memory|[Oo]ut of memory/],
  ['signalled', /received signal \d+/],
  ['missing-part', /Unknown (encoder|decoder)|No such filter/],
  [
    'arguments',
    /Unrecognized option|Option \S+ (\(.*\) )?(not found|cannot be applied)|Error splitting the argument|Error parsing (options|filterchain|global)/,
  ],
];

/** How much of the log is kept for the error's cause. */
const TAIL_LINES = 60;
const LINE_LENGTH = 400;

/** Reads the log of one process line by line; keeps its end and what it means. */
export interface Diagnosis {
  readonly findings: ReadonlySet<Finding>;
  /** The demuxer that was refused, as ffmpeg calls it. */
  readonly refusedFormat: string | undefined;
  note(line: string): void;
  tail(): string;
  /** The last line that says something, without ffmpeg's prefixes. */
  lastWords(): string;
}

export function createDiagnosis(): Diagnosis {
  const findings = new Set<Finding>();
  const lines: string[] = [];
  let refusedFormat: string | undefined;
  return {
    findings,
    get refusedFormat() {
      return refusedFormat;
    },
    note(whole) {
      const line = whole.slice(0, LINE_LENGTH);
      if (line.trim() === '') return;
      lines.push(line);
      if (lines.length > TAIL_LINES) lines.shift();
      for (const [finding, pattern] of PATTERNS) {
        if (!pattern.test(line)) continue;
        findings.add(finding);
        if (finding === 'format') refusedFormat ??= /^\[([\w,]+) @/.exec(line)?.[1];
      }
    },
    tail: () => lines.join('\n'),
    lastWords() {
      const last = lines.findLast((line) => !/^\s*(frame=|size=|video:|Last message repeated)/.test(line)) ?? '';
      return last
        .replace(/^(\[[^\]]*\]\s*)+/, '')
        .replace(/file:\/dev\/fd\/\d+:?\s*/g, '')
        .trim();
    },
  };
}

/** How a process ended, as the operating system tells. */
export interface Ending {
  program: Program;
  /** The file that was worked on, as shown to people. */
  subject: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  limits: MediaLimits;
}

/** Signals that a process earns by its own fault; the input made it. */
const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGABRT', 'SIGFPE', 'SIGILL', 'SIGBUS', 'SIGSYS', 'SIGTRAP']);

/** The error of a process that failed by itself, or undefined where it succeeded. */
export function explainEnding(ending: Ending, diagnosis: Diagnosis): SoundstageError | undefined {
  const { program, subject, code, signal, limits } = ending;
  const cause = new Error(`${program} ended with ${signal ?? `code ${code}`}\n${diagnosis.tail()}`);
  const { findings } = diagnosis;

  if (findings.has('disk')) {
    return new SoundstageError(
      'EXHAUSTED',
      `The disk became full while ${subject} was worked on: free some space and try again.`,
      { cause },
    );
  }
  if (code === 0) return undefined;
  if (signal !== null && CRASHES.has(signal)) {
    return badInput(`${subject} is damaged so that ${program} can't read it (${signal}).`, 'path', cause);
  }
  if (signal !== null || findings.has('signalled')) {
    return new SoundstageError(
      'UNAVAILABLE',
      `${program} was stopped from outside (${signal ?? 'a signal'}) while it worked on ${subject}: try again.`,
      { cause },
    );
  }
  if (findings.has('missing-part')) {
    return new SoundstageError(
      'UNAVAILABLE',
      `This ${program} can't do what is needed (${diagnosis.lastWords()}): install a full build of ffmpeg.`,
      { cause },
    );
  }
  if (findings.has('arguments'))
    return new SoundstageError('INTERNAL', `${program} didn't take its arguments: ${diagnosis.lastWords()}`, { cause });
  return badInput(explainBadInput(subject, diagnosis, limits), 'path', cause);
}

function explainBadInput(subject: string, diagnosis: Diagnosis, limits: MediaLimits): string {
  const { findings, refusedFormat } = diagnosis;
  if (findings.has('format')) {
    return `${subject} is of a kind that isn't taken${refusedFormat ? ` (${refusedFormat})` : ''}: no playlists, lists of files or drawings; bring a video such as MP4, MOV, MKV, WebM or AVI.`;
  }
  if (findings.has('streams')) return `${subject} has more than ${limits.streams} streams, which is the limit.`;
  if (findings.has('pixels'))
    return `The picture of ${subject} has more than ${limits.pixels} pixels, which is the limit, or no valid size.`;
  if (findings.has('truncated'))
    return `${subject} is cut off: a part of the file is missing. Copy or download it again.`;
  if (findings.has('memory')) return `${subject} needs more memory than the limit of ${limits.memoryBytes} bytes.`;
  const words = diagnosis.lastWords();
  return `${subject} can't be read as a video, picture or sound${words ? `: ${words}` : ''}.`.replace(/\.\.$/, '.');
}
