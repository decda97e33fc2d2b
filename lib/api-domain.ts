/**
 * A name of the API's own: `https://isr.example.org/revalidate` is the stage's root.
 * @module
 */
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import type { ApiDomain } from './api-options';

/** @returns where the API is now, with a slash at its end as API Gateway's own address has one */
export function addDomain(
  scope: Construct,
  rest: apigateway.RestApi,
  { domainName, certificate, hostedZone }: ApiDomain,
): string {
  const domain = rest.addDomainName('Domain', {
    domainName,
    certificate,
    endpointType: apigateway.EndpointType.REGIONAL,
    securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
  });
  if (hostedZone) {
    const target = route53.RecordTarget.fromAlias({
      bind: () => ({
        dnsName: domain.domainNameAliasDomainName,
        hostedZoneId: domain.domainNameAliasHostedZoneId,
      }),
    });
    // no AAAA: a regional endpoint has IPv4 addresses unless it is told otherwise
    new route53.ARecord(scope, 'Record', {
      zone: hostedZone,
      recordName: `${domainName}.`,
      target,
    });
  }
  return `https://${domainName}/`;
}
