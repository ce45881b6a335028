import { readFileSync } from 'node:fs';

export interface MemoryWatch {
  /** The most that any one process took since the last `begin`, and which service it was. */
  peak: { service: string; bytes: number };
  begin(): void;
  look(): void;
  close(): void;
}

const EVERY_MS = 250;

/** Looks at what the living processes take; each process's own high-water mark, so that nothing falls between looks. */
export function watchMemory(workers: readonly { service: string; process: { pid: number } }[]): MemoryWatch {
  const watch: MemoryWatch = {
    peak: { service: '', bytes: 0 },
    begin() {
      watch.peak = { service: '', bytes: 0 };
    },
    look() {
      for (const { service, process } of workers) {
        const bytes = memoryOf(process.pid, 'VmHWM');
        if (bytes > watch.peak.bytes) watch.peak = { service, bytes };
      }
    },
    close: () => clearInterval(timer),
  };
  const timer = setInterval(() => watch.look(), EVERY_MS);
  return watch;
}

/** A process's memory now (VmRSS) or at most so far (VmHWM), bytes; 0 when it is gone. Source: proc(5). */
export function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  try {
    const [, kib] = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Slope of the straight line through points by least squares: units of y for one of x. */
export function slopeOf(points: readonly { x: number; y: number }[]): number {
  const mean = (of: 'x' | 'y') => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean('x'), mean('y')];
  const over = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  return over / points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
}
