/**
 * Origin Shield's regions. The recorder runs in the shield's region, so the shield stands where the table is, or as
 * near as CloudFront has one.
 * @see CloudFront Developer Guide, origin-shield, "Choosing the AWS Region for Origin Shield"
 * @module
 */

/** Regions where CloudFront has a shield. */
const SHIELDED = new Set([
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'eu-central-1',
  'eu-west-1',
  'eu-west-2',
  'sa-east-1',
]);

const NEAREST: Readonly<Record<string, string>> = {
  // the guide's own table
  'af-south-1': 'eu-west-1',
  'ap-east-1': 'ap-southeast-1',
  'ca-central-1': 'us-east-1',
  'eu-north-1': 'eu-west-2',
  'eu-south-1': 'eu-central-1',
  'eu-west-3': 'eu-west-2',
  'me-south-1': 'ap-south-1',
  'us-west-1': 'us-west-2',
  // regions opened since, by distance
  'ap-east-2': 'ap-northeast-1',
  'ap-northeast-3': 'ap-northeast-1',
  'ap-south-2': 'ap-south-1',
  'ap-southeast-3': 'ap-southeast-1',
  'ap-southeast-4': 'ap-southeast-2',
  'ap-southeast-5': 'ap-southeast-1',
  'ap-southeast-6': 'ap-southeast-2',
  'ap-southeast-7': 'ap-southeast-1',
  'ca-west-1': 'us-west-2',
  'eu-central-2': 'eu-central-1',
  'eu-south-2': 'eu-west-2',
  'il-central-1': 'eu-central-1',
  'me-central-1': 'ap-south-1',
  'mx-central-1': 'us-east-2',
};

/** @returns undefined when no shield is known near that region */
export function shieldRegionFor(region: string): string | undefined {
  return SHIELDED.has(region) ? region : NEAREST[region];
}
