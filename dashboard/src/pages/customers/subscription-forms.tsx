import { useChange } from '../../api/use-api';
import { SelectField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { PickField } from '../../ui/pick-field';
import { tell } from '../../ui/toasts';
import { invoicesPath } from '../invoices/invoice';
import { type Plan, plansPath } from '../plans/plan';
import { type Customer, customersPath } from './customer';
import { entitlementsPath } from './entitlement';
import { type Subscription, subscriptionsOf, subscriptionsPath } from './subscription';

type Timing = 'immediate' | 'next_billing_cycle';

const timings: readonly { value: Timing; label: string }[] = [
  { value: 'immediate', label: 'now' },
  { value: 'next_billing_cycle', label: 'at the end of the billing period' },
];

export interface SubscriptionFormProps {
  customer: Customer;
  subscriptionId: string;
  onDone: () => void;
}

/** Whatever a subscription brings with it is read again. */
const readAgain = (customer: Customer): string[] => [
  subscriptionsOf(customer.id),
  entitlementsPath(customer.id),
  `${customersPath}/${customer.id}/access`,
  invoicesPath,
];

const PlanField = ({ value, onChange }: { value: string; onChange: (value: string) => void }) => (
  <PickField<Plan>
    label="Plan"
    path="$.plan"
    isRequired
    value={value}
    onChange={onChange}
    listPath={plansPath}
    query={{ status: ['active'] }}
    valueOf={({ key }) => key}
    hint="A published plan, by its key."
  />
);

export const SubscribeForm = ({ customer, onDone }: { customer: Customer; onDone: () => void }) => {
  const [draft, change] = useDraft({ plan: '', version: '', startsAt: '' });
  const { run } = useChange<Subscription>(...readAgain(customer));
  return (
    <Form
      submitLabel="Subscribe"
      onCancel={onDone}
      onSubmit={async () => {
        const made = await run({
          path: subscriptionsPath,
          body: {
            customerId: customer.id,
            plan: { key: draft.plan, ...(draft.version === '' ? {} : { version: Number(draft.version) }) },
            timing: draft.startsAt === '' ? 'immediate' : new Date(draft.startsAt).toISOString(),
          },
        });
        tell(`${customer.name} is subscribed to ${made.name}.`);
        onDone();
      }}
    >
      <PlanField value={draft.plan} onChange={(plan) => change({ plan })} />
      <TextField
        label="Version"
        path="$.plan.version"
        type="number"
        value={draft.version}
        onChange={(version) => change({ version })}
        hint="The one in force unless told."
      />
      <TextField
        label="Starts at"
        path="$.timing"
        type="datetime-local"
        value={draft.startsAt}
        onChange={(startsAt) => change({ startsAt })}
        hint="Now unless told."
      />
    </Form>
  );
};

export const ChangePlanForm = ({ customer, subscriptionId, onDone }: SubscriptionFormProps) => {
  const [draft, change] = useDraft<{ plan: string; timing: Timing }>({ plan: '', timing: 'immediate' });
  const { run } = useChange<{ next: Subscription }>(...readAgain(customer));
  return (
    <div className="group">
      <h3>Change the plan</h3>
      <Form
        submitLabel="Change plan"
        onCancel={onDone}
        onSubmit={async () => {
          const { next } = await run({
            path: `${subscriptionsPath}/${subscriptionId}/change`,
            body: { plan: { key: draft.plan }, timing: draft.timing },
          });
          tell(`${customer.name} changes to ${next.name}.`);
          onDone();
        }}
      >
        <PlanField value={draft.plan} onChange={(plan) => change({ plan })} />
        <SelectField<Timing>
          label="When"
          value={draft.timing}
          onChange={(timing) => change({ timing })}
          options={timings}
        />
      </Form>
    </div>
  );
};

export const CancelForm = ({ customer, subscriptionId, onDone }: SubscriptionFormProps) => {
  const [draft, change] = useDraft<{ timing: Timing }>({ timing: 'next_billing_cycle' });
  const { run } = useChange<Subscription>(...readAgain(customer));
  return (
    <div className="group">
      <h3>Cancel the subscription</h3>
      <Form
        isDanger
        submitLabel="Cancel the subscription"
        onCancel={onDone}
        onSubmit={async () => {
          await run({
            path: `${subscriptionsPath}/${subscriptionId}/cancel`,
            body: { timing: draft.timing },
          });
          tell('The subscription is canceled.');
          onDone();
        }}
      >
        <p>Its entitlements, and with them access, end when it ends.</p>
        <SelectField<Timing>
          label="When"
          value={draft.timing}
          onChange={(timing) => change({ timing })}
          options={timings}
        />
      </Form>
    </div>
  );
};
