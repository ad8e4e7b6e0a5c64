import type { SharedCounters } from '../../storage/redis/shared-counters';
import { type Bucket, type BucketLimits, levelAt, pour } from './bucket';

/** How often replicas tell each other what was used, milliseconds. */
const shareEveryMs = 100;
/** Tokens that are remembered at most; the one that was new first goes. */
const maximumTokens = 20_000;
export interface RequestLimiterOptions {
  /** Of one token, all replicas together. */
  limits: BucketLimits;
  /** Where replicas share what was used; without it each counts for itself. */
  shared: SharedCounters | undefined;
  /** Milliseconds that only grow. */
  monotonicNow: () => number;
}

interface Entry {
  bucket: Bucket;
  /** Requests that the shared bucket does not know yet. */
  untold: number;
}

/** Decides whether a token may send one more request. */
export interface RequestLimiter {
  /** Seconds to wait, or undefined when the request may go on. Decided in memory: nothing is waited for. */
  refusalOf(tokenId: string): number | undefined;
  /** Exchanges what was used with the other replicas now; it does so by itself while there is something to tell. */
  share(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The shared bucket: pours in what one replica took, and answers the level. Redis' own clock serves all replicas. The level
 * stays below twice the capacity, so that replicas which took too much at the same moment wait for a bounded time.
 */
const shareScript = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, capacity, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(kept[1] or '0') - math.max(0, now - tonumber(kept[2] or now)) * rate / 1000
level = math.min(math.max(0, level) + taken, 2 * capacity)
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(level / rate * 1000) + 1000)
return tostring(level)`;

/**
 * Limits the requests of each token. A request is judged by a bucket in memory; in the background the bucket is made equal
 * to the one that replicas share. So a Redis that is slow, hangs or is gone costs no request anything: each replica then
 * goes by what it sees itself, and the limit holds a replica instead of for all.
 */
export const createRequestLimiter = ({
  limits,
  shared,
  monotonicNow,
}: RequestLimiterOptions): RequestLimiter => {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  let sharing: Promise<void> | undefined;
  let isStopped = false;

  const entryOf = (tokenId: string): Entry => {
    let entry = entries.get(tokenId);
    if (!entry) {
      if (entries.size >= maximumTokens) entries.delete(entries.keys().next().value!);
      entry = { bucket: { level: 0, at: monotonicNow() }, untold: 0 };
      entries.set(tokenId, entry);
    }
    return entry;
  };

  const shareOne = async (counters: SharedCounters, tokenId: string, entry: Entry): Promise<void> => {
    const told = entry.untold;
    entry.untold = 0;
    try {
      const values = [limits.perSecond, limits.capacity, told].map(String);
      const level = Number(await counters.evaluate(shareScript, `tollgate:rate:${tokenId}`, values));
      entry.bucket = { level: level + entry.untold, at: monotonicNow() };
    } catch {
      // Told when the others are back; what has run out meanwhile needs no telling.
      entry.untold = Math.min(entry.untold + told, Math.ceil(levelAt(entry.bucket, limits, monotonicNow())));
    }
  };

  const shareAll = async (): Promise<void> => {
    const now = monotonicNow();
    for (const [tokenId, entry] of entries) {
      if (entry.untold === 0 && levelAt(entry.bucket, limits, now) === 0) entries.delete(tokenId);
    }
    if (shared) await Promise.all([...entries].map(([tokenId, entry]) => shareOne(shared, tokenId, entry)));
  };

  const share = (): Promise<void> => {
    sharing ??= shareAll().finally(() => {
      sharing = undefined;
    });
    return sharing;
  };

  /** Runs only while a bucket has something in it. */
  const shareSoon = (): void => {
    if (timer || isStopped) return;
    timer = setTimeout(() => {
      void share().finally(() => {
        timer = undefined;
        if (entries.size > 0) shareSoon();
      });
    }, shareEveryMs);
    timer.unref();
  };

  return {
    refusalOf: (tokenId) => {
      const entry = entryOf(tokenId);
      shareSoon();
      const poured = pour(entry.bucket, limits, monotonicNow());
      if ('retryAfterSeconds' in poured) return poured.retryAfterSeconds;
      entry.bucket = poured.bucket;
      entry.untold += 1;
      return undefined;
    },
    share,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await sharing;
    },
  };
};
