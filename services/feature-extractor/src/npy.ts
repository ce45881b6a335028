import { open, type FileHandle } from 'node:fs/promises';

/** Length of everything before the data: room for any shape, and a multiple of 64 as the format asks. */
const HEADER_BYTES = 128;

export interface NpyWriter {
  /** Adds rows; the data must hold a whole number of them. */
  append(data: Float32Array): Promise<void>;
  /** Writes the shape, now that it is known, and closes the file. @returns the shape */
  finish(): Promise<number[]>;
  /** Closes the file without making it whole. */
  abandon(): Promise<void>;
  bytesWritten(): number;
}

/**
 * Writes a NumPy array file row by row: format 1.0, little-endian float32, C order
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 *
 * @param rowShape the shape behind the first axis: [] for a vector, [390] for a matrix of 390 columns
 */
export async function createNpyWriter(path: string, rowShape: readonly number[]): Promise<NpyWriter> {
  const rowLength = rowShape.reduce((product, side) => product * side, 1);
  const file: FileHandle = await open(path, 'wx');
  let rows = 0;
  let at = HEADER_BYTES;
  return {
    async append(data) {
      if (data.length % rowLength !== 0)
        throw new RangeError(`${data.length} numbers are no whole rows of ${rowLength}.`);
      const bytes = littleEndian(data);
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
      at += bytes.length;
      rows += data.length / rowLength;
    },
    async finish() {
      const shape = [rows, ...rowShape];
      await file.write(npyHeader(shape), 0, HEADER_BYTES, 0);
      await file.close();
      return shape;
    },
    abandon: () => file.close(),
    bytesWritten: () => at,
  };
}

/** Magic, version 1.0, length of the rest (little-endian, 16 bits), a Python dict padded with blanks, a line feed. */
function npyHeader(shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = Buffer.alloc(HEADER_BYTES, ' ');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(HEADER_BYTES - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', HEADER_BYTES - 1, 'latin1');
  return header;
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function littleEndian(data: Float32Array): Buffer {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  // swap32 works in place: on a copy, since the data is the caller's.
  return HOST_IS_LITTLE_ENDIAN ? bytes : Buffer.from(bytes).swap32();
}
