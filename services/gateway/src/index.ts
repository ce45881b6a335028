export { readGatewayConfig, type GatewayConfig } from './config.js';
export { startGateway, type Gateway, type GatewayOptions } from './server.js';
