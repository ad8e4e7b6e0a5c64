/** Line icons on a grid of 16; each path is one stroke drawing. */
const paths = {
  overview: 'M2 13V8m4 5V3m4 10V6m4 7v-3',
  events: 'M2 4h12M2 8h12M2 12h7',
  meters: 'M2.5 12a6 6 0 1 1 11 0M8 9l3-3.5',
  features: 'M8 2l5.5 3v6L8 14l-5.5-3V5L8 2zm0 0v0M2.5 5L8 8m0 0l5.5-3M8 8v6',
  plans: 'M3 2.5h10v11H3zM5.5 6h5m-5 3h5',
  customers:
    'M6 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zm-4 5.5c0-2.5 1.8-4 4-4s4 1.5 4 4M11 3.3a2.5 2.5 0 0 1 0 4.6m.8 1.9c1.4.5 2.2 1.8 2.2 3.7',
  invoices: 'M3.5 2.5h9v11l-2-1.3-2.5 1.3-2.5-1.3-2 1.3zM6 6h4M6 9h4',
  notifications: 'M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3L4 11zm2.7 2.5a1.4 1.4 0 0 0 2.6 0',
  access: 'M3 14V3m10 11V3M3 6h10M1.5 14h3m7 0h3M3 10h4',
  settings:
    'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 1.8v2m0 8.4v2M1.8 8h2m8.4 0h2M3.6 3.6L5 5m6 6 1.4 1.4M12.4 3.6 11 5m-6 6-1.4 1.4',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8m0-8-8 8',
  menu: 'M2 4h12M2 8h12M2 12h12',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5 6.5 12 13 4.5',
  warning: 'M8 2.5 14.5 13.5h-13L8 2.5zM8 6.5v3.5m0 1.6v.2',
  out: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM4.5 8h7',
  pending: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  pause: 'M5.5 3v10m5-10v10',
  play: 'M5 3l8 5-8 5z',
  download: 'M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10',
  edit: 'M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4L3 13z',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1.5m0 10v1.5M1.5 8H3m10 0h1.5M3.4 3.4l1 1m7.2 7.2 1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  exit: 'M6.5 2.5h-4v11h4M6 8h8m-3-3 3 3-3 3',
  send: 'M2.5 8h9M8 4.5 11.5 8 8 11.5',
} as const;

export type IconName = keyof typeof paths;

/** Decoration: a word stands beside it, or the control that holds it has a label. */
export const Icon = ({ name, size = 16 }: { name: IconName; size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path
      d={paths[name]}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
);
