import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { eventually } from './support/eventually';
import { KongConnection } from './support/kong-client';
import { temporaryDirectory } from './support/temporary-directory';

/** What tests and proofs speak for Kong with: a call never waits for an answer that cannot come. */
describe('the connection of a stand-in for Kong', () => {
  it('refuses a call when its server went away while it was idle', async () => {
    const path = join(temporaryDirectory(), 'kong.sock');
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const kong = await KongConnection.open(path);
    await eventually('the server has the connection', () => sockets.length === 1);

    sockets[0]!.destroy();
    await new Promise((resolve) => server.close(resolve));
    await eventually('the connection is closed', () => kong.isClosed);

    await expect(kong.startInstance({})).rejects.toThrow('closed');
  });
});
