import { Link, useLocation } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { intervalWords } from '../../format/time';
import { Badge } from '../../ui/badge';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts, Page, Section } from '../../ui/page';
import { Table } from '../../ui/table';
import { ExactTime, Time } from '../../ui/time';
import { tell, tellProblem } from '../../ui/toasts';
import { featureHref } from '../features/feature';
import {
  entitlementWords,
  type Plan,
  type PlanPhase,
  planDeclaration,
  planHref,
  plansPath,
  planTones,
  type RateCard,
} from './plan';
import { priceWords } from './price-words';

export const PlanPage = ({ id }: { id: string }) => {
  const query = useApi<Plan>(`${plansPath}/${encodeURIComponent(id)}`);
  return (
    <Page
      title={query.data ? `${query.data.name}, version ${query.data.version}` : 'Plan'}
      parent={{ label: 'Plans', href: '/plans' }}
      lead={
        query.data && (
          <>
            <Badge tone={planTones[query.data.status]}>{query.data.status}</Badge> Billed every{' '}
            {intervalWords(query.data.billingCadence)} in {query.data.currency}.
          </>
        )
      }
      actions={query.data && <PlanActions plan={query.data} />}
    >
      <Loaded query={query}>{(plan) => <PlanDetail plan={plan} />}</Loaded>
    </Page>
  );
};

const PlanActions = ({ plan }: { plan: Plan }) => {
  const [, navigate] = useLocation();
  const { run, isRunning } = useChange<Plan>(plansPath);
  const path = `${plansPath}/${plan.id}`;
  const isDraft = plan.status === 'draft';
  return (
    <>
      <CopyAsCurl path={path} />
      <CopyAsYaml value={() => planDeclaration(plan)} />
      {isDraft && (
        <Link className="button" href={`${planHref(plan.id)}/edit`}>
          Edit
        </Link>
      )}
      {!isDraft && (
        <button
          type="button"
          className="button"
          disabled={isRunning}
          onClick={async () => {
            try {
              const next = await run({ path: `${path}/next` });
              tell(`Version ${next.version} is a draft now.`);
              navigate(`${planHref(next.id)}/edit`);
            } catch (error) {
              tellProblem(error);
            }
          }}
        >
          New version
        </button>
      )}
      {(plan.status === 'active' || plan.status === 'scheduled') && (
        <ConfirmButton
          label="Archive"
          question={`Archive ${plan.name}? Its subscriptions go on; nobody can subscribe to it any more.`}
          onConfirm={async () => {
            await run({ path: `${path}/archive` });
            tell(`Archived ${plan.name}.`);
          }}
        />
      )}
      {(isDraft || plan.status === 'archived') && (
        <ConfirmButton
          label="Delete"
          question={`Delete version ${plan.version} of ${plan.name}?`}
          onConfirm={async () => {
            await run({ method: 'DELETE', path });
            tell(`Deleted version ${plan.version} of ${plan.name}.`);
            navigate('/plans');
          }}
        />
      )}
      {isDraft && (
        <button
          type="button"
          className="button button-primary"
          disabled={isRunning}
          onClick={async () => {
            try {
              await run({ path: `${path}/publish` });
              tell(`Published ${plan.name}: customers can be subscribed to it.`);
            } catch (error) {
              tellProblem(error);
            }
          }}
        >
          Publish
        </button>
      )}
    </>
  );
};

const PlanDetail = ({ plan }: { plan: Plan }) => (
  <>
    {plan.validationErrors.length > 0 && (
      <div className="note note-warning">
        <p>It cannot be published yet:</p>
        <ul>
          {plan.validationErrors.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              <code>{field.replace(/^\$\./, '')}</code> {message}
            </li>
          ))}
        </ul>
      </div>
    )}
    {plan.phases.map((phase, index) => (
      <PhaseView key={phase.key} plan={plan} phase={phase} index={index} />
    ))}
    <Section title="Details">
      <Facts
        facts={[
          ['Key', <code key="key">{plan.key}</code>],
          ['Description', plan.description],
          ['Prorated', plan.proRatingConfig.enabled ? 'yes, by the share of the period' : 'no'],
          ['In force from', plan.effectiveFrom && <ExactTime key="from" at={plan.effectiveFrom} />],
          ['In force until', plan.effectiveTo && <ExactTime key="to" at={plan.effectiveTo} />],
          ...Object.entries(plan.metadata),
          ['Id', <code key="id">{plan.id}</code>],
          ['Created', <Time key="created" at={plan.createdAt} />],
          ['Changed', <Time key="changed" at={plan.updatedAt} />],
        ]}
      />
    </Section>
  </>
);

const PhaseView = ({ plan, phase, index }: { plan: Plan; phase: PlanPhase; index: number }) => {
  const span =
    phase.duration === null
      ? 'until it ends'
      : `for a ${intervalWords(phase.duration)}`.replace(/a (\d)/, '$1');
  return (
    <Section
      title={
        <>
          {plan.phases.length > 1 ? `Phase ${index + 1}: ` : ''}
          {phase.name} <span className="soft">{span}</span>
        </>
      }
    >
      {phase.rateCards.length === 0 ? (
        <p className="soft">No rate card: nothing is billed or given.</p>
      ) : (
        <Table<RateCard>
          label={`Rate cards of ${phase.name}`}
          rows={phase.rateCards}
          keyOf={({ key }) => key}
          columns={[
            { header: 'Rate card', render: (card) => card.name },
            {
              header: 'Feature',
              render: ({ featureKey }) =>
                featureKey ? (
                  <Link href={featureHref(featureKey)}>{featureKey}</Link>
                ) : (
                  <span className="soft">–</span>
                ),
            },
            {
              header: 'Price',
              render: ({ price, discounts }) => (
                <>
                  {priceWords(price, plan.currency)}
                  {discounts?.percentage && (
                    <div className="soft">{discounts.percentage.percentage} % off</div>
                  )}
                  {discounts?.usage && (
                    <div className="soft">the first {quantityText(discounts.usage.quantity)} free</div>
                  )}
                </>
              ),
            },
            {
              header: 'Billed',
              render: ({ billingCadence }) =>
                billingCadence === null ? 'once' : `every ${intervalWords(billingCadence)}`,
            },
            {
              header: 'Entitlement',
              render: ({ entitlementTemplate }) => entitlementWords(entitlementTemplate, quantityText),
            },
          ]}
        />
      )}
    </Section>
  );
};
