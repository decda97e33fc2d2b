import { describe, expect, it } from 'vitest';
import { ENV, warmerConfig, warmPaceOf } from '../../core/config';

const base = { ISR_TABLE: 't', ISR_QUEUE_URL: 'q', ISR_EDGE_URL: 'https://d1.cloudfront.net' };

describe("the warmer's configuration", () => {
  it('has a default for everything but the table, the queue and the edge', () => {
    const config = warmerConfig(base);
    expect(config).toMatchObject({ edgeIsLocal: false, perSecond: 20, concurrency: 4 });
    expect(warmPaceOf(config)).toEqual({ perSecond: 20, burst: 4, perSecondMin: 1 });
  });

  it.each(['0', '-1', '1.5', 'many'])('takes no pace of %s', (value) => {
    for (const name of [ENV.warmPerSecond, ENV.warmConcurrency]) {
      expect(() => warmerConfig({ ...base, [name]: value })).toThrow(`${name} is "${value}"`);
    }
  });

  it.each(['http://127.0.0.1:4000', 'http://localhost:4000/', 'http://[::1]:4000'])(
    'may say that the edge at %s is on this machine',
    (edgeUrl) => {
      const env = { ...base, ISR_EDGE_URL: edgeUrl, ISR_EDGE_IS_LOCAL: 'true' };
      expect(warmerConfig(env).edgeIsLocal).toBe(true);
    },
  );

  it.each(['https://d1.cloudfront.net', 'http://127.0.0.1.example.org', 'http://10.0.0.1'])(
    'may not say so of %s',
    (edgeUrl) => {
      const env = { ...base, ISR_EDGE_URL: edgeUrl, ISR_EDGE_IS_LOCAL: 'true' };
      expect(() => warmerConfig(env)).toThrow('ISR_EDGE_IS_LOCAL is set, but the edge is at');
    },
  );
});
