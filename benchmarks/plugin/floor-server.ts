/** The least that any plugin server must do: read both calls of an event and write two answers, nothing else. */
import { createServer } from 'node:net';
import { encode } from '@msgpack/msgpack';

const askAnswer = encode([1, 1, null, { EventId: 2, Data: { Method: 'kong.log.serialize', Args: [] } }]);
const startAnswer = encode([1, 1, null, { Name: 'tollgate', Id: 1, Config: {}, StartTime: 0 }]);
const retAnswer = encode([1, 2, null, { EventId: 2, Data: 'ret' }]);

createServer((socket) => {
  socket.on('data', (bytes) => {
    if (bytes.length > 1000) socket.write(retAnswer);
    else socket.write(bytes.includes('StartInstance') ? startAnswer : askAnswer);
  });
}).listen({ path: process.argv[2] as string, backlog: 4096 });
