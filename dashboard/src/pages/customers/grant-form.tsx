import { useChange } from '../../api/use-api';
import { SelectField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { tell } from '../../ui/toasts';
import { type Customer, customersPath } from './customer';
import { entitlementsPath } from './entitlement';

const durations = ['', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR'] as const;
const recurrences = ['', 'DAY', 'WEEK', 'MONTH', 'YEAR'] as const;

interface Draft {
  amount: string;
  priority: string;
  /** Local, as the browser's control writes it; empty for now. */
  effectiveAt: string;
  expiresUnit: (typeof durations)[number];
  expiresCount: string;
  recurrence: (typeof recurrences)[number];
  rollover: string;
}

/** Adds usage on top: access that ended for lack of it comes back at once. */
export const GrantForm = ({
  customer,
  path,
  onDone,
}: {
  customer: Customer;
  path: string;
  onDone: () => void;
}) => {
  const [draft, change] = useDraft<Draft>({
    amount: '',
    priority: '1',
    effectiveAt: '',
    expiresUnit: '',
    expiresCount: '1',
    recurrence: '',
    rollover: '',
  });
  const { run } = useChange(
    entitlementsPath(customer.id),
    `${customersPath}/${customer.id}/access`,
    '/api/v1/overview',
  );

  const save = async (): Promise<void> => {
    await run({
      path: `${path}/grants`,
      body: {
        amount: draft.amount,
        priority: Number(draft.priority),
        effectiveAt: (draft.effectiveAt === '' ? new Date() : new Date(draft.effectiveAt)).toISOString(),
        ...(draft.expiresUnit === ''
          ? {}
          : { expiration: { duration: draft.expiresUnit, count: Number(draft.expiresCount) } }),
        ...(draft.recurrence === '' ? {} : { recurrence: { interval: draft.recurrence } }),
        ...(draft.rollover === '' ? {} : { maxRolloverAmount: draft.rollover }),
      },
    });
    tell(`Granted ${draft.amount} to ${customer.name}.`);
    onDone();
  };

  return (
    <div className="group">
      <h3>Add a grant</h3>
      <Form submitLabel="Grant" onSubmit={save} onCancel={onDone}>
        <div className="fields-2">
          <TextField
            label="Amount"
            path="$.amount"
            isRequired
            isNumeric
            value={draft.amount}
            onChange={(amount) => change({ amount })}
          />
          <TextField
            label="Priority"
            path="$.priority"
            isRequired
            type="number"
            value={draft.priority}
            onChange={(priority) => change({ priority })}
            hint="The lowest number burns first."
          />
          <TextField
            label="Effective from"
            path="$.effectiveAt"
            type="datetime-local"
            value={draft.effectiveAt}
            onChange={(effectiveAt) => change({ effectiveAt })}
            hint="Now unless told."
          />
          <SelectField
            label="Expires"
            value={draft.expiresUnit}
            onChange={(expiresUnit) => change({ expiresUnit })}
            options={durations.map((value) => ({
              value,
              label: value === '' ? 'never' : `after so many ${value.toLowerCase()}s`,
            }))}
          />
          {draft.expiresUnit !== '' && (
            <TextField
              label={`After how many ${draft.expiresUnit.toLowerCase()}s`}
              path="$.expiration"
              isRequired
              type="number"
              value={draft.expiresCount}
              onChange={(expiresCount) => change({ expiresCount })}
            />
          )}
          <SelectField
            label="Recurs"
            value={draft.recurrence}
            onChange={(recurrence) => change({ recurrence })}
            options={recurrences.map((value) => ({
              value,
              label: value === '' ? 'no' : `every ${value.toLowerCase()}`,
            }))}
          />
          <TextField
            label="Rolls over at most"
            path="$.maxRolloverAmount"
            isNumeric
            value={draft.rollover}
            onChange={(rollover) => change({ rollover })}
            hint="At a reset; all of it unless told."
          />
        </div>
      </Form>
    </div>
  );
};
