import { useState } from 'react';
import { Link } from 'wouter';
import { refresh, useApi } from '../../api/use-api';
import { clockText, exactTime } from '../../format/time';
import { type LiveState, useLiveStream } from '../../live/use-live-stream';
import { Badge } from '../../ui/badge';
import { Loaded } from '../../ui/loaded';
import { type Activity, activityLooks, activityPath, mergeActivities } from './activity';
import { customerHref } from './overview';

const shown = 10;

/** The last things that happened, in words, and new ones as they happen. */
export const useActivities = (): { state: LiveState; view: React.ReactNode } => {
  const [live, setLive] = useState<readonly Activity[]>([]);
  const page = useApi<{ items: Activity[] }>(activityPath, { limit: shown }, { everyMs: 30_000 });
  const state = useLiveStream(`${activityPath}/stream`, {
    onEvent: ({ event, data }) => {
      if (event !== 'activity') return;
      setLive((before) => mergeActivities([before, [JSON.parse(data) as Activity]], shown));
      void refresh('/api/v1/overview');
    },
  });
  return {
    state,
    view: (
      <Loaded query={page}>
        {({ items }) => <ActivityList activities={mergeActivities([live, items], shown)} />}
      </Loaded>
    ),
  };
};

export const ActivityList = ({ activities }: { activities: readonly Activity[] }) =>
  activities.length === 0 ? (
    <p className="soft">
      Nothing yet. Warnings, cut-offs, returns and repaired drift appear here as they happen.
    </p>
  ) : (
    <ol className="activities" aria-label="What happened">
      {activities.map((activity) => (
        <ActivityRow key={activity.id} activity={activity} />
      ))}
    </ol>
  );

const ActivityRow = ({ activity }: { activity: Activity }) => {
  const { tone, icon, word } = activityLooks[activity.kind];
  const at = Date.parse(activity.at);
  const isToday = exactTime(at).slice(0, 10) === exactTime(Date.now()).slice(0, 10);
  return (
    <li>
      <Badge tone={tone} icon={icon}>
        {word}
      </Badge>
      <span className="break">
        <Link href={customerHref(activity)}>{activity.customerKey ?? activity.customerName}</Link>{' '}
        {activity.what} at{' '}
        <time className="nowrap" dateTime={activity.at} title={exactTime(at)}>
          {isToday ? clockText(at) : exactTime(at)}
        </time>
        {activity.consequence && <>; {activity.consequence}</>}.
      </span>
    </li>
  );
};
