import { refusalOf, statusOf } from '../../../src/http/problem-details';
import { StorageError } from '../../../src/storage';

describe('a failure that passes', () => {
  it.each([
    ['a serialization failure', Object.assign(new Error('serialize'), { code: '40001' })],
    ['a deadlock', Object.assign(new Error('deadlock'), { code: '40P01' })],
    ['a batch given up because of others', new StorageError('changed', 'storage_conflict', true)],
  ])('of %s is answered 503 with a time to come again', (_, error) => {
    const refusal = refusalOf(error)!;
    expect([statusOf(refusal), refusal.code, refusal.retryAfterSeconds]).toEqual([
      503,
      'storage_conflict',
      1,
    ]);
  });
});
