/**
 * What belongs to the distribution: its names, certificate, paths and logs.
 * @module
 */
import { Token } from 'aws-cdk-lib';
import type { EdgeIsrProps } from '../../edge-isr';
import { checkSome, checkThere, invalid, isKnown, regionIn } from './said';

/** CFDG, distribution-web-values-specify: DownloadDistValuesPathPattern. */
const PATH_PATTERN = /^\/[\w\-.*$/~"'@:+&?]{0,254}$/;
const DOMAIN_NAME = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/i;

const DISTRIBUTION_PROPS = [
  'domainNames',
  'certificate',
  'priceClass',
  'webAclId',
  'geoRestriction',
  'httpVersion',
  'logBucket',
  'logPrefix',
  'staticPaths',
  'bypassPaths',
] as const satisfies readonly (keyof EdgeIsrProps)[];

export function checkSite(props: EdgeIsrProps): void {
  const { domainNames, certificate, webAclId, logPrefix, logBucket } = props;
  checkThere('origin', props.origin, 'it takes the server that renders the pages');
  const theirs = props.ownDistribution === false && DISTRIBUTION_PROPS.find((prop) => props[prop]);
  if (theirs) throw invalid(theirs, 'belongs to the distribution, which is yours: set it there');
  for (const prop of ['staticPaths', 'bypassPaths'] as const) {
    checkSome(prop, props[prop], (path) =>
      PATH_PATTERN.test(path) ? undefined : 'it takes a path pattern, as /static/*',
    );
  }
  const both = props.staticPaths?.find((path) => props.bypassPaths?.includes(path));
  if (both) throw invalid('bypassPaths', `and staticPaths have both ${JSON.stringify(both)}`);
  checkSome('domainNames', domainNames, (name) =>
    Token.isUnresolved(name) || DOMAIN_NAME.test(name)
      ? undefined
      : 'it takes a domain name, as www.example.org',
  );
  if (domainNames && !certificate)
    throw invalid('domainNames', 'need a certificate: set certificate, in us-east-1');
  checkArnRegion('certificate', certificate?.certificateArn);
  checkArnRegion('webAclId', webAclId);
  if (logPrefix !== undefined && !logBucket)
    throw invalid('logPrefix', 'names files in no bucket: set logBucket');
}

/** What CloudFront uses of other services lives in us-east-1 (CFDG, cnames-and-https-requirements). */
function checkArnRegion(prop: string, arn: string | undefined): void {
  const region = regionIn(arn);
  if (!isKnown(arn) || region === 'us-east-1') return;
  throw invalid(prop, `is ${JSON.stringify(arn)}: CloudFront takes one of us-east-1 only`);
}
