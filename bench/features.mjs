// What features of sound and picture cost, each beside librosa or OpenCV in the same run: node bench/features.mjs [--json]
//   SOUNDSTAGE_DATA       folder with foley/, for flow on real frames (default ../shared/data; noise where there is none)
//   SOUNDSTAGE_BENCH_CV2  folder that holds opencv-contrib-python-headless, for Dual TV-L1 (pip install --no-deps --target)
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const installed = join(root, '.cache/venv/bin/python');
const python = process.env.SOUNDSTAGE_PYTHON ?? (existsSync(installed) ? installed : 'python3');
const { status } = spawnSync(python, [join(root, 'bench/features.py'), ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
