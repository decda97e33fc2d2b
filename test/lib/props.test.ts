import { App, Duration, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { HttpVersion } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import {
  type AlarmOptions,
  type ApiDomain,
  Device,
  EdgeIsr,
  type EdgeIsrProps,
  type PurgeBy,
  type WhenExceeded,
} from '../../lib';
import { build } from './stacks';

const names = (count: number, of = (at: number) => `x-${at}`) =>
  Array.from({ length: count }, (_, at) => of(at));

const topicIn = (region: string) =>
  Topic.fromTopicArn(new Stack(), 'OnCall', `arn:aws:sns:${region}:123456789012:on-call`);

const tableAt = (arn: string) => Table.fromTableArn(new Stack(), 'Graph', arn);

const header = (name: string, value = 'v') => ({ header: name, value, override: true });

const BAD: readonly [Partial<EdgeIsrProps>, string][] = [
  [{ keyHeaders: names(11) }, 'EdgeIsr: keyHeaders has 11 names: a cache policy takes at most 10'],
  [
    { keyHeaders: ['Accept-Language', 'Cookie'] },
    'EdgeIsr: keyHeaders[1] is "Cookie": a page that differs by cookie is not cached',
  ],
  [
    { keyHeaders: ['Accept-Encoding'] },
    'EdgeIsr: keyHeaders[0] is "Accept-Encoding": it is in the key already (gzip, br)',
  ],
  [{ keyHeaders: ['RSC', 'rsc'] }, 'EdgeIsr: keyHeaders[1] is "rsc": it is named twice'],
  [
    { keyHeaders: ['a b'] },
    'EdgeIsr: keyHeaders[0] is "a b": a header name is a token (RFC 9110 §5.6.2)',
  ],
  [
    { keyHeaders: [''] },
    'EdgeIsr: keyHeaders[0] is "": a header name is a token (RFC 9110 §5.6.2)',
  ],
  [
    { keyHeaders: ['X-ISR-Locale'] },
    'EdgeIsr: keyHeaders[0] is "X-ISR-Locale": headers that begin with x-isr- are our own',
  ],
  [
    { keyHeaders: names(10, (at) => `x-${String(at).repeat(110)}`) },
    'EdgeIsr: keyHeaders has 1120 characters in all: a cache policy takes at most 1024',
  ],
  [{ maxTtl: Duration.seconds(0) }, 'EdgeIsr: maxTtl is 0 s: it lies between 1 and 3153600000 s'],
  [{ maxTtl: Duration.millis(1_500) }, 'EdgeIsr: maxTtl is 1.5 s: it takes whole seconds'],
  [
    { maxTtl: Duration.seconds(Lazy.number({ produce: () => 5 })) },
    'EdgeIsr: maxTtl is known at deployment only: give a fixed value',
  ],
  [
    { maxTtl: Duration.minutes(1), unrecordedTtl: Duration.minutes(2) },
    'EdgeIsr: unrecordedTtl is 120 s: it lies between 1 and 60 s',
  ],
  [
    { unrecordedTtl: Duration.seconds(0) },
    'EdgeIsr: unrecordedTtl is 0 s: it lies between 1 and 31536000 s',
  ],
  [
    { renderBudget: Duration.days(2) },
    'EdgeIsr: renderBudget is 172800 s: it lies between 0 and 86400 s',
  ],
  [
    { batchWindow: Duration.minutes(6) },
    'EdgeIsr: batchWindow is 360 s: it lies between 0 and 300 s',
  ],
  [{ batchWindow: Duration.millis(500) }, 'EdgeIsr: batchWindow is 0.5 s: it takes whole seconds'],
  [{ settle: Duration.seconds(61) }, 'EdgeIsr: settle is 61 s: it lies between 0 and 60 s'],
  [{ grace: Duration.seconds(21) }, 'EdgeIsr: grace is 21 s: it lies between 1 and 20 s'],
  [{ grace: Duration.millis(900) }, 'EdgeIsr: grace is 0.9 s: it lies between 1 and 20 s'],
  [
    { budget: { items: -1 } },
    'EdgeIsr: budget.items is -1: it takes a whole number of items, at least 1',
  ],
  [
    { budget: { items: 0 } },
    'EdgeIsr: budget.items is 0: it takes a whole number of items, at least 1',
  ],
  [
    { budget: { items: 1.5 } },
    'EdgeIsr: budget.items is 1.5: it takes a whole number of items, at least 1',
  ],
  [
    { warm: { perSecond: 0 } },
    'EdgeIsr: warm.perSecond is 0: it takes a whole number from 1 to 1000',
  ],
  [
    { warm: { concurrency: 1.5 } },
    'EdgeIsr: warm.concurrency is 1.5: it takes a whole number from 1 to 50',
  ],
  [
    { warm: { maxUrls: 10_001 } },
    'EdgeIsr: warm.maxUrls is 10001: it takes a whole number from 0 to 10000',
  ],
  [
    { warm: { maxUrls: Lazy.number({ produce: () => 5 }) } },
    'EdgeIsr: warm.maxUrls is known at deployment only: give a fixed value',
  ],
  [
    { api: { throttle: { ratePerSecond: 0 } } },
    'EdgeIsr: api.throttle.ratePerSecond is 0: it takes a whole number from 1 to 10000',
  ],
  [
    { api: { throttle: { burst: 5_001 } } },
    'EdgeIsr: api.throttle.burst is 5001: it takes a whole number from 1 to 5000',
  ],
  [
    { api: { throttle: { burst: Lazy.number({ produce: () => 5 }) } } },
    'EdgeIsr: api.throttle.burst is known at deployment only: give a fixed value',
  ],
  [
    { responseHeaders: [header('Cache-Control')] },
    'EdgeIsr: responseHeaders[0].header is "Cache-Control": browserCacheControl stands for it',
  ],
  [
    { responseHeaders: [header('x-a'), header('X-A')] },
    'EdgeIsr: responseHeaders[1].header is "X-A": it is named twice',
  ],
  [
    { responseHeaders: [header('x-isr-tags')] },
    'EdgeIsr: responseHeaders[0].header is "x-isr-tags": headers that begin with x-isr- are our own',
  ],
  [
    { responseHeaders: [header('x-a', '')] },
    'EdgeIsr: responseHeaders[0].value is "": it takes 1 to 1783 visible ASCII characters',
  ],
  [
    { responseHeaders: names(10).map((name) => header(name)) },
    'EdgeIsr: responseHeaders has 10 headers: it takes at most 9, beside Cache-Control',
  ],
  [
    {
      table: tableAt('arn:aws:dynamodb:us-east-1:123456789012:table/graph'),
      tableRemovalPolicy: RemovalPolicy.DESTROY,
    },
    'EdgeIsr: tableRemovalPolicy is destroy: table belongs to somebody else, who says it there',
  ],
  [
    {
      maxTtl: Duration.hours(1),
      defaults: { sMaxAge: Duration.hours(1), staleIfError: Duration.hours(2) },
    },
    'EdgeIsr: defaults.staleIfError is 7200 s: it lies between 0 and 3600 s',
  ],
  [
    { ownDistribution: false, httpVersion: HttpVersion.HTTP2 },
    'EdgeIsr: httpVersion belongs to the distribution, which is yours: set it there',
  ],
  [{ purge: 'tags' as PurgeBy }, 'EdgeIsr: purge is "tags": it takes native, paths'],
  [
    { budget: { items: 1, whenExceeded: 'stop' as WhenExceeded } },
    'EdgeIsr: budget.whenExceeded is "stop": it takes alarm, ttl, refuse',
  ],
  [
    { origin: undefined as never },
    'EdgeIsr: origin is missing: it takes the server that renders the pages',
  ],
  [
    { alarms: {} as AlarmOptions },
    'EdgeIsr: alarms.topic is missing: it takes an SNS topic, which is told',
  ],
  [
    { api: { domain: { domainName: 'isr.example.org' } as ApiDomain } },
    'EdgeIsr: api.domain.certificate is missing: it takes one for isr.example.org',
  ],
  [
    { variants: { locales: ['en', 'jp'] } },
    'EdgeIsr: variants.locales[1] is "jp": no language is called jp, it takes language tags, as de or pt-BR (BCP 47)',
  ],
  [
    { variants: { locales: ['german'] } },
    'EdgeIsr: variants.locales[0] is "german": no language is called german, it takes language tags, as de or pt-BR (BCP 47)',
  ],
  [
    { variants: { locales: ['en-XX'] } },
    'EdgeIsr: variants.locales[0] is "en-XX": no region is called XX, it takes language tags, as de or pt-BR (BCP 47)',
  ],
  [
    { variants: { locales: ['en-UK'] } },
    'EdgeIsr: variants.locales[0] is "en-UK": it is spelled en-GB',
  ],
  [
    { variants: { devices: [Device.MOBILE, 'watch' as Device] } },
    'EdgeIsr: variants.devices[1] is "watch": it takes mobile, tablet, desktop',
  ],
  [{ variants: { devices: [] } }, 'EdgeIsr: variants.devices is empty: name some, or leave it out'],
  [
    { table: tableAt('arn:aws:dynamodb:eu-west-1:123456789012:table/graph') },
    'EdgeIsr: table is in eu-west-1: it takes one of the stack’s own region, us-east-1',
  ],
  [
    { browserCacheControl: '' },
    'EdgeIsr: browserCacheControl is "": it takes 1 to 1783 visible ASCII characters',
  ],
  [
    { browserCacheControl: 'no-store\r\nx: y' },
    String.raw`EdgeIsr: browserCacheControl is "no-store\r\nx: y": it takes 1 to 1783 visible ASCII characters`,
  ],
  [
    { alarms: { topic: topicIn('eu-west-1') } },
    'EdgeIsr: alarms.topic is in eu-west-1: an alarm notifies topics of its own region, us-east-1',
  ],
  [
    { alarms: { topic: topicIn('us-east-1'), timeToFresh: Duration.millis(10) } },
    'EdgeIsr: alarms.timeToFresh is 0.01 s: it lies between 1 and 86400 s',
  ],
  [
    { alarms: { topic: topicIn('us-east-1'), warmFailures: -1 } },
    'EdgeIsr: alarms.warmFailures is -1: it takes a whole number from 0 to 1000000',
  ],
  [
    { alarms: { topic: topicIn('us-east-1'), graphErrors: 0.5 } },
    'EdgeIsr: alarms.graphErrors is 0.5: it takes a whole number from 0 to 1000000',
  ],
];

describe('a bad prop gets one sentence: its name, its value, the rule', () => {
  it.each(BAD.map(([props, sentence]) => [sentence, props] as const))('%s', (sentence, props) => {
    expect(() => build(props)).toThrow(expect.objectContaining({ message: sentence }));
  });

  it('a negative Duration is refused by the CDK itself', () => {
    expect(() => Duration.seconds(-1)).toThrow(/negative/);
  });

  it('the widest values that are allowed, are', () => {
    build({
      keyHeaders: names(10),
      maxTtl: Duration.seconds(3_153_600_000),
      unrecordedTtl: Duration.seconds(1),
      renderBudget: Duration.days(1),
      batchWindow: Duration.seconds(0),
      grace: Duration.seconds(20),
      browserCacheControl: 'private, no-cache',
      budget: { items: 1 },
    });
    build({ variants: { locales: ['gsw', 'pdt', 'zh-Hant-TW', 'es-419', 'pt-br'] } });
  });
});

describe('a stack has to have a region, with a shield near it', () => {
  it('agnostic: the sentence says what to set', () => {
    expect(() => build({}, {})).toThrow(
      "EdgeIsr: env of the stack Site has no region: the recorder has to know where its table is, set env: { region: 'eu-west-1' } (or any other) on the stack",
    );
    const app = new App();
    const stack = new Stack(app, 'Lazy', { env: { region: Token.asString({ Ref: 'Region' }) } });
    const origin = new HttpOrigin('example.org');
    expect(() => new EdgeIsr(stack, 'Isr', { origin })).toThrow(/has no region/);
  });

  it('unknown: the shield can be switched off', () => {
    expect(() => build({}, { region: 'cn-north-1' })).toThrow(
      "EdgeIsr: originShield is true, but no Origin Shield is known near the stack's region cn-north-1: set it to false",
    );
    build({ originShield: false }, { region: 'xx-north-1' });
  });
});
