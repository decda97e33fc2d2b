import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { viewerHeaders } from '../../aws/viewer-headers';
import { viewerFunction } from '../../local/cloudfront/viewer-function';

describe('what the warmer sends for a variant', () => {
  const devices = ['desktop', 'mobile', 'tablet'] as const;
  const locales = ['en', 'de', 'pt-BR'];
  const rule = viewerFunction({ drop: [], locales, devices });

  it.each(devices.flatMap((device) => locales.map((locale) => [device, locale] as const)))(
    'becomes that variant again at the edge: %s, %s',
    (device, locale) => {
      const headers = viewerHeaders({ 'x-isr-device': device, 'x-isr-locale': locale });
      expect(Object.keys(headers)).not.toContain('x-isr-locale');
      const viewer = { method: 'GET', headers } as unknown as IncomingMessage;
      rule(viewer, '/a');
      expect(viewer.headers).toMatchObject({ 'x-isr-device': device, 'x-isr-locale': locale });
    },
  );
});
