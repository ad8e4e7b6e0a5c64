import { createBillingScheduler } from '../../src/billing/billing-scheduler';
import { createMoveInvoices } from '../../src/billing/invoices/move-invoices';
import { sandboxPayment } from '../../src/billing/invoices/next-step';
import { parseDuration } from '../../src/primitives/durations';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { ManualClock } from '../support/manual-clock';
import {
  digitsOf,
  type Fraction,
  linesOf,
  money,
  monthAfter,
  type NaiveCustomer,
  type NaiveLine,
  type NaivePlan,
  priceOfLine,
  quantityText,
  smallestAmounts,
  usedIn,
} from '../support/naive-billing';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { yearMeters, yearPlans } from '../support/year-of-plans';

const customerCount = 1_000;
/** Days: the months of the year, those in which customers begin, and the collection of the last invoices. */
const steps = 401;
const beginnings = 31;
const collectionDays = 2;
const dayMs = 86_400_000;
/** In the past: where events are stored follows the time of their receipt, and those dated weeks ahead of it are not looked for. */
const yearStart = Date.parse('2024-01-01T00:00:00Z');
const seed = Number(process.env.BILLING_YEAR_SEED ?? Math.floor(Math.random() * 1e9));
/**
 * The one customer to make of a seed's thousand, as a failure names it: a repeat takes seconds. The others are drawn all the
 * same, so that it lives through the same year.
 */
const onlyCustomer = process.env.BILLING_YEAR_CUSTOMER;
const leastInvoices = onlyCustomer === undefined ? 12_000 : 1;
const isMade = ({ key }: { key: string }) => onlyCustomer === undefined || key === onlyCustomer;

/** mulberry32: the same seed makes the same year. */
const createRandom = (state: number) => () => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
};

interface Subscriber extends NaiveCustomer {
  startStep: number;
  subscriptionId: string | undefined;
}

/** What one invoice should hold. */
interface Expected {
  currency: string;
  invoiceAt: number;
  lines: string[];
  total: string;
}

/** A storage server where there is one: it is what a year of invoices would be made on. */
const storage = testStorages.at(-1)!;

