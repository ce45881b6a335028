import type { JobJson } from './api.js';

/** What the steps of a job are called in front of people. */
const STEPS: Record<string, { title: string; now: string }> = {
  fetch: { title: 'Fetch', now: 'Fetching the video' },
  look: { title: 'Look', now: 'Looking at the picture' },
  what: { title: 'What', now: 'Working out what could sound' },
  when: { title: 'When', now: 'Finding the moments' },
  sound: { title: 'Sound', now: 'Laying recordings under them' },
  mix: { title: 'Mix', now: 'Setting levels' },
  mux: { title: 'Join', now: 'Putting sound and picture together' },
  store: { title: 'Store', now: 'Storing the finished video' },
};

/** Where a net draws the sound, it does so while it looks. */
const DRAWN: typeof STEPS = {
  look: { title: 'Look', now: 'Looking at the picture, drawing its sound' },
  sound: { title: 'Draw', now: 'Drawing the end of the sound' },
};

const SYNC: typeof STEPS = {
  listen: { title: 'Listen', now: 'Listening for speech' },
  look: { title: 'Look', now: 'Following faces and lips' },
  compare: { title: 'Compare', now: 'Comparing lips and sound' },
  repair: { title: 'Repair', now: 'Moving the sound' },
  prove: { title: 'Prove', now: 'Measuring the repaired video' },
  report: { title: 'Report', now: 'Writing the report' },
  store: { title: 'Store', now: 'Storing what was found' },
};

/** What kind of job it is, and of foley by which engine. */
type Way = 'palette' | 'regnet' | 'sync' | undefined;

export const wayOf = ({ kind, request }: JobJson): Way => (kind === 'sync' ? kind : request?.engine);

export function stepTitle(name: string, way: Way): string {
  return wordsFor(name, way)?.title ?? name;
}

export function stepNow(name: string, way: Way): string {
  return wordsFor(name, way)?.now ?? name;
}

function wordsFor(name: string, way: Way) {
  return (way === 'regnet' ? DRAWN[name] : way === 'sync' ? SYNC[name] : undefined) ?? STEPS[name];
}
