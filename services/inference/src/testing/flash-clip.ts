/** When the picture flashes, seconds; uneven, so that one offset alone fits. */
const FLASHES_S = [0.6, 1.32, 2.4, 3.2];
const DURATION_S = 4;

const at = (timesS: readonly number[], lastsS: number): string =>
  timesS.map((timeS) => `between(t,${(timeS - 0.001).toFixed(3)},${(timeS + lastsS).toFixed(3)})`).join('+');

/** ffmpeg's arguments for a picture that flashes. */
export function flashes(): string[] {
  const flash = `drawbox=c=white:t=fill:enable='${at(FLASHES_S, 0.02)}'`;
  return ['-f', 'lavfi', '-i', `color=c=black:s=64x48:r=25:d=${DURATION_S},${flash}`];
}

/** ffmpeg's arguments for a sound that clicks so many ms after each flash, or by a function of the flash's time. */
export function clicks(lateMs: number | ((flashS: number) => number)): string[] {
  const timesS = FLASHES_S.map((timeS) => timeS + (typeof lateMs === 'number' ? lateMs : lateMs(timeS)) / 1000);
  const click = `0.8*sin(2*PI*2000*t)*(${at(timesS, 0.006)})`;
  return ['-f', 'lavfi', '-i', `aevalsrc='${click}':s=16000:d=${DURATION_S}`];
}
