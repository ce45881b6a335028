export { createTrainerLauncher } from './service.js';
