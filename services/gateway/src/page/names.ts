/* Names of files live in this browser alone: the server knows videos by their content. */

const KEY = 'soundstage.names';
const LIMIT = 200;

function read(): [string, string][] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as [string, string][];
  } catch {
    return []; // storage is switched off or full of something else
  }
}

export function rememberName(jobId: string, name: string): void {
  try {
    const others = read().filter(([id]) => id !== jobId);
    localStorage.setItem(KEY, JSON.stringify([[jobId, name], ...others].slice(0, LIMIT)));
  } catch {
    // The name is a comfort, nothing depends on it.
  }
}

export function nameOf(jobId: string): string | undefined {
  return read().find(([id]) => id === jobId)?.[1];
}
