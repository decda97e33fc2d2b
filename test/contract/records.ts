/** What Records promises (core/ports.ts), beside the Graph whose records they are. Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph, Records } from '../../core/ports';
import { encodeUrl } from '../../core/urls';
import { names, recorded } from './graph';

const NOW = 1_800_000_000; // seconds

export function recordsContract(open: () => { graph: Graph; records: Records }): void {
  let graph: Graph;
  let records: Records;
  beforeAll(() => {
    ({ graph, records } = open());
  });

  describe('the records of many urls', () => {
    it('are those that were written, long or short, and of the others none', async () => {
      const { url } = names('records');
      const long = encodeUrl(`${url}&${'x'.repeat(3_000)}`);
      const never = names('records').url;
      const epochOnly = names('records').url;
      await graph.putEpochs({ tags: [], urls: [epochOnly], epochMs: 1, job: 'j' });
      await graph.putUrl(url, recorded({ untilSeconds: NOW + 10, heat: 2.5 }));
      await graph.putUrl(long, recorded({ untilSeconds: NOW + 10, heat: 3 }));
      const found = await records.of([url, never, long, epochOnly]);
      expect(new Set(found.keys())).toEqual(new Set([url, long]));
      expect(found.get(url)).toEqual((await graph.look(url, [])).record);
      expect(found.get(long)?.heat).toBe(3);
    });

    it('are none of none', async () => {
      expect((await records.of([])).size).toBe(0);
    });
  });
}
