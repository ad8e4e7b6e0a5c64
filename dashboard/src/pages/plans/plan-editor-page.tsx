import { useLocation } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { CheckField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { Loaded } from '../../ui/loaded';
import { Page, Section } from '../../ui/page';
import { tell } from '../../ui/toasts';
import { PhaseEditor } from './phase-editor';
import { type Plan, planHref, plansPath } from './plan';
import { newPhase, newPlan, type PhaseDraft, planBodyOf, planDraftOf } from './plan-draft';

/** Makes a plan, or changes a draft. */
export const PlanEditorPage = ({ id }: { id?: string }) => {
  const query = useApi<Plan>(
    `${plansPath}/${encodeURIComponent(id ?? '')}`,
    {},
    { isEnabled: id !== undefined },
  );
  return (
    <Page
      title={id === undefined ? 'New plan' : `Edit ${query.data?.name ?? 'plan'}`}
      parent={{ label: 'Plans', href: '/plans' }}
      lead="A plan is a draft until it is published."
    >
      {id === undefined ? (
        <PlanEditor />
      ) : (
        <Loaded query={query}>{(plan) => <PlanEditor plan={plan} />}</Loaded>
      )}
    </Page>
  );
};

const PlanEditor = ({ plan }: { plan?: Plan }) => {
  const [draft, change] = useDraft(() => (plan ? planDraftOf(plan) : newPlan()));
  const [, navigate] = useLocation();
  const { run } = useChange<Plan>(plansPath);
  const putPhase = (index: number, phase: PhaseDraft): void =>
    change({ phases: draft.phases.map((before, at) => (at === index ? phase : before)) });

  const save = async (): Promise<void> => {
    const body = planBodyOf(draft);
    const saved = plan
      ? await run({ method: 'PUT', path: `${plansPath}/${plan.id}`, body })
      : await run({ path: plansPath, body: { ...body, key: draft.key, currency: draft.currency } });
    tell(`Saved the draft of ${saved.name}.`);
    navigate(planHref(saved.id));
  };

  return (
    <Form
      submitLabel={plan ? 'Save draft' : 'Create draft'}
      onSubmit={save}
      onCancel={() => navigate(plan ? planHref(plan.id) : '/plans')}
    >
      <div className="fields-2">
        {!plan && (
          <TextField
            label="Plan key"
            path="$.key"
            isRequired
            value={draft.key}
            onChange={(key) => change({ key })}
            placeholder="pro"
            hint="It stays through all versions."
          />
        )}
        <TextField label="Plan name" path="$.name" value={draft.name} onChange={(name) => change({ name })} />
        {!plan && (
          <TextField
            label="Currency"
            path="$.currency"
            isRequired
            value={draft.currency}
            onChange={(currency) => change({ currency: currency.toUpperCase() })}
            suggestions={['USD', 'EUR', 'GBP', 'JPY', 'CHF']}
          />
        )}
        <TextField
          label="Billed every"
          path="$.billingCadence"
          isRequired
          value={draft.billingCadence}
          onChange={(billingCadence) => change({ billingCadence })}
          suggestions={['P1W', 'P1M', 'P3M', 'P1Y']}
          hint="ISO 8601: P1M is a month."
        />
      </div>
      <TextField
        label="Plan description"
        path="$.description"
        value={draft.description}
        onChange={(description) => change({ description })}
      />
      <CheckField
        label="Prorate"
        hint="Fees of a period that is cut short are billed by its share."
        isChecked={draft.isProrated}
        onChange={(isProrated) => change({ isProrated })}
      />
      {draft.phases.map((phase, index) => (
        <Section
          // biome-ignore lint/suspicious/noArrayIndexKey: phases have no identity but their place; their keys are being typed.
          key={index}
          title={`Phase ${index + 1}${draft.phases.length > 1 ? ` of ${draft.phases.length}` : ''}`}
          actions={
            draft.phases.length > 1 && (
              <button
                type="button"
                className="button button-quiet button-small"
                onClick={() => change({ phases: draft.phases.filter((_, at) => at !== index) })}
              >
                Remove phase {index + 1}
              </button>
            )
          }
        >
          <PhaseEditor
            phase={phase}
            path={`$.phases[${index}]`}
            isLast={index === draft.phases.length - 1}
            billingCadence={draft.billingCadence}
            onChange={(next) => putPhase(index, next)}
          />
        </Section>
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() =>
            change({
              phases: [
                ...draft.phases,
                newPhase(`phase-${draft.phases.length + 1}`, `Phase ${draft.phases.length + 1}`),
              ],
            })
          }
        >
          <Icon name="plus" />
          Add a phase
        </button>
      </div>
    </Form>
  );
};
