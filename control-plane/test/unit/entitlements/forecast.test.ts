import { forecastOf } from '../../../src/entitlements/forecast';
import { formatQuantity, toQuantity } from '../../../src/primitives/decimal';

const hour = 3_600_000;
const now = 100 * hour;

const forecast = (usage: string, recent: string, recentMs = hour, periodTo = now + 1_000 * hour) => {
  const result = forecastOf(
    { usage: toQuantity(usage), allowance: toQuantity('1000'), periodTo },
    { amount: toQuantity(recent), from: now - recentMs, to: now },
    now,
  );
  return result && { perHour: formatQuantity(result.perHour), exhaustedAt: result.exhaustedAt };
};

describe('the forecast of an allowance', () => {
  it('goes on at the present rate', () => {
    expect(forecast('900', '50')).toEqual({ perHour: '50', exhaustedAt: now + 2 * hour });
    expect(forecast('900', '50', hour / 2)).toEqual({ perHour: '100', exhaustedAt: now + hour });
  });

  it('says nothing of a time after the period has ended', () => {
    expect(forecast('900', '50', hour, now + 2 * hour)).toEqual({ perHour: '50', exhaustedAt: null });
    expect(forecast('900', '50', hour, now + 2 * hour + 1)?.exhaustedAt).toBe(now + 2 * hour);
  });

  it('has no end while nothing is used, and is now where all of it is', () => {
    expect(forecast('900', '0')).toEqual({ perHour: '0', exhaustedAt: null });
    expect(forecast('1000', '0')?.exhaustedAt).toBe(now);
    expect(forecast('1200', '50')?.exhaustedAt).toBe(now);
  });

  it('is none where nothing was measured yet', () => {
    expect(forecast('900', '0', 0)).toBeUndefined();
  });
});
