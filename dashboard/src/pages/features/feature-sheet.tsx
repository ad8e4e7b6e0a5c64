import { Link } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { ExactTime, Time } from '../../ui/time';
import { tell } from '../../ui/toasts';
import { meterHref } from '../meters/meter';
import { type Feature, featureDeclaration, featuresPath, filterWords } from './feature';

export const FeatureSheet = ({ featureKey, onClose }: { featureKey: string; onClose: () => void }) => {
  const path = `${featuresPath}/${encodeURIComponent(featureKey)}`;
  const query = useApi<Feature>(path);
  const { run } = useChange(featuresPath);
  return (
    <Sheet
      title={query.data?.name ?? featureKey}
      onClose={onClose}
      actions={
        query.data && (
          <>
            <CopyAsCurl path={path} />
            <CopyAsYaml value={() => featureDeclaration(query.data)} />
          </>
        )
      }
    >
      <Loaded query={query}>
        {(feature) => (
          <>
            <Facts
              facts={[
                ['Key', <code key="key">{feature.key}</code>],
                [
                  'Meter',
                  feature.meterSlug && (
                    <Link key="meter" href={meterHref(feature.meterSlug)}>
                      {feature.meterSlug}
                    </Link>
                  ),
                ],
                ...Object.entries(feature.advancedMeterGroupByFilters ?? {}).map(
                  ([key, terms]) => [`Only where ${key}`, filterWords('', terms)] as const,
                ),
                ...Object.entries(feature.metadata),
                ['Id', <code key="id">{feature.id}</code>],
                ['Created', <Time key="created" at={feature.createdAt} />],
                ['Archived', feature.archivedAt && <ExactTime key="archived" at={feature.archivedAt} />],
              ]}
            />
            <p>
              <Link href="/customers">Customers</Link> get it by a plan or by an entitlement of their own.
            </p>
            {!feature.archivedAt && (
              <div>
                <ConfirmButton
                  label="Archive"
                  question={`Archive the feature ${feature.key}? Entitlements to it go on; nothing new can refer to it.`}
                  onConfirm={async () => {
                    await run({ method: 'DELETE', path: `${featuresPath}/${feature.id}` });
                    tell(`Archived the feature ${feature.key}.`);
                    onClose();
                  }}
                />
              </div>
            )}
          </>
        )}
      </Loaded>
    </Sheet>
  );
};
