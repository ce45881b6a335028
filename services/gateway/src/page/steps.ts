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

type Engine = 'palette' | 'regnet' | undefined;

export function stepTitle(name: string, engine: Engine): string {
  return wordsFor(name, engine)?.title ?? name;
}

export function stepNow(name: string, engine: Engine): string {
  return wordsFor(name, engine)?.now ?? name;
}

function wordsFor(name: string, engine: Engine) {
  return (engine === 'regnet' ? DRAWN[name] : undefined) ?? STEPS[name];
}
