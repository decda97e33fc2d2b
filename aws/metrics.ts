import { type About, type Counts, metricLine } from '../core/metrics';
import { systemClock } from './clock';

/** Not by console.log, whose line begins with time and request id: CloudWatch wants the JSON alone. */
export function count(site: string, counts: Counts, about: About = {}): void {
  if (Object.keys(counts).length === 0) return;
  process.stdout.write(`${metricLine(site, systemClock.now(), counts, about)}\n`);
}
