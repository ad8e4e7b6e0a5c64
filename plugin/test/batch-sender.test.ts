import fc from 'fast-check';
import type { Answer } from '../src/delivery/answer';
import { type Outcome, type SenderPorts, sendBatch } from '../src/delivery/batch-sender';

const schedule = { initialRetryDelayMs: 10, maxRetryDelayMs: 1_000 };
const events = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.from(`{"id":${index}}`));
const answer = (status: number, body = '', retryAfter?: string): Answer => ({ status, body, retryAfter });

/** A sender whose endpoint is a function; what it pauses for, sends and drops is written down. */
function sender(
  respond: (group: readonly Buffer[], attempt: number) => Answer | Error,
  changes: Partial<SenderPorts> = {},
) {
  const sent: string[][] = [];
  const dead: string[] = [];
  const pauses: number[] = [];
  const outcomes: Outcome[] = [];
  const ports: SenderPorts = {
    send: async (group) => {
      sent.push(group.map(String));
      const answered = respond(group, sent.length);
      if (answered instanceof Error) throw answered;
      return answered;
    },
    stopCompressing: () => false,
    keepDeadLetters: (group) => dead.push(...group.map(String)),
    pause: async (delayMs) => {
      pauses.push(delayMs);
    },
    isStopping: () => false,
    now: () => Date.parse('2026-11-21T10:00:00Z'),
    random: () => 0,
    report: (outcome) => outcomes.push(outcome),
    ...changes,
  };
  return {
    sent,
    dead,
    pauses,
    outcomes,
    run: (batch: readonly Buffer[]) => sendBatch(batch, schedule, ports),
  };
}

const refusal = (...indexes: number[]): string =>
  JSON.stringify({
    type: 'about:blank',
    status: 400,
    extensions: {
      validationErrors: indexes.map((index) => ({
        code: 'invalid',
        field: `$[${index}].subject`,
        message: 'bad',
      })),
    },
  });

test('the events that a 400 names are kept apart and the others sent again', async () => {
  const { run, sent, dead } = sender((_, attempt) =>
    attempt === 1 ? answer(400, refusal(1, 3)) : answer(204),
  );
  expect(await run(events(5))).toBe(true);
  expect(dead).toEqual(['{"id":1}', '{"id":3}']);
  expect(sent[1]).toEqual(['{"id":0}', '{"id":2}', '{"id":4}']);
});

test('whichever events are bad, halving finds exactly those when the 400 names none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), async (isBad) => {
      const bad = new Set(isBad.flatMap((value, index) => (value ? [`{"id":${index}}`] : [])));
      const delivered: string[] = [];
      const { run, dead } = sender((group) => {
        if (group.some((event) => bad.has(String(event)))) return answer(400, 'no indexes here');
        delivered.push(...group.map(String));
        return answer(204);
      });
      await run(events(isBad.length));
      expect(dead.sort()).toEqual([...bad].sort());
      expect(delivered.length + dead.length).toBe(isBad.length);
    }),
  );
});

test('a batch that is too large is halved; one event that is too large is kept apart', async () => {
  const { run, sent, dead, outcomes } = sender((group) =>
    group.length > 1 || String(group[0]) === '{"id":2}' ? answer(413) : answer(202),
  );
  await run(events(4));
  expect(sent.map(({ length }) => length)).toEqual([4, 2, 1, 1, 2, 1, 1]);
  expect(dead).toEqual(['{"id":2}']);
  expect(outcomes.filter(({ kind }) => kind === 'delivered')).toHaveLength(3);
});

test('an endpoint that does not answer is tried again later and later, up to the longest delay', async () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  const { run, pauses } = sender((_, attempt) => (attempt < 10 ? refused : answer(204)));
  expect(await run(events(1))).toBe(true);
  expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
});

test('jitter shortens a delay by up to half', async () => {
  const { run, pauses } = sender((_, attempt) => (attempt < 3 ? answer(500) : answer(204)), {
    random: () => 0.999,
  });
  await run(events(1));
  expect(pauses.map(Math.round)).toEqual([5, 10]);
});

test.each([
  ['seconds', '7', 7_000],
  ['a date', 'Sat, 21 Nov 2026 10:00:30 GMT', 30_000],
  ['an hour at most', '999999', 3_600_000],
  ['nothing when it cannot be read', 'soon', 10],
])('Retry-After is kept: %s', async (_, retryAfter, expected) => {
  const { run, pauses } = sender((_group, attempt) =>
    attempt === 1 ? answer(429, '', retryAfter) : answer(204),
  );
  await run(events(1));
  expect(pauses).toEqual([expected]);
});

test.each([401, 403, 404])(
  '%i waits long, says that the configuration is wrong, and drops nothing',
  async (status) => {
    const { run, pauses, dead, outcomes } = sender((_, attempt) =>
      attempt < 3 ? answer(status) : answer(204),
    );
    await run(events(2));
    expect(pauses).toEqual([5_000, 5_000]);
    expect(dead).toEqual([]);
    expect(outcomes[0]).toMatchObject({ kind: 'retrying', misconfigured: true, reason: `HTTP ${status}` });
  },
);

test('415 sends the same batch again without compression', async () => {
  let compresses = true;
  const { run, sent, pauses } = sender(() => (compresses ? answer(415) : answer(204)), {
    stopCompressing: () => {
      compresses = false;
      return true;
    },
  });
  await run(events(2));
  expect(sent.map(({ length }) => length)).toEqual([2, 2]);
  expect(pauses).toEqual([]);
});

test('events stay when the dead-letter file cannot be written', async () => {
  let isDiskFull = true;
  const kept: string[] = [];
  const { run, pauses } = sender(() => answer(400), {
    keepDeadLetters: (group) => {
      if (isDiskFull) {
        isDiskFull = false;
        throw new Error('ENOSPC');
      }
      kept.push(...group.map(String));
    },
  });
  expect(await run(events(1))).toBe(true);
  expect(pauses).toHaveLength(1);
  expect(kept).toEqual(['{"id":0}']);
});

test('a stop between attempts leaves the batch unsettled', async () => {
  let isStopping = false;
  const { run } = sender(
    () => {
      isStopping = true;
      return answer(503);
    },
    { isStopping: () => isStopping },
  );
  expect(await run(events(3))).toBe(false);
});
