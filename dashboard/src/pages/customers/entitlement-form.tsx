import { useChange } from '../../api/use-api';
import { CheckField, SelectField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { PickField } from '../../ui/pick-field';
import { tell } from '../../ui/toasts';
import { type Feature, featuresPath } from '../features/feature';
import { type Customer, customersPath } from './customer';
import { type Entitlement, entitlementsPath } from './entitlement';

interface Draft {
  type: Entitlement['type'];
  featureKey: string;
  issue: string;
  interval: string;
  /** Local; empty for now. */
  anchor: string;
  isSoftLimit: boolean;
  preserveOverage: boolean;
  config: string;
}

const draftOf = (entitlement: Entitlement | undefined): Draft => ({
  type: entitlement?.type ?? 'metered',
  featureKey: entitlement?.featureKey ?? '',
  issue: entitlement?.issue ? String(entitlement.issue.amount) : '',
  interval: entitlement?.usagePeriod?.interval ?? 'MONTH',
  anchor: '',
  isSoftLimit: entitlement?.isSoftLimit ?? false,
  preserveOverage: entitlement?.preserveOverageAtReset ?? false,
  config: entitlement?.config ?? '{}',
});

const bodyOf = (draft: Draft) => {
  const shared = { type: draft.type, featureKey: draft.featureKey };
  if (draft.type === 'boolean') return shared;
  if (draft.type === 'static') return { ...shared, config: draft.config };
  return {
    ...shared,
    isSoftLimit: draft.isSoftLimit,
    preserveOverageAtReset: draft.preserveOverage,
    usagePeriod: {
      interval: draft.interval,
      ...(draft.anchor === '' ? {} : { anchor: new Date(draft.anchor).toISOString() }),
    },
    ...(draft.issue === '' ? {} : { issueAfterReset: draft.issue }),
  };
};

export interface EntitlementFormProps {
  customer: Customer;
  /** The one that it takes the place of; none for a new one. */
  replaced?: Entitlement;
  onDone: () => void;
}

export const EntitlementForm = ({ customer, replaced, onDone }: EntitlementFormProps) => {
  const [draft, change] = useDraft<Draft>(draftOf(replaced));
  const base = entitlementsPath(customer.id);
  const { run } = useChange<Entitlement>(base, `${customersPath}/${customer.id}/access`, '/api/v1/overview');

  const save = async (): Promise<void> => {
    const body = bodyOf(draft);
    if (replaced) {
      const path = `${base}/${encodeURIComponent(replaced.featureKey)}/override`;
      await run({ method: 'PUT', path, body });
      tell(`Put a new entitlement to ${draft.featureKey} in place.`);
    } else {
      await run({ path: base, body });
      tell(`${customer.name} is entitled to ${draft.featureKey}.`);
    }
    onDone();
  };

  return (
    <Form submitLabel={replaced ? 'Override' : 'Create entitlement'} onSubmit={save} onCancel={onDone}>
      {!replaced && (
        <PickField<Feature>
          label="Feature"
          path="$.featureKey"
          isRequired
          value={draft.featureKey}
          onChange={(featureKey) => change({ featureKey })}
          listPath={featuresPath}
          valueOf={({ key }) => key}
        />
      )}
      <SelectField
        label="Type"
        path="$.type"
        value={draft.type}
        onChange={(type) => change({ type })}
        options={[
          { value: 'metered', label: 'Metered: an allowance each period' },
          { value: 'boolean', label: 'Boolean: on' },
          { value: 'static', label: 'Static: a fixed configuration' },
        ]}
      />
      {draft.type === 'metered' && (
        <>
          <div className="fields-2">
            <TextField
              label="Allowance each period"
              path="$.issueAfterReset"
              isNumeric
              value={draft.issue}
              onChange={(issue) => change({ issue })}
              hint="Nothing: only what is granted."
            />
            <TextField
              label="Period"
              path="$.usagePeriod"
              isRequired
              value={draft.interval}
              onChange={(interval) => change({ interval })}
              suggestions={['DAY', 'WEEK', 'MONTH', 'YEAR']}
              hint="Or an ISO 8601 duration of at least an hour."
            />
            <TextField
              label="Periods begin at"
              path="$.usagePeriod.anchor"
              type="datetime-local"
              value={draft.anchor}
              onChange={(anchor) => change({ anchor })}
              hint="Now unless told."
            />
          </div>
          <CheckField
            label="Soft limit"
            hint="Access stays beyond the allowance; crossings are told all the same."
            isChecked={draft.isSoftLimit}
            onChange={(isSoftLimit) => change({ isSoftLimit })}
          />
          <CheckField
            label="Keep overage at reset"
            hint="What was used too much counts against the next period."
            isChecked={draft.preserveOverage}
            onChange={(preserveOverage) => change({ preserveOverage })}
          />
        </>
      )}
      {draft.type === 'static' && (
        <TextField
          label="Configuration"
          path="$.config"
          isRequired
          value={draft.config}
          onChange={(config) => change({ config })}
          hint="JSON."
        />
      )}
    </Form>
  );
};
