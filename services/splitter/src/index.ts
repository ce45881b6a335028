export { createSplitter } from './service.js';
