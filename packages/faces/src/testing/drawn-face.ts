import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A face that is drawn: its middle and height in pixels. The detector takes it for one. */
export interface DrawnFace {
  x: number;
  y: number;
  height: number;
  /** 0 closed, 1 wide open. */
  mouth?: number;
}

export interface FaceClip {
  width: number;
  height: number;
  frameRate: number;
  frames: number;
  faces: (frame: number) => readonly DrawnFace[];
}

type Colour = readonly [red: number, green: number, blue: number];

const WALL: Colour = [100, 110, 120];
const SKIN: Colour = [225, 190, 170];
const HAIR: Colour = [50, 40, 30];
const SHADE: Colour = [180, 150, 135];

/** Makes a clip of drawn faces, with a tone as sound. */
export async function makeFaceClip(path: string, { width, height, frameRate, frames, faces }: FaceClip): Promise<void> {
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
    for (let at = 0; at < picture.length; at++) picture[at] = WALL[at % 3]!;
    for (const face of faces(n)) drawFace(picture, width, face);
    if (!child.stdin.write(picture)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`ffmpeg could not make ${path}`);
}

/** Shoulders, neck, hair, face, eyes, brows, nose, mouth; in units of 1/136 of the face's height. */
function drawFace(picture: Uint8Array, width: number, { x, y, height, mouth = 0.3 }: DrawnFace): void {
  const unit = height / 136;
  const ellipse = (dx: number, dy: number, rx: number, ry: number, colour: Colour) =>
    fillEllipse(picture, width, { x: x + dx * unit, y: y + dy * unit, rx: rx * unit, ry: ry * unit, colour });
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

function fillEllipse(
  picture: Uint8Array,
  width: number,
  { x, y, rx, ry, colour }: { x: number; y: number; rx: number; ry: number; colour: Colour },
): void {
  const height = picture.length / 3 / width;
  for (let row = Math.max(0, Math.floor(y - ry)); row <= Math.min(height - 1, y + ry); row++) {
    const reach = rx * Math.sqrt(Math.max(0, 1 - ((row - y) / ry) ** 2));
    for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(width - 1, x + reach); column++) {
      picture.set(colour, 3 * (row * width + column));
    }
  }
}
