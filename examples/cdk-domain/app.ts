import { App, Duration, Stack } from 'aws-cdk-lib';
import { Certificate, CertificateValidation } from 'aws-cdk-lib/aws-certificatemanager';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { AaaaRecord, ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { Device, EdgeIsr } from 'edge-isr';

// yours: the names, the zone that they are in, the account, where your server is, who is woken
const zoneName = 'example.org';
const hostedZoneId = 'Z0123456789EXAMPLE';
const domainName = `www.${zoneName}`;
const account = '123456789012';
const region = 'eu-west-1';
const onCall = 'on-call@example.org';

const app = new App();
const zoneIn = (scope: Construct) =>
  HostedZone.fromHostedZoneAttributes(scope, 'Zone', { hostedZoneId, zoneName });

// CloudFront takes certificates of us-east-1 alone
const certificates = new Stack(app, 'Certificates', {
  env: { account, region: 'us-east-1' },
  crossRegionReferences: true,
});
const certificate = new Certificate(certificates, 'Certificate', {
  domainName,
  validation: CertificateValidation.fromDns(zoneIn(certificates)),
});

const stack = new Stack(app, 'Site', { env: { account, region }, crossRegionReferences: true });
const topic = new Topic(stack, 'OnCall', { enforceSSL: true });
topic.addSubscription(new EmailSubscription(onCall));

const isr = new EdgeIsr(stack, 'Isr', {
  origin: new HttpOrigin(`origin.${zoneName}`),
  domainNames: [domainName],
  certificate,
  variants: { locales: ['en', 'de'], devices: [Device.DESKTOP, Device.MOBILE] },
  defaults: { sMaxAge: Duration.minutes(5), staleWhileRevalidate: Duration.hours(1) },
  bypassPaths: ['/account/*'],
  staticPaths: ['/static/*'],
  alarms: { topic, timeToFresh: Duration.minutes(1) },
  dashboard: true,
});

const records = {
  zone: zoneIn(stack),
  recordName: domainName,
  target: RecordTarget.fromAlias(new CloudFrontTarget(isr.distribution)),
};
new ARecord(stack, 'Ipv4', records);
new AaaaRecord(stack, 'Ipv6', records);
