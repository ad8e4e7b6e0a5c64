import { connect, type Socket } from 'node:net';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp, testToken } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

/** A request whose body is sent in two parts, so that it is under way for as long as the test likes. */
const beginPost = (app: TestApp, body: string): Promise<{ socket: Socket; finish: () => Promise<string> }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(app.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.once('error', reject);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.once('connect', () => {
      socket.write(
        `POST /api/v1/events HTTP/1.1\r\nHost: tollgate\r\nAuthorization: Bearer ${testToken}\r\n` +
          `Content-Type: application/cloudevents+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n` +
          body.slice(0, 10),
      );
      resolve({
        socket,
        finish: async () => {
          socket.write(body.slice(10));
          await waitUntil('the answer', () => answer.includes('\r\n\r\n'));
          return answer;
        },
      });
    });
  });

describeOnEachStorage('a process that is told to stop', (storage) => {
  let opened: TestDatabase;
  beforeEach(async () => {
    opened = await storage.open();
  });
  afterEach(() => opened.drop());

  it('says so on /readyz while it still serves', async () => {
    const app = await startTestApp(opened.database, { configuration: { drainSeconds: 3 } });
    expect((await fetch(`${app.url}/readyz`)).status).toBe(200);
    const stopped = app.stop();
    const [ready, ingested] = await Promise.all([
      fetch(`${app.url}/readyz`),
      app.request('POST', '/api/v1/events', cloudEvent()),
    ]);
    expect([ready.status, ingested.status]).toEqual([503, 204]);
    await stopped;
    await expect(fetch(`${app.url}/readyz`)).rejects.toThrow();
  });

  it('answers the request under way, stores its event, and closes a connection that is kept alive', async () => {
    const app = await startTestApp(opened.database);
    const event = cloudEvent();
    const { socket, finish } = await beginPost(app, JSON.stringify(event));
    // The server has the first part of it: another request on another connection came later and is answered.
    await fetch(`${app.url}/healthz`);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const stopped = app.stop();
    expect(await finish()).toMatch(/^HTTP\/1\.1 204 /);
    await stopped;
    await closed;
    const again = await startTestApp(opened.database);
    const answer = await again.request('POST', '/api/v1/events', event, { prefer: 'return=representation' });
    expect(await answer.json()).toMatchObject({ accepted: [], duplicates: [{ id: event.id }] });
    await again.stop();
  });
});
