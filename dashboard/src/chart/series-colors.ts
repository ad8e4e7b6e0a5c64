/** How many colours there are; more series than these take turns. */
const colorCount = 8;

export const seriesColor = (index: number): string => `var(--chart-${(index % colorCount) + 1})`;
