import { type ReactNode, useEffect } from 'react';
import { Link } from 'wouter';
import { offsetText, viewerTimeZone } from '../format/time';

export interface PageProps {
  title: string;
  /** What the page answers, or what this entity is, in one line. */
  lead?: ReactNode;
  /** Buttons on the right. */
  actions?: ReactNode;
  /** The list that a detail page belongs to. */
  parent?: { label: string; href: string };
  children: ReactNode;
}

const useTitle = (title: string): void => {
  useEffect(() => {
    document.title = `${title} · Tollgate`;
  }, [title]);
};

/** One page: its heading, its actions, and the time zone of everything on it, named once. */
export const Page = ({ title, lead, actions, parent, children }: PageProps) => {
  useTitle(title);
  const zone = viewerTimeZone();
  return (
    <div className="page">
      <header className="page-head">
        <div>
          {parent && (
            <Link className="crumb" href={parent.href}>
              {parent.label} /
            </Link>
          )}
          <h1 className="break">{title}</h1>
          <p>
            {lead && <>{lead} </>}
            <span className="zone">
              Times in {zone} ({offsetText(zone, Date.now())}).
            </span>
          </p>
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
};

export interface SectionProps {
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a page under a heading of its own. */
export const Section = ({ title, actions, children }: SectionProps) => (
  <section className="section">
    <div className="section-head">
      <h2>{title}</h2>
      {actions && <div className="row">{actions}</div>}
    </div>
    {children}
  </section>
);

/** Facts by name, as the API has them. What is undefined is left out. */
export const Facts = ({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) => (
  <dl className="facts">
    {facts.map(([name, value]) =>
      value === undefined || value === null || value === '' ? null : (
        <FactRow key={name} name={name} value={value} />
      ),
    )}
  </dl>
);

const FactRow = ({ name, value }: { name: string; value: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </>
);

export interface TileProps {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  href?: string;
}

export const Tiles = ({ children }: { children: ReactNode }) => <div className="tiles">{children}</div>;

/** One number with its name; a link where there is more to see. */
export const Tile = ({ label, value, note, href }: TileProps) => {
  const inside = (
    <>
      <span className="tile-label">{label}</span>
      <span className="tile-value">{value}</span>
      {note && <span className="tile-note">{note}</span>}
    </>
  );
  return href ? (
    <Link className="tile" href={href}>
      {inside}
    </Link>
  ) : (
    <div className="tile">{inside}</div>
  );
};
