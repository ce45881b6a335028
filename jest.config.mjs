// Tests run as compiled by `tsc -b`, as native ES modules: what is tested is what is shipped.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/packages', '<rootDir>/services'],
  testMatch: ['**/dist/**/*.test.js'],
  transform: {},
  testTimeout: 30_000,
  maxWorkers: 2,
};
