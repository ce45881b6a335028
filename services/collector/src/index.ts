export { createCollector } from './service.js';
