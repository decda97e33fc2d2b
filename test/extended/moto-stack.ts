/**
 * Our templates, as far as moto's CloudFormation takes them: an account that is bootstrapped, the assets in its bucket,
 * and what moto cannot taken out.
 * @module
 */
import { REGION } from '../../local/account';
import { MOTO_ACCOUNT_ID, type Moto } from './moto-server';

/** Of moto 5's CloudFormation: what it leaves out, saying so in its log, and what follows for the tests. */
export const NOT_IN_MOTO = [
  /^AWS::ApiGateway::(Account|GatewayResponse|Model|RequestValidator|Stage)$/, // no stage, so no API to call
  /^AWS::CertificateManager::Certificate$/,
  /^AWS::SNS::(Subscription|TopicPolicy)$/, // nobody is told
  /^AWS::SQS::QueuePolicy$/, // nobody is refused
];

/** It refuses a template that refers to one, or cannot make it: these are taken out. */
const TAKEN_OUT = [
  /^AWS::CloudFront::/, // all of them, AWS::CloudFront::Function too
  /^AWS::CloudWatch::Alarm$/, // the dashboard refers to them
  /^AWS::Route53::RecordSet$/, // its hosted zone would have to be there, under the id that the example names
  /^Custom::/, // a custom resource runs its function in Docker
];

type Json = ReturnType<typeof JSON.parse>;

/** What stands where something is referred to that was taken out. */
export interface StandIn {
  readonly ref: string;
  readonly attribute: string;
}

export function motoTemplate(template: Json, standIn: StandIn): Json {
  const out = new Set(
    Object.entries<Json>(template.Resources)
      .filter(([, { Type }]) => TAKEN_OUT.some((type) => type.test(Type)))
      .map(([name]) => name),
  );
  const { Resources, ...rest } = JSON.parse(
    JSON.stringify(template, (key, value) => {
      if (key === 'DependsOn') return [value].flat().filter((name) => !out.has(name));
      if (out.has(value?.Ref)) return standIn.ref;
      return out.has(value?.['Fn::GetAtt']?.[0]) ? standIn.attribute : value;
    }),
  );
  const kept = Object.entries(Resources).filter(([name]) => !out.has(name));
  return { ...rest, Resources: Object.fromEntries(kept) };
}

/** As `cdk deploy` does it. @param template as motoTemplate has made it */
export async function createStack(
  { ask }: Moto,
  { name, template, region = REGION }: { name: string; template: Json; region?: string },
): Promise<void> {
  const text = JSON.stringify(template);
  await ask('ssm', '/', {
    region,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.PutParameter',
    },
    body: JSON.stringify({
      Name: '/cdk-bootstrap/hnb659fds/version',
      Value: '30',
      Type: 'String',
      Overwrite: true,
    }),
  });
  const bucket = `/cdk-hnb659fds-assets-${MOTO_ACCOUNT_ID}-${region}`;
  await ask('s3', bucket, { method: 'PUT' });
  for (const key of new Set(text.match(/[0-9a-f]{64}\.zip/g))) {
    await ask('s3', `${bucket}/${key}`, { method: 'PUT', body: EMPTY_ZIP });
  }
  const fields = { TemplateBody: text, 'Capabilities.member.1': 'CAPABILITY_IAM' };
  await askCloudFormation(ask, { Action: 'CreateStack', StackName: name, ...fields }, region);
}

export function askCloudFormation(
  ask: Moto['ask'],
  fields: Readonly<Record<string, string>>,
  region: string = REGION,
): Promise<string> {
  return ask('cloudformation', '/', {
    region,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Version: '2010-05-15', ...fields }).toString(),
  });
}

/** What moto says that it has left out, as far as NOT_IN_MOTO does not name it. */
export function unexpectedIn(log: readonly string[]): string[] {
  const said = log.map((line) => /No Moto CloudFormation support for (\S+)/.exec(line)?.[1]);
  const unknown = new Set(said.filter((type) => type !== undefined));
  return [...unknown].filter((type) => !NOT_IN_MOTO.some((it) => it.test(type)));
}

/** A zip's end of central directory, and nothing before it. */
const EMPTY_ZIP = `PK\x05\x06${'\0'.repeat(18)}`;
