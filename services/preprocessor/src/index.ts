export { createPreprocessor } from './service.js';
