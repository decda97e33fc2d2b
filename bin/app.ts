/**
 * The CDK app of this repository: one stack with one EdgeIsr.
 *
 *     npx cdk synth -c origin=https://origin.example.org [-c region=eu-west-1]
 *
 * What is wrong with the context is one sentence, and exit code 1.
 * @module
 */
import { App, Stack, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { AwsSolutionsChecks } from 'cdk-nag';
import { EdgeIsr } from '../lib';

const ORIGIN = '-c origin=https://origin.example.org';

try {
  synthesize(new App({ autoSynth: false })); // or half a stack would be synthesised after a refusal
} catch (thrown) {
  if (!(thrown instanceof Error && thrown.name === 'IsrError')) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}

function synthesize(app: App): void {
  const url = originUrl(app.node.tryGetContext('origin'));
  const region = regionOf(app.node.tryGetContext('region'));
  if (!url || !region) return;
  const stack = new Stack(app, 'EdgeIsr', {
    description: `edge-isr in front of ${url.origin}`,
    env: { region, account: process.env.CDK_DEFAULT_ACCOUNT },
  });
  const isr = new EdgeIsr(stack, 'Isr', { origin: httpOrigin(url) });
  if (url.protocol === 'http:') {
    Validations.of(isr.distribution).acknowledge({
      id: 'AwsSolutions-CFR5',
      reason: 'The origin was given as http://: it has no TLS to speak.',
    });
  }
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}

function originUrl(value: unknown): URL | undefined {
  if (value === undefined) {
    return refuse(`edge-isr needs to know the server that renders your pages: add ${ORIGIN}`);
  }
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isWhole = url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  if (!isWhole) {
    return refuse(
      `origin is "${value}": it takes https://host[:port] (or http://), without a path, as in ${ORIGIN}`,
    );
  }
  if (!/\.[a-z]/i.test(url.hostname)) {
    return refuse(
      `origin is "${value}": CloudFront needs a public domain name, not an address or a local name`,
    );
  }
  return url;
}

function regionOf(value: unknown): string | undefined {
  const region = value ?? process.env.CDK_DEFAULT_REGION ?? 'us-east-1';
  if (typeof region === 'string' && /^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) return region;
  return refuse(
    `region is "${region}": it takes the code of an AWS region, as in -c region=eu-west-1`,
  );
}

function refuse(sentence: string): undefined {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}

function httpOrigin(url: URL): HttpOrigin {
  const port = url.port === '' ? undefined : Number(url.port);
  return url.protocol === 'https:'
    ? new HttpOrigin(url.hostname, {
        protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
        httpsPort: port,
      })
    : new HttpOrigin(url.hostname, {
        protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
        httpPort: port,
      });
}
