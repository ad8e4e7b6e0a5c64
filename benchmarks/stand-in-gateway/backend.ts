/**
 * The processes around the gateway in its bench, one role each: `upstream` answers, `sink` takes events and counts
 * them, `floor` is the least a Node proxy can be. Each prints its URL and ends when its standard input does.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const [role = '', upstreamUrl = ''] = process.argv.slice(2);

function upstream(): http.Server {
  return http.createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 2 });
    response.end('{}');
  });
}

/** POST takes a batch of events, GET tells how many different ids came. */
function sink(): http.Server {
  const ids = new Set<string>();
  return http.createServer((request, response) => {
    if (request.method === 'GET') {
      response.end(String(ids.size));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const events: unknown = JSON.parse(Buffer.concat(chunks).toString());
      for (const { id } of (Array.isArray(events) ? events : [events]) as { id: string }[]) ids.add(id);
      response.writeHead(204).end();
    });
  });
}

function floor(): http.Server {
  const agent = new http.Agent({ keepAlive: true });
  return http.createServer((request, response) => {
    const onward = http.request(upstreamUrl + request.url, { agent, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.end();
  });
}

const roles: Readonly<Record<string, () => http.Server>> = { upstream, sink, floor };
const server = roles[role]?.();
if (!server) throw new Error(`no role ${role}`);
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
