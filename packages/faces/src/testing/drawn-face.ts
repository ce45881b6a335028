import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A face that is drawn: its middle and height in pixels. The detector takes it for one. */
export interface DrawnFace {
  x: number;
  y: number;
  height: number;
  /** 0 closed, 1 wide open. */
  mouth?: number;
  /** How far it is rolled clockwise about its middle. */
  rollRad?: number;
}

export interface FaceClip {
  width: number;
  height: number;
  frameRate: number;
  frames: number;
  faces: (frame: number) => readonly DrawnFace[];
  /** Colour of the wall behind them. Default: a bluish grey. */
  wall?: (frame: number) => Colour;
}

export type Colour = readonly [red: number, green: number, blue: number];

const WALL: Colour = [100, 110, 120];
const SKIN: Colour = [225, 190, 170];
const HAIR: Colour = [50, 40, 30];
const SHADE: Colour = [180, 150, 135];

/** Makes a clip of drawn faces, with a tone as sound. */
export async function makeFaceClip(path: string, clip: FaceClip): Promise<void> {
  const { width, height, frameRate, frames, faces, wall = () => WALL } = clip;
  const child = spawn(
    process.env.SOUNDSTAGE_FFMPEG ?? 'ffmpeg',
    [
      ...['-v', 'error', '-y', '-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`],
      ...['-framerate', String(frameRate), '-i', 'pipe:0'],
      ...['-f', 'lavfi', '-i', `sine=f=300:r=48000:d=${frames / frameRate}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '16', '-pix_fmt', 'yuv420p', '-c:a', 'aac', path],
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const ended = once(child, 'exit');
  for (let n = 0; n < frames; n++) {
    const picture = new Uint8Array(width * height * 3);
    const behind = wall(n);
    for (let at = 0; at < picture.length; at++) picture[at] = behind[at % 3]!;
    for (const face of faces(n)) drawFace(picture, width, face);
    if (!child.stdin.write(picture)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`ffmpeg could not make ${path}`);
}

/** Shoulders, neck, hair, face, eyes, brows, nose, mouth; in units of 1/136 of the face's height. */
function drawFace(picture: Uint8Array, width: number, { x, y, height, mouth = 0.3, rollRad = 0 }: DrawnFace): void {
  const unit = height / 136;
  const [cos, sin] = [Math.cos(rollRad), Math.sin(rollRad)];
  const ellipse = (dx: number, dy: number, rx: number, ry: number, colour: Colour) => {
    const middle = { x: x + (cos * dx - sin * dy) * unit, y: y + (sin * dx + cos * dy) * unit };
    fillEllipse(picture, width, { ...middle, rx: rx * unit, ry: ry * unit, cos, sin, colour });
  };
  ellipse(0, 120, 90, 58, [50, 60, 90]);
  ellipse(0, 70, 22, 30, SHADE);
  ellipse(0, -20, 62, 75, HAIR);
  ellipse(0, 0, 52, 68, SKIN);
  for (const side of [-22, 22]) {
    ellipse(side, -27, 15, 3, HAIR);
    ellipse(side, -13, 11, 6, [245, 245, 245]);
    ellipse(side, -13, 5, 5, [20, 30, 40]);
  }
  ellipse(0, 3, 4, 14, SHADE);
  ellipse(0, 16, 8, 3, SHADE);
  ellipse(0, 38, 20, 3 + 9 * mouth, [180, 80, 80]);
}

interface Ellipse {
  x: number;
  y: number;
  rx: number;
  ry: number;
  /** Of the angle by which it is turned clockwise. */
  cos: number;
  sin: number;
  colour: Colour;
}

function fillEllipse(picture: Uint8Array, width: number, { x, y, rx, ry, cos, sin, colour }: Ellipse): void {
  const height = picture.length / 3 / width;
  const across = Math.hypot(rx * cos, ry * sin);
  const down = Math.hypot(rx * sin, ry * cos);
  for (let row = Math.max(0, Math.floor(y - down)); row <= Math.min(height - 1, y + down); row++) {
    for (let column = Math.max(0, Math.floor(x - across)); column <= Math.min(width - 1, x + across); column++) {
      const right = cos * (column - x) + sin * (row - y);
      const below = cos * (row - y) - sin * (column - x);
      if ((right / rx) ** 2 + (below / ry) ** 2 <= 1) picture.set(colour, 3 * (row * width + column));
    }
  }
}
