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

export function stepTitle(name: string): string {
  return STEPS[name]?.title ?? name;
}

export function stepNow(name: string): string {
  return STEPS[name]?.now ?? name;
}
