import { eachChange } from '../../../src/enforcement/drivers/each-change';
import type { ChangeOutcome, MembershipChange } from '../../../src/enforcement/drivers/gateway-driver';
import { GatewayError } from '../../../src/enforcement/drivers/gateway-error';
import { Slots } from '../../../src/enforcement/drivers/slots';

const changes = (count: number): MembershipChange[] =>
  Array.from({ length: count }, (_, index) => ({
    consumer: { id: String(index), username: `c${index}`, customId: null, tags: [] },
    group: 'gold',
    action: 'remove',
  }));
const done: ChangeOutcome = { outcome: 'done', answer: 'DELETE 204' };
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Makes changes by a rule, and counts how many are under way at once and in all. */
const maker = (rule: (index: number) => ChangeOutcome | GatewayError) => {
  const seen = { made: 0, underWay: 0, most: 0 };
  const make = async ({ consumer }: MembershipChange): Promise<ChangeOutcome> => {
    seen.made += 1;
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    await nextTurn();
    seen.underWay -= 1;
    const ruled = rule(Number(consumer.id));
    if (ruled instanceof GatewayError) throw ruled;
    return ruled;
  };
  return { seen, make };
};

describe('changes of memberships', () => {
  it('are made a few at a time and answered in their order', async () => {
    const { seen, make } = maker((index) => ({ outcome: 'done', answer: String(index) }));
    const answers = await eachChange(changes(20), 4, make);
    expect(answers).toEqual(changes(20).map((_, index) => ({ outcome: 'done', answer: String(index) })));
    expect(seen).toEqual({ made: 20, underWay: 0, most: 4 });
  });

  it('fail by themselves where only they cannot be made', async () => {
    const missing = new GatewayError('consumer_missing', 'gone');
    const { make } = maker((index) => (index === 1 ? missing : done));
    expect(await eachChange(changes(3), 2, make)).toEqual([
      done,
      { outcome: 'failed', error: missing },
      done,
    ]);
  });

  it('end with the first failure of the gateway: what was made is told, what was not begun is not begun', async () => {
    const down = new GatewayError('unreachable', 'ECONNREFUSED');
    const { seen, make } = maker((index) => (index < 4 ? done : down));
    const answers = await eachChange(changes(20), 4, make);
    expect(answers.slice(0, 4)).toEqual([done, done, done, done]);
    expect(answers.slice(4)).toEqual(changes(16).map(() => ({ outcome: 'interrupted', error: down })));
    expect(seen.made).toBe(8);
  });

  it('reject when the gateway answered for none of them', async () => {
    const down = new GatewayError('unreachable', 'ECONNREFUSED');
    const { seen, make } = maker(() => down);
    await expect(eachChange(changes(20), 4, make)).rejects.toBe(down);
    expect(seen.made).toBe(4);
  });

  it('do not hide an error that is none of the gateway', async () => {
    const { make } = maker(() => done);
    const broken = async (change: MembershipChange): Promise<ChangeOutcome> => {
      if (change.consumer.id === '2') throw new TypeError('a mistake');
      return make(change);
    };
    await expect(eachChange(changes(20), 4, broken)).rejects.toThrow('a mistake');
  });
});

describe('slots', () => {
  it('let so many in at once, the others in the order in which they came, also after failures', async () => {
    const slots = new Slots(2);
    const begun: number[] = [];
    let underWay = 0;
    const work = (index: number) =>
      slots.run(async () => {
        begun.push(index);
        underWay += 1;
        expect(underWay).toBeLessThanOrEqual(2);
        await nextTurn();
        underWay -= 1;
        if (index % 3 === 0) throw new Error('failed');
        return index;
      });
    const results = await Promise.allSettled(Array.from({ length: 9 }, (_, index) => work(index)));
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(results.filter(({ status }) => status === 'rejected').length).toBe(3);
    expect(await slots.run(async () => 'free again')).toBe('free again');
  });
});
