import { notFound } from '../../primitives/refusal';
import type { Queryable } from '../../storage';
import { minuteMs } from '../count-events';
import type { CompiledMeter } from '../meter';
import { beginningOfTime, ceilTo, endOfTime, floorTo } from './plan-spans';
import { distinctOf } from './query-store';

/** Epoch milliseconds; open where undefined. Both are widened to whole minutes. */
export interface ListSpan {
  from: number | undefined;
  to: number | undefined;
}

const bounds = ({ from, to }: ListSpan): [number, number] => [
  floorTo(from ?? beginningOfTime, minuteMs),
  ceilTo(to ?? endOfTime, minuteMs),
];

/** The subjects with usage of a meter, in their order. */
export const listMeterSubjects = (
  queryable: Queryable,
  compiled: CompiledMeter,
  span: ListSpan,
): Promise<string[]> => distinctOf(queryable, compiled, 'subject', ...bounds(span));

/** The values that a group-by key has in the usage of a meter, in their order. @throws Refusal `group_by_key_not_found` */
export const listGroupValues = async (
  queryable: Queryable,
  compiled: CompiledMeter,
  key: string,
  span: ListSpan,
): Promise<string[]> => {
  if (!compiled.groupKeys.includes(key)) throw notFound('group by key', key);
  return distinctOf(queryable, compiled, { key }, ...bounds(span));
};
