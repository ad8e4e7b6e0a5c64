/** What one would write first, as the baseline: Express, its JSON middleware, and one INSERT .. ON CONFLICT for each event. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Pool } from 'pg';

interface Body {
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  data: unknown;
}

const start = async (): Promise<void> => {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query(`CREATE TABLE IF NOT EXISTS naive_event (id text, source text, type text, subject text,
    time timestamptz, data jsonb, PRIMARY KEY (source, id))`);
  const app = express();
  app.use(express.json({ type: () => true, limit: '4mb' }));
  app.post('/api/v1/events', async (request, response) => {
    const events = (Array.isArray(request.body) ? request.body : [request.body]) as Body[];
    await Promise.all(
      events.map(({ id, source, type, subject, time, data }) =>
        pool.query(
          'INSERT INTO naive_event VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source, id) DO NOTHING',
          [id, source, type, subject, time, data],
        ),
      ),
    );
    response.status(204).end();
  });
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
};

start().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
