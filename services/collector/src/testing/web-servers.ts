import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

export interface TestServer {
  /** `127.0.0.1:port` */
  host: string;
  port: number;
  /** How many connections came. */
  connections(): number;
  close(): Promise<void>;
}

/** A real HTTP server on loopback. */
export const startWebServer = (listener: RequestListener): Promise<TestServer> => started(createServer(listener));

/** A server that speaks whatever `talk` says on each connection. */
export const startRawServer = (talk: (socket: Socket) => void): Promise<TestServer> => started(createTcpServer(talk));

async function started(server: Server | TcpServer): Promise<TestServer> {
  const open = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    open.add(socket);
    // Whoever leaves early is part of the tests.
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    port,
    connections: () => connections,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
