export { registrationProblems } from './card-problems.js';
export { checkModelName, registerModel, type ModelToRegister } from './entries.js';
export { promotedFolder, registeredFolder } from './model-folder.js';
export {
  findRegistered,
  listRegistered,
  listRegisteredPage,
  promotedVersion,
  promoteModel,
  promotionHistory,
  rollbackModel,
  type PromotionOptions,
} from './promotion.js';
