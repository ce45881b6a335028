/** Numbers of a tensor. Uint8Array may be given where a card asks for float32: it is widened in the worker, 4 times less to carry. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export type Dtype = 'float32' | 'float64' | 'int32' | 'int64' | 'uint8';

/** An array of numbers with its shape, row by row (C order). */
export interface Tensor {
  dims: readonly number[];
  data: TensorData;
}

const DTYPE_BY_CLASS: Readonly<Record<string, Dtype>> = {
  '[object Float32Array]': 'float32',
  '[object Float64Array]': 'float64',
  '[object Int32Array]': 'int32',
  '[object BigInt64Array]': 'int64',
  '[object Uint8Array]': 'uint8',
};

/** The element type of data, or undefined for what no model takes. Works across realms, where `instanceof` does not. */
export function dtypeOf(data: unknown): Dtype | undefined {
  return DTYPE_BY_CLASS[Object.prototype.toString.call(data)];
}

/** How many numbers a shape holds. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, side) => product * side, 1);
}

/** A float32 tensor; the data is taken as it is, not copied. */
export function float32(data: Float32Array, ...dims: number[]): Tensor {
  return { dims, data };
}

/** The numbers of a float32 output. Throws TypeError when it is of another type. */
export function asFloat32(tensor: Tensor | undefined): Float32Array {
  if (tensor === undefined || dtypeOf(tensor.data) !== 'float32') throw new TypeError('The tensor is not float32.');
  return tensor.data as Float32Array;
}

/** Index of the first NaN or infinity, or −1. */
export function firstNonFinite(data: TensorData): number {
  const dtype = dtypeOf(data);
  if (dtype !== 'float32' && dtype !== 'float64') return -1;
  const numbers = data as Float32Array;
  // x − x is 0 for every finite x and NaN otherwise, so that one sum answers for the whole array.
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]! - numbers[i]!;
  return sum === 0 ? -1 : numbers.findIndex((x) => !Number.isFinite(x));
}
