import { type Finding, failed, ok, reasonOf, skipped } from './finding';

/** Redis, where the configuration names one. */
export const checkRedis = async (redisUrl: string | undefined): Promise<Finding[]> => {
  if (!redisUrl) return [skipped('redis', 'not configured; one replica works without it')];
  const { createClient } = await import('redis');
  const client = createClient({
    url: redisUrl,
    socket: { connectTimeout: 5_000, reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    await client.close();
    return [ok('redis', 'answers')];
  } catch (error) {
    return [failed('redis', `no answer: ${reasonOf(error)}`, 'start Redis, correct REDIS_URL, or unset it')];
  }
};
