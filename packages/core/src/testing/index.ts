/** What the services' tests share: services started in this process or as processes of their own, and a plain client. */
export * from './certificates.js';
export * from './client.js';
export * from './introspection.js';
export * from './issuer.js';
export * from './service-process.js';
export * from './test-clip.js';
export * from './test-services.js';
