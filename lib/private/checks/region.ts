/**
 * Where the stack is: its region has to be known, with a shield near it.
 * @module
 */
import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { shieldRegionFor } from '../shield';
import { invalid } from './said';

/** @returns the region of the stack, which has to be known */
export function checkRegion(scope: Construct, isShielded: boolean): string {
  const { region, stackName } = Stack.of(scope);
  if (Token.isUnresolved(region)) {
    throw invalid(
      'env',
      `of the stack ${stackName} has no region: the recorder has to know where its table is, set env: { region: 'eu-west-1' } (or any other) on the stack`,
    );
  }
  if (isShielded && shieldRegionFor(region) === undefined) {
    throw invalid(
      'originShield',
      `is true, but no Origin Shield is known near the stack's region ${region}: set it to false`,
    );
  }
  return region;
}
