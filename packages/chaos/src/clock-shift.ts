// Loaded into a service before all else (`node --import`): its clock is off by what a file says, read anew all the time.
// What counts time that has passed (timers, performance.now) goes on as it is, as it does when a machine's clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.SOUNDSTAGE_CHAOS_CLOCK!;
const RealDate = Date;
let shiftMs = 0;
const look = () => {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    shiftMs = 0;
  }
};
look();
setInterval(look, 20).unref();

class ShiftedDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...(given as [number]));
  }
  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}
globalThis.Date = ShiftedDate as DateConstructor;
