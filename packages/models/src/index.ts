export { openModel, type ExecutionProvider, type OpenModel, type OpenModelOptions, type RunOptions } from './open-model.js';
export { findModelFolder, listModels, type ListedModel } from './list-models.js';
export { modelId, openOnUse, type ModelOnUse } from './open-on-use.js';
export { fileSha256, readCard, type CardTensor, type ModelCard } from './card.js';
export { asFloat32, float32, type Dtype, type Tensor, type TensorData } from './tensor.js';
export * from './registry/index.js';
