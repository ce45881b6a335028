export { createFeatureExtractor } from './service.js';
