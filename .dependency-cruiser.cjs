/** Dependencies point one way: services → packages → contracts. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'service-imports-no-service',
      comment: 'Services speak to each other through the queue and gRPC.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    {
      name: 'packages-import-no-service',
      comment: 'The command line alone puts services together.',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/cli/' },
      to: { path: '^services/' },
    },
    {
      name: 'contracts-import-nothing-of-ours',
      severity: 'error',
      from: { path: '^packages/contracts/' },
      to: { path: '^(packages/(?!contracts/)|services/)' },
    },
    {
      name: 'core-imports-contracts-alone',
      comment: 'Core knows no adapter, no media, no model.',
      severity: 'error',
      from: { path: '^packages/core/' },
      to: { path: '^packages/(?!core/|contracts/)' },
    },
    {
      name: 'only-main-wires-adapters',
      comment: 'No service names a vendor or an adapter outside its wiring and its tests.',
      severity: 'error',
      from: { path: '^services/', pathNot: '(/main\\.ts|\\.test\\.ts|/testing/.*)$' },
      to: { path: '^packages/adapters' },
    },
    {
      name: 'only-media-runs-ffmpeg',
      severity: 'error',
      from: { pathNot: '^packages/media/' },
      to: { path: 'fluent-ffmpeg' },
    },
    {
      name: 'only-models-runs-onnx',
      severity: 'error',
      from: { pathNot: '^packages/models/' },
      to: { path: 'onnxruntime-node' },
    },
    {
      name: 'only-adapters-gcp-names-google',
      severity: 'error',
      from: { pathNot: '^packages/adapters-gcp/' },
      to: { path: '@google-cloud/|@kubernetes/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: 'services/trainer/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