describe(`a simulated year of ${onlyCustomer ?? `${customerCount} customers`} [${storage.kind}]`, () => {
  const clock = new ManualClock(yearStart);
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const timeOfStep = (step: number) => yearStart + step * dayMs;
  let opened: TestDatabase;
  let app: TestApp;
  let runDue: () => Promise<void>;
  const subscribers: Subscriber[] = [];

  beforeAll(async () => {
    opened = await storage.open();
    const { database } = opened;
    app = await startTestApp(database, {
      clock,
      configuration: { billingCollectionPeriod: `P${collectionDays}D` },
    });
    const newId = createIdentifierSource(clock);
    const duration = (text: string) => parseDuration(text)!;
    const moves = createMoveInvoices({
      newId,
      terms: {
        collectionPeriod: duration(`P${collectionDays}D`),
        draftPeriod: duration('PT0S'),
        dueAfter: duration('P30D'),
      },
      collectPayment: sandboxPayment,
      tell: () => Promise.resolve(),
    });
    // A second scheduler beside the control plane's own, as another replica would have, that is called instead of timed.
    const scheduler = createBillingScheduler({
      database,
      clock,
      newId,
      moves,
      intervalMs: 1_000,
      onError: fail,
    });
    const dueNow = `SELECT (SELECT count(*) FROM subscription WHERE next_lines_at <= $1 AND deleted_at IS NULL)
      + (SELECT count(*) FROM invoice WHERE next_step_at <= $1 AND deleted_at IS NULL) AS n`;
    runDue = async () => {
      do await scheduler.runDue();
      while ((await database.query<{ n: number }>(dueNow, [clock.now()])).rows[0]!.n > 0);
    };
  }, 60_000);
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const fail = (error: unknown): never => {
    throw error;
  };
  // biome-ignore lint/suspicious/noExplicitAny: answers are held against their schemas by the app under test
  const call = async (method: string, path: string, body?: unknown, type?: string): Promise<any> => {
    const response = await app.request(method, path, body, type ? { 'content-type': type } : {});
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  const publishPlans = async () => {
    for (const [featureKey, { eventType, aggregation }] of Object.entries(yearMeters)) {
      const valueProperty = aggregation === 'COUNT' ? {} : { valueProperty: '$.value' };
      await call('POST', '/api/v1/meters', {
        slug: `${featureKey}_total`,
        eventType,
        aggregation,
        ...valueProperty,
      });
      await call('POST', '/api/v1/features', {
        key: featureKey,
        name: featureKey,
        meterSlug: `${featureKey}_total`,
      });
    }
    for (const { key, currency, phases } of yearPlans) {
      const plan = await call('POST', '/api/v1/plans', {
        key,
        name: key,
        currency,
        billingCadence: 'P1M',
        phases: phases.map(({ days, cards }, index) => ({
          key: `phase-${index}`,
          name: `phase ${index}`,
          duration: days === null ? null : `P${days}D`,
          rateCards: cards,
        })),
      });
      await call('POST', `/api/v1/plans/${plan.id}/publish`);
    }
  };

  const subscribe = async (subscriber: Subscriber, plan: NaivePlan, from: number) => {
    const forEver = Number.POSITIVE_INFINITY;
    subscriber.spans.push({ plan, anchor: from, from, to: forEver, decidedAt: forEver });
    if (!isMade(subscriber)) return;
    const subscription = await call('POST', '/api/v1/subscriptions', {
      customerKey: subscriber.key,
      plan: { key: plan.key },
      timing: new Date(from).toISOString(),
    });
    subscriber.subscriptionId = subscription.id;
  };

  /** The next instant after `now` at which a billing period begins. */
  const nextCycle = (anchor: number, now: number): number => {
    let n = 0;
    while (monthAfter(anchor, n) <= now) n += 1;
    return monthAfter(anchor, n);
  };

  /** Sometimes a customer changes its plan, now or at the period's end, or cancels; some come back. */
  const act = async (subscriber: Subscriber, step: number) => {
    const now = clock.now();
    const last = subscriber.spans.at(-1)!;
    if (last.to <= now) {
      // A day later, so that what was due at the end is on an invoice of its own.
      if (last.to < now - dayMs && below(40) === 0)
        await subscribe(subscriber, yearPlans[below(yearPlans.length)]!, now - below(dayMs / 2));
      return;
    }
    if (last.from > now || last.to !== Number.POSITIVE_INFINITY || step < subscriber.startStep + 2) return;
    const chance = below(1_000);
    if (chance >= 6) return;
    const timing = chance % 2 === 0 ? 'immediate' : 'next_billing_cycle';
    const at = timing === 'immediate' ? now : nextCycle(last.anchor, now);
    const path = `/api/v1/subscriptions/${subscriber.subscriptionId}`;
    last.to = at;
    last.decidedAt = now;
    if (chance < 4) {
      const plan = yearPlans[below(yearPlans.length)]!;
      const forEver = Number.POSITIVE_INFINITY;
      subscriber.spans.push({ plan, anchor: last.anchor, from: at, to: forEver, decidedAt: forEver });
      if (!isMade(subscriber)) return;
      const { next } = await call('POST', `${path}/change`, { timing, plan: { key: plan.key } });
      subscriber.subscriptionId = next.id;
    } else if (isMade(subscriber)) await call('POST', `${path}/cancel`, { timing });
  };

  let sent = 0;
  const eventOf = (subscriber: Subscriber, time: number, step: number) => {
    const type = ['call', 'completion', 'login'][below(3)]!;
    const value = type === 'login' ? `user-${below(6)}` : `${below(40)}.${below(1_000)}`;
    subscriber.events.push({ type, time, value: type === 'call' ? '1' : value, step });
    sent += 1;
    return {
      specversion: '1.0',
      id: `year-${sent}`,
      source: 'year',
      type,
      subject: subscriber.key,
      time: new Date(time).toISOString(),
      data: { value },
    };
  };

  /** The day's events; some come days or months late, some at the very edges of a period. */
  const eventsOf = (subscriber: Subscriber, step: number): object[] => {
    const now = timeOfStep(step);
    const events: object[] = [];
    for (let count = below(4) === 0 ? below(6) : 0; count > 0; count -= 1)
      events.push(eventOf(subscriber, now - 1 - below(dayMs), step));
    if (below(30) === 0) events.push(eventOf(subscriber, now - below(6 * dayMs), step));
    if (below(60) === 0) events.push(eventOf(subscriber, now - below(90 * dayMs), step));
    const { anchor } = subscriber.spans.at(-1)!;
    const boundary = monthAfter(anchor, below(14));
    if (below(20) === 0 && boundary <= now) {
      events.push(eventOf(subscriber, boundary, step), eventOf(subscriber, boundary - 1, step));
    }
    return events;
  };

  const firstStepAt = (instant: number) => Math.ceil((instant - yearStart) / dayMs);

  /** Every invoice of a customer that should have been made, in the order in which their quantities were fixed. */
  const expectedOf = (customer: Subscriber): (Expected & { fixedAt: number })[] => {
    const groups = new Map<string, NaiveLine[]>();
    for (const line of linesOf(customer, timeOfStep(steps - 1))) {
      const key = `${line.currency} ${line.invoiceAt}`;
      groups.set(key, [...(groups.get(key) ?? []), line]);
    }
    const drafts = [...groups.values()].map((lines) => {
      const waits = lines
        .filter(({ card }) => card.price.type !== 'flat')
        .map(({ to }) => to + collectionDays * dayMs);
      const collectionAt = Math.max(lines[0]!.invoiceAt, ...waits);
      return { lines, collectionAt, fixedAt: firstStepAt(collectionAt) };
    });
    drafts.sort((a, b) => a.collectionAt - b.collectionAt);
    const billed: { line: NaiveLine; used: Fraction }[] = [];
    return drafts
      .filter(({ fixedAt }) => fixedAt < steps)
      .map(({ lines, fixedAt }) => {
        // What was sent in the step itself came after its invoices were fixed.
        const usedBy = (line: NaiveLine) => usedIn(customer, line, yearMeters, fixedAt - 1);
        const { currency, invoiceAt } = lines[0]!;
        const texts: string[] = [];
        let total = 0n;
        const add = (line: NaiveLine, name: string, quantity: Fraction, amount: bigint) => {
          total += amount;
          const span = `${new Date(line.from).toISOString()} ${new Date(line.to).toISOString()}`;
          texts.push(`${name} ${span} ${quantityText(quantity)} ${money(amount, digitsOf[currency]!)}`);
        };
        for (const earlier of billed.filter(({ line }) => line.currency === currency)) {
          const used = usedBy(earlier.line);
          const late = { n: used.n * earlier.used.d - earlier.used.n * used.d, d: used.d * earlier.used.d };
          if (late.n === 0n) continue;
          const amount = priceOfLine(earlier.line, used) - priceOfLine(earlier.line, earlier.used);
          add(earlier.line, `${earlier.line.card.name} (late usage)`, late, amount);
          earlier.used = used;
        }
        for (const line of lines) {
          const isFlat = line.card.price.type === 'flat';
          const used = isFlat ? { n: 1n, d: 1n } : usedBy(line);
          add(line, line.card.name, used, priceOfLine(line, used));
          if (!isFlat) billed.push({ line, used });
        }
        return {
          currency,
          invoiceAt,
          fixedAt,
          lines: texts.sort(),
          total: money(total, digitsOf[currency]!),
        };
      });
  };

  /**
   * Invoices with their own lines, and beside them the late usage and the totals by currency and step: of two invoices whose
   * quantities are fixed in the same step, by two schedulers, either may be the first and carry what came late.
   */
  const settled = (invoices: readonly Expected[], stepOf: (index: number) => number | undefined) => {
    const isLate = (line: string) => line.includes('(late usage)');
    const late: Record<string, string[]> = {};
    const totals: Record<string, bigint> = {};
    const own = invoices.map(({ currency, invoiceAt, lines, total }, index) => {
      const group = `${currency} ${stepOf(index)}`;
      late[group] = [...(late[group] ?? []), ...lines.filter(isLate)].sort();
      totals[group] = (totals[group] ?? 0n) + smallestAmounts(total, digitsOf[currency]!);
      return { currency, invoiceAt, lines: lines.filter((line) => !isLate(line)) };
    });
    return { own, late, totals };
  };

  /** The invoices there are, by customer, as the API shows them. */
  const readInvoices = async (): Promise<Map<string, Expected[]>> => {
    const byCustomer = new Map<string, Expected[]>();
    for (let page = 1; ; page += 1) {
      const path = `/api/v1/billing/invoices?statuses=paid&expand=lines&pageSize=250&page=${page}`;
      const { items } = await call('GET', path);
      for (const { customer, currency, lines, totals } of items) {
        // biome-ignore lint/suspicious/noExplicitAny: as above
        const own = lines.filter(({ name }: any) => !name.endsWith('(late usage)'));
        const invoice: Expected = {
          currency,
          invoiceAt: Date.parse(own[0].invoiceAt),
          lines: lines
            // biome-ignore lint/suspicious/noExplicitAny: as above
            .map((line: any) =>
              [line.name, line.period.from, line.period.to, line.quantity, line.totals.total].join(' '),
            )
            .sort(),
          total: totals.total,
        };
        byCustomer.set(customer.key, [...(byCustomer.get(customer.key) ?? []), invoice]);
      }
      if (items.length < 250) return byCustomer;
    }
  };

  it(`makes at least ${leastInvoices} invoices, each of which raw events explain to the smallest amount`, async () => {
    process.stderr.write(`BILLING_YEAR_SEED=${seed}\n`);
    await publishPlans();
    for (let index = 0; index < customerCount; index += 1) {
      const key = `year-${index}`;
      const startStep = 1 + (index % beginnings);
      subscribers.push({ key, startStep, subscriptionId: undefined, spans: [], events: [] });
      if (!isMade({ key })) continue;
      await call('POST', '/api/v1/customers', { key, name: key, usageAttribution: { subjectKeys: [key] } });
    }
    for (let step = 1; step < steps; step += 1) {
      clock.set(timeOfStep(step));
      await runDue();
      const events: object[] = [];
      for (const subscriber of subscribers) {
        if (step < subscriber.startStep) continue;
        if (step === subscriber.startStep) {
          const plan = yearPlans[below(yearPlans.length)]!;
          await subscribe(subscriber, plan, clock.now() - 1 - below(dayMs));
        } else await act(subscriber, step);
        const own = eventsOf(subscriber, step);
        if (isMade(subscriber)) events.push(...own);
      }
      await runDue();
      if (events.length > 0)
        await call('POST', '/api/v1/events', events, 'application/cloudevents-batch+json');
    }

    const actual = await readInvoices();
    let events = 0;
    let invoices = 0;
    let lines = 0;
    let late = 0;
    const inOrder = <T extends Expected>(list: readonly T[]): T[] =>
      [...list].sort((a, b) => a.invoiceAt - b.invoiceAt || (a.currency < b.currency ? -1 : 1));
    for (const subscriber of subscribers.filter(isMade)) {
      const expected = inOrder(expectedOf(subscriber));
      const made = inOrder(actual.get(subscriber.key) ?? []);
      const stepOf = (index: number) => expected[index]?.fixedAt;
      try {
        expect(settled(made, stepOf)).toEqual(settled(expected, stepOf));
      } catch (error) {
        process.stderr.write(
          `differs: BILLING_YEAR_SEED=${seed} BILLING_YEAR_CUSTOMER=${subscriber.key} npm run test:year\n`,
        );
        throw error;
      }
      events += subscriber.events.length;
      invoices += expected.length;
      lines += expected.reduce((sum, invoice) => sum + invoice.lines.length, 0);
      late += expected
        .flatMap((invoice) => invoice.lines)
        .filter((line) => line.includes('(late usage)')).length;
    }
    const whose = onlyCustomer ?? `${customerCount} customers`;
    process.stderr.write(
      `seed ${seed}: ${whose}, ${events} events, ${invoices} invoices with ${lines} lines, ${late} of them for late usage; all equal\n`,
    );
    expect(invoices).toBeGreaterThanOrEqual(leastInvoices);
  }, 900_000);
});
