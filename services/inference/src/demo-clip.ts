import { fileURLToPath } from 'node:url';

/** A small real recording that comes along; demo/README.md tells who made it and under which licence. */
export const demoClip = {
  path: fileURLToPath(new URL('../demo/demo.mp4', import.meta.url)),
  description: 'people in a park; BSD-3-Clause, from Sports2D',
};
